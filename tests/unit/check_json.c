/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The JSON parser: verdicts and error positions in both dialects, strings, integers, walks; and
 * look-ups in the text of a model's JSON file.
 *
 * tests/e2e/test_header_verdicts.py and test_json_verdicts.py compare verdicts with the readers
 * after which the dialects are named.
 */
#include "mxfs/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "mxfs/compiler.h"
#include "support/suite.h"

/* Parses an exact copy on the heap, so that sanitizers see any access beyond it. */
static int parse(const char *text, size_t len, enum mxfs_json_dialect dialect, struct mxfs_json *j)
{
    char *copy = malloc(len + !len);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    int rc = mxfs_json_begin(j, copy, len, dialect);
    if (rc == 0)
        rc = mxfs_json_skip(j);
    if (rc == 0)
        rc = mxfs_json_end(j);
    free(copy);
    ck_assert((rc == 0) == !j->error);
    ck_assert(rc == 0 || rc == -EINVAL);
    return rc;
}

/** A text and the error in each dialect, NULL if there is none. */
struct verdict {
    const char *text;
    const char *strict;
    const char *python;
    size_t pos; /* position of the error, if there is one in both */
};

#define BOTH(reason) reason, reason

static const struct verdict verdicts[] = {
    {"{}", BOTH(NULL), 0},
    {" [ ] ", BOTH(NULL), 0},
    {"\t\r\n0", BOTH(NULL), 0},
    {"[1,-0,0.5,1e5,1E+5,1.5e-3,-12]", BOTH(NULL), 0},
    {"{\"a\":[true,false,null,\"\",{}],\"\":{\"b\":[[]]}}", BOTH(NULL), 0},
    {"\"\xc3\xa9 \xf0\x9f\x98\x80 \x7f\"", BOTH(NULL), 0},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\"", BOTH(NULL), 0},
    /* only Python accepts these */
    {"NaN", "expected a value", NULL, 0},
    {"[Infinity]", "expected a value", NULL, 1},
    {"-Infinity", "invalid number", NULL, 1},
    {"1e309", "number out of range", NULL, 0},
    {"[-1e999999999999]", "number out of range", NULL, 1},
    {"\"\\ud800\"", "lone surrogate", NULL, 7},
    {"\"\\udc00\"", "lone surrogate", NULL, 7},
    {"\"\\ud800\\u0041\"", "lone surrogate", NULL, 7},
    {"\"\\ud800\\n\"", "lone surrogate", NULL, 7},
    /* both reject these */
    {"", BOTH("expected a value"), 0},
    {" ", BOTH("expected a value"), 1},
    {"\xef\xbb\xbf{}", BOTH("expected a value"), 0},
    {"{}\xff", BOTH("not UTF-8"), 2},
    {"\"12345678\xc0\x80\"", BOTH("not UTF-8"), 9},
    {"nul", BOTH("expected a value"), 0},
    {"nan", BOTH("expected a value"), 0},
    {"-NaN", BOTH("invalid number"), 1},
    {"Inf", BOTH("expected a value"), 0},
    {"-Inf", "invalid number", "expected a value", 1},
    {"truefalse", BOTH("trailing characters"), 4},
    {"{} {}", BOTH("trailing characters"), 3},
    {"01", BOTH("leading zero"), 1},
    {"1.", BOTH("invalid number"), 2},
    {"1.e5", BOTH("invalid number"), 2},
    {".5", BOTH("expected a value"), 0},
    {"+1", BOTH("expected a value"), 0},
    {"-", BOTH("invalid number"), 1},
    {"--1", BOTH("invalid number"), 1},
    {"1e", BOTH("invalid number"), 2},
    {"1e+", BOTH("invalid number"), 3},
    {"[1 2]", BOTH("expected ',' or ']'"), 3},
    {"[1", BOTH("expected ',' or ']'"), 2},
    {"[1}", BOTH("expected ',' or ']'"), 2},
    {"[1,]", BOTH("trailing comma"), 3},
    {"[,1]", BOTH("expected a value"), 1},
    {"[", BOTH("expected a value"), 1},
    {"{\"a\":1,}", BOTH("trailing comma"), 7},
    {"{\"a\":1 \"b\"", BOTH("expected ',' or '}'"), 7},
    {"{\"a\" 1}", BOTH("expected ':'"), 5},
    {"{\"a\":}", BOTH("expected a value"), 5},
    {"{a:1}", BOTH("expected a string"), 1},
    {"{,}", BOTH("expected a string"), 1},
    {"{1:1}", BOTH("expected a string"), 1},
    {"'a'", BOTH("expected a value"), 0},
    {"/**/1", BOTH("expected a value"), 0},
    {"\"a", BOTH("unterminated string"), 2},
    {"\"a\\", BOTH("invalid escape"), 3},
    {"\"\\x41\"", BOTH("invalid escape"), 2},
    {"\"\\U0041\"", BOTH("invalid escape"), 2},
    {"\"\\u12g4\"", BOTH("expected four hexadecimal digits after \\u"), 5},
    {"\"\\ud800\\u12\"", BOTH("expected four hexadecimal digits after \\u"), 11},
    {"\"a\nb\"", BOTH("control character in a string"), 2},
};

START_TEST(each_verdict)
{
    const struct verdict *v = &verdicts[_i];
    const char *const reasons[] = {v->strict, v->python};

    for (unsigned dialect = 0; dialect < 2; dialect++) {
        struct mxfs_json j;
        parse(v->text, strlen(v->text), (enum mxfs_json_dialect)dialect, &j);
        ck_assert_pstr_eq(j.error, reasons[dialect]);
        if (j.error)
            ck_assert_uint_eq(j.pos, v->pos);
    }
}
END_TEST

START_TEST(every_cut_short_text_is_refused)
{
    static const char text[] =
        "{\"a\\n\\ud83d\\ude00\":[-1.5e+3,true,{\"b\":null}],\"\xc3\xa9\":\"\"}";
    struct mxfs_json j;

    for (unsigned dialect = 0; dialect < 2; dialect++) {
        for (size_t n = 0; n < sizeof(text) - 1; n++)
            ck_assert_int_ne(parse(text, n, (enum mxfs_json_dialect)dialect, &j), 0);
        ck_assert_int_eq(parse(text, sizeof(text) - 1, (enum mxfs_json_dialect)dialect, &j), 0);
        ck_assert_int_ne(parse(text, sizeof(text), (enum mxfs_json_dialect)dialect, &j), 0);
    }
}
END_TEST

START_TEST(depth)
{
    static const size_t limits[] = {127, 2048};
    static char text[2 * 200000];
    struct mxfs_json j;

    for (unsigned dialect = 0; dialect < 2; dialect++) {
        for (size_t levels = limits[dialect]; levels <= limits[dialect] + 1; levels++) {
            memset(text, '[', levels);
            memset(text + levels, ']', levels);
            int rc = parse(text, 2 * levels, (enum mxfs_json_dialect)dialect, &j);
            ck_assert_int_eq(rc, levels == limits[dialect] ? 0 : -EINVAL);
        }
        ck_assert_str_eq(j.error, "nested too deeply");
        memset(text, '[', sizeof(text));
        ck_assert_int_ne(parse(text, sizeof(text), (enum mxfs_json_dialect)dialect, &j), 0);
    }
}
END_TEST

static struct mxfs_json_string read_string(const char *text, struct mxfs_json *j)
{
    struct mxfs_json_string s;

    ck_assert_int_eq(mxfs_json_begin(j, text, strlen(text), MXFS_JSON_PYTHON), 0);
    ck_assert_int_eq(mxfs_json_read_string(j, &s), 0);
    ck_assert_int_eq(mxfs_json_end(j), 0);
    return s;
}

START_TEST(strings)
{
    static const struct {
        const char *text, *decoded;
        size_t len;
    } cases[] = {
        {"\"\"", "", 0},
        {"\"a\xc3\xa9\"", "a\xc3\xa9", 3},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
        {"\"x\\u0000y\"", "x\0y", 3},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uFFFF\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf",
         11},
        {"\"\\ud83d\\ude00\\uDBFF\\uDFFF\"", "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf", 8},
        {"\"\\ud800\\ud83d\\ude00\"", "\xed\xa0\x80\xf0\x9f\x98\x80", 7},
        {"\"\\ude00\\ud83d!\"", "\xed\xb8\x80\xed\xa0\xbd!", 7},
    };

    for (size_t i = 0; i < MXFS_COUNT(cases); i++) {
        char out[16];
        struct mxfs_json j;
        struct mxfs_json_string s = read_string(cases[i].text, &j);
        ck_assert_uint_eq(s.len, cases[i].len);
        ck_assert_int_eq(s.len < s.raw_len, strchr(cases[i].text, '\\') != NULL);
        for (size_t size = 0; size < sizeof(out); size++) {
            size_t wanted = size < s.len ? size : s.len;
            memset(out, '#', sizeof(out));
            ck_assert_uint_eq(mxfs_json_decode(&s, out, size), wanted);
            ck_assert_mem_eq(out, cases[i].decoded, wanted);
            ck_assert_int_eq(out[wanted], '#');
        }
    }
}
END_TEST

START_TEST(equality)
{
    struct mxfs_json j;
    struct mxfs_json_string s = read_string("\"dtype\"", &j), escaped;

    ck_assert(mxfs_json_equals(&s, "dtype"));
    ck_assert(!mxfs_json_equals(&s, "dtyp") && !mxfs_json_equals(&s, "dtypf"));
    escaped = read_string("\"d\\u0074ype\"", &j);
    ck_assert(mxfs_json_equals(&escaped, "dtype") && !mxfs_json_equals(&escaped, "dtypf"));
    escaped = read_string("\"dtype\\u0000\"", &j);
    ck_assert(!mxfs_json_equals(&escaped, "dtype"));
}
END_TEST

START_TEST(integers)
{
    static const struct {
        const char *text;
        uint64_t value;
        const char *error;
    } cases[] = {
        {" 0", 0, NULL},
        {"18446744073709551615", UINT64_MAX, NULL},
        {"18446744073709551616", 0, "integer over 2^64-1"},
        {"99999999999999999999999", 0, "integer over 2^64-1"},
        {"-1", 0, "expected an integer of 0 or more"},
        {"1.0", 0, "expected an integer, not a fraction or power of ten"},
        {"1e3", 0, "expected an integer, not a fraction or power of ten"},
        {"007", 0, "leading zero"},
        {"\"1\"", 0, "expected an integer of 0 or more"},
        {"", 0, "expected an integer of 0 or more"},
    };

    for (size_t i = 0; i < MXFS_COUNT(cases); i++) {
        struct mxfs_json j = {.text = cases[i].text, .size = strlen(cases[i].text)};
        uint64_t value = 0;
        int rc = mxfs_json_read_u64(&j, &value);
        ck_assert_int_eq(rc, cases[i].error ? -EINVAL : 0);
        ck_assert_pstr_eq(j.error, cases[i].error);
        ck_assert_uint_eq(value, cases[i].value);
    }
}
END_TEST

/* A text can be parsed again, and a walk visits members in order. */
START_TEST(walk)
{
    static const char text[] = "{\"a\":[1,2,3],\"b\":{},\"c\":[]}";
    struct mxfs_json j;
    struct mxfs_json_string key;
    uint64_t n, sum = 0;

    ck_assert_int_eq(mxfs_json_begin(&j, text, sizeof(text) - 1, MXFS_JSON_STRICT), 0);
    for (int again = 0; again < 2; again++, j.pos = 0) {
        ck_assert_int_eq(mxfs_json_open(&j, '{'), 0);
        for (char c = 'a'; c <= 'c'; c++) {
            ck_assert_int_eq(mxfs_json_next(&j, '}'), 1);
            ck_assert_int_eq(mxfs_json_read_key(&j, &key), 0);
            ck_assert_int_eq(key.raw[0], c);
            if (c == 'a') {
                ck_assert_int_eq(mxfs_json_open(&j, '['), 0);
                while (mxfs_json_next(&j, ']') > 0) {
                    ck_assert_int_eq(mxfs_json_read_u64(&j, &n), 0);
                    sum += n;
                }
            } else {
                ck_assert_int_eq(mxfs_json_skip(&j), 0);
            }
        }
        ck_assert_int_eq(mxfs_json_next(&j, '}'), 0);
        ck_assert_int_eq(mxfs_json_end(&j), 0);
        ck_assert_uint_eq(j.depth, 0);
    }
    ck_assert_uint_eq(sum, 12);
}
END_TEST

/* Look-ups in the text of a file. */

static struct model_json view(const char *text)
{
    return (struct model_json){text, strlen(text)};
}

START_TEST(look_ups)
{
    struct model_json root =
        view("{\"a\":{\"b\":7,\"b\":\"\\u0078yz\"},\"c\":[1,{}],\"\\u0064\":-5,"
             "\"e\":9223372036854775808,\"f\":2.0,\"g\":NaN,\"a\\u0000\":1}");
    char out[3] = "?";

    struct model_json b = model_json_get(model_json_get(root, "a"), "b");
    ck_assert_int_eq(model_json_kind(b), '"'); /* the last of two members counts */
    ck_assert(model_json_string(b, out, sizeof(out)));
    ck_assert_str_eq(out, "xy");
    ck_assert(!model_json_string(root, out, sizeof(out)));
    ck_assert_str_eq(out, "xy");
    ck_assert_int_eq(model_json_kind(model_json_get(root, "c")), '[');
    ck_assert_int_eq(model_json_kind(model_json_get(root, "g")), 'N');
    ck_assert_int_eq(model_json_kind(model_json_get(root, "d")), '-');
    ck_assert_int_eq(model_json_kind(model_json_get(root, "h")), '\0');
    ck_assert_int_eq(model_json_kind(model_json_get(b, "h")), '\0');
    ck_assert_int_eq(model_json_kind(model_json_get((struct model_json){0}, "h")), '\0');
    ck_assert_uint_eq(model_json_integer(view(" 12")), 12);
    ck_assert_uint_eq(model_json_integer(view("9223372036854775807")), INT64_MAX);
    for (const char *name = "abcdefgh"; *name; name++)
        ck_assert_uint_eq(model_json_integer(model_json_get(root, (char[]){*name, '\0'})), 0);
}
END_TEST

START_TEST(walks)
{
    char text[600], long_name[300];

    memset(long_name, 'n', sizeof(long_name));
    snprintf(text, sizeof(text), "{\"\\u0061\":1,\"b\\u0000\":2,\"%.255s\":3,\"%.256s\":4}",
             long_name, long_name);
    struct model_json_walk w = model_json_walk(view(text), '{');
    ck_assert(model_json_next(&w) && strcmp(w.name, "a") == 0);
    ck_assert_uint_eq(model_json_integer(w.value), 1);
    ck_assert(model_json_next(&w) && w.name[0] == '\0');
    ck_assert(model_json_next(&w) && strlen(w.name) == 255);
    ck_assert(model_json_next(&w) && w.name[0] == '\0');
    ck_assert_uint_eq(model_json_integer(w.value), 4);
    ck_assert(!model_json_next(&w));

    w = model_json_walk(view("[ 5 , [] ]"), '[');
    ck_assert(model_json_next(&w) && w.name[0] == '\0' && w.value.len == 1);
    ck_assert(model_json_next(&w) && model_json_kind(w.value) == '[' && w.value.len == 2);
    ck_assert(!model_json_next(&w));
    w = model_json_walk(view("[1]"), '{');
    ck_assert(!model_json_next(&w));
    w = model_json_walk((struct model_json){0}, '[');
    ck_assert(!model_json_next(&w));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *parser = tcase_create("parser"), *views = tcase_create("views");

    tcase_add_loop_test(parser, each_verdict, 0, MXFS_COUNT(verdicts));
    tcase_add_test(parser, every_cut_short_text_is_refused);
    tcase_add_test(parser, depth);
    tcase_add_test(parser, strings);
    tcase_add_test(parser, equality);
    tcase_add_test(parser, integers);
    tcase_add_test(parser, walk);
    tcase_add_test(views, look_ups);
    tcase_add_test(views, walks);
    suite_add_tcase(suite, parser);
    suite_add_tcase(suite, views);
    return test_run(suite);
}
