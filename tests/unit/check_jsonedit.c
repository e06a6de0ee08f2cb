/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Editing JSON files: examples in many styles, then random texts, whose result is compared with the
 * same edit made on the parsed text. The file is long because of its tables of texts.
 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/jsonedit.h"
#include "support/suite.h"

/* An exact copy on the heap, so that sanitizers see any access beyond it. */
static char *exact(const char *text, size_t len)
{
    char *copy = malloc(len + !len);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    return copy;
}

static int config(const char *text, size_t len, const char *dtype, unsigned flags, char **out)
{
    char *copy = exact(text, len);
    size_t out_len = 1;
    int rc = mxfs_jsonedit_config(copy, len, dtype, flags, out, &out_len);

    free(copy);
    if (rc != 0)
        ck_assert(*out == NULL && out_len == 0);
    else
        ck_assert_uint_eq(strlen(*out), out_len);
    return rc;
}

struct example {
    const char *text;
    const char *wanted;
};

static void check_config(const struct example *x, const char *dtype, unsigned flags)
{
    char *out;

    ck_assert_msg(config(x->text, strlen(x->text), dtype, flags, &out) == 0, "%s", x->text);
    ck_assert_str_eq(out, x->wanted);
    free(out);
}

#define Q "\"quantization_config\""

/* Cuts alone: dtype is not set. */
static const struct example cuts[] = {
    {"{}", "{}"},
    {" { } \n", " { } \n"},
    {"{" Q ":{}}", "{}"},
    {"{\n  " Q ": {}\n}\n", "{}\n"},
    {"{ " Q ": {}, \"quantization\": 1 }", "{}"},
    {"{" Q ":{},\"a\":1}", "{\"a\":1}"},
    {"{\"a\":1," Q ":{}}", "{\"a\":1}"},
    {"{\"a\":1," Q ":{},\"b\":2}", "{\"a\":1,\"b\":2}"},
    {"{\"a\": 1, " Q ": {}, \"b\": 2}", "{\"a\": 1, \"b\": 2}"},
    {"{\n  " Q ": {\n    \"x\": [1]\n  },\n  \"a\": 1\n}", "{\n  \"a\": 1\n}"},
    {"{\n    \"a\": 1,\n    " Q ": {},\n    \"b\": 2\n}\n", "{\n    \"a\": 1,\n    \"b\": 2\n}\n"},
    {"{\n\t\"a\": 1,\n\t" Q ": {}\n}", "{\n\t\"a\": 1\n}"},
    {"{\r\n  \"a\": 1,\r\n  " Q ": {}\r\n}\r\n", "{\r\n  \"a\": 1\r\n}\r\n"},
    {"{\n  " Q ": {},\n  \"quantization\": {},\n  \"a\": 1,\n  \"compression_config\": null,\n"
     "  \"expert_dtype\": \"fp4\",\n  \"b\": 2,\n  " Q ": {}\n}",
     "{\n  \"a\": 1,\n  \"b\": 2\n}"},
    {"{\n    \"a\" : 1\n  , " Q " : {}\n  , \"b\" : 2\n}", "{\n    \"a\" : 1\n  , \"b\" : 2\n}"},
    /* Keys are compared after decoding, so a name may be spelled in any way. */
    {"{\"quantization\\u005fconf\\u0069g\":1,\"a\\/b\\\"\":2}", "{\"a\\/b\\\"\":2}"},
    {"{\"quantization_config\\u0000\":1,\"\\ud83d\\ude00\":2}",
     "{\"quantization_config\\u0000\":1,\"\\ud83d\\ude00\":2}"},
    /* Members inside and outside a config. */
    {"{\"text_config\": {" Q ": {}, \"a\": 1e-05}}", "{\"text_config\": {\"a\": 1e-05}}"},
    {"{\"text_config\":{\n " Q ": {}\n}, \"b\": 1}", "{\"text_config\":{}, \"b\": 1}"},
    {"{\"a_config\":{\"b_config\":{\"_config\":{\"quantization\":0}}}}",
     "{\"a_config\":{\"b_config\":{\"_config\":{}}}}"},
    {"{\"text\":{" Q ":{}},\"l_config\":[{" Q ":{}}],\"s_config\":\"quantization\"}",
     "{\"text\":{" Q ":{}},\"l_config\":[{" Q ":{}}],\"s_config\":\"quantization\"}"},
    {"{\"\\u0061_config\":{\"quantization\":{}},\"a\":1}", "{\"\\u0061_config\":{},\"a\":1}"},
    {"{\"quantization\":{\"text_config\":{\"quantization\":1}},\"a\":1}", "{\"a\":1}"},
    /* Python's dialect, and texts that stay byte for byte. */
    {"{\"a\":[NaN,Infinity,-Infinity,1E+5,-0.0,1e-05,1.50]," Q ":Infinity,\"b\":NaN}",
     "{\"a\":[NaN,Infinity,-Infinity,1E+5,-0.0,1e-05,1.50],\"b\":NaN}"},
    {"{\"\\ud800\":1,\"\\udc00\\ud800\\n\":1e999," Q ":\"\\ud800\\u0041\"}",
     "{\"\\ud800\":1,\"\\udc00\\ud800\\n\":1e999}"},
    {"{\"a\" :\t[ ] ,\n\"\xc3\xa9\":\"}{,\\\"quantization\\\":1\"}\n\n",
     "{\"a\" :\t[ ] ,\n\"\xc3\xa9\":\"}{,\\\"quantization\\\":1\"}\n\n"},
    {"{\"dtype\":\"float16\",\"torch_dtype\":null}",
     "{\"dtype\":\"float16\",\"torch_dtype\":null}"},
};

START_TEST(members_are_cut)
{
    check_config(&cuts[_i], NULL, 0);
}
END_TEST

static const struct example dtypes[] = {
    {"{\"dtype\":\"float16\",\"a\":1}", "{\"dtype\":\"bfloat16\",\"a\":1}"},
    {"{\"torch_dtype\": \"torch.float16\"}", "{\"torch_dtype\": \"bfloat16\"}"},
    {"{\"dtype\": null, \"torch_dtype\": \"x\"}",
     "{\"dtype\": \"bfloat16\", \"torch_dtype\": \"bfloat16\"}"},
    {"{\"dtype\": {\"\": \"float16\", \"text_config\": \"float16\"}}", "{\"dtype\": \"bfloat16\"}"},
    {"{\"text_config\":{\"dtype\":\"float16\",\"a\":1}}",
     "{\"text_config\":{\"dtype\":\"bfloat16\",\"a\":1}}"},
    {"{\"dtype\":\"a\",\"x_config\":{\"y_config\":{\"torch_dtype\":\"b\"}},\"dtype\":\"c\"}",
     "{\"dtype\":\"bfloat16\",\"x_config\":{\"y_config\":{\"torch_dtype\":\"bfloat16\"}},"
     "\"dtype\":\"bfloat16\"}"},
    {"{" Q ":{\"dtype\":\"x\"},\"x_config\":{\"dtype\":\"float16\"}," Q ":{}}",
     "{\"x_config\":{\"dtype\":\"bfloat16\"}}"},
    /* No dtype is there yet: it is added to the root, in the style of the text. */
    {"{}", "{\"torch_dtype\": \"bfloat16\"}"},
    {"{\n}\n", "{\"torch_dtype\": \"bfloat16\"\n}\n"},
    {"{\"a\":1}", "{\"a\":1,\"torch_dtype\":\"bfloat16\"}"},
    {"{\"a\": 1}", "{\"a\": 1, \"torch_dtype\": \"bfloat16\"}"},
    {"{\"a\": 1,\"b\": 2}", "{\"a\": 1,\"b\": 2,\"torch_dtype\": \"bfloat16\"}"},
    {"{ \"a\": 1, \"b\": 2 }", "{ \"a\": 1, \"b\": 2, \"torch_dtype\": \"bfloat16\" }"},
    {"{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"torch_dtype\": \"bfloat16\"\n}\n"},
    {"{\n\t\"a\" : 1,\n\t\"b\" : {}\n}",
     "{\n\t\"a\" : 1,\n\t\"b\" : {},\n\t\"torch_dtype\" : \"bfloat16\"\n}"},
    {"{\r\n    \"a\":1\r\n}", "{\r\n    \"a\":1,\r\n    \"torch_dtype\":\"bfloat16\"\r\n}"},
    {"{\n  \"a\": 1,\n  " Q ": {}\n}", "{\n  \"a\": 1,\n  \"torch_dtype\": \"bfloat16\"\n}"},
    {"{\n  " Q ": {},\n  \"a\": 1\n}", "{\n  \"a\": 1,\n  \"torch_dtype\": \"bfloat16\"\n}"},
    {"{\n  " Q ": {},\n  \"quantization\": {}\n}\n", "{\n  \"torch_dtype\": \"bfloat16\"\n}\n"},
    {"{" Q ":{}}", "{\"torch_dtype\":\"bfloat16\"}"},
    {"{\"a\":{\"dtype\":\"x\"},\"dtype\":3}",
     "{\"a\":{\"dtype\":\"x\"},\"dtype\":3,\"torch_dtype\":\"bfloat16\"}"},
    {"{\"a_config\":{},\"text_config\":{\"b\":1}}",
     "{\"a_config\":{},\"text_config\":{\"b\":1},\"torch_dtype\":\"bfloat16\"}"},
    {"{\"quantization\":{\"dtype\":\"x\"}}", "{\"torch_dtype\":\"bfloat16\"}"},
};

START_TEST(dtypes_are_set)
{
    check_config(&dtypes[_i], "bfloat16", 0);
}
END_TEST

START_TEST(expert_dtype_may_stay)
{
    static const struct example kept = {
        "{\"expert_dtype\":\"fp4\",\"a_config\":{\"expert_dtype\":1,\"quantization\":2}}",
        "{\"expert_dtype\":\"fp4\",\"a_config\":{\"expert_dtype\":1}}"};
    struct example cut = {kept.text, "{\"a_config\":{}}"};

    check_config(&kept, NULL, MXFS_JSONEDIT_KEEP_EXPERT_DTYPE);
    check_config(&cut, NULL, 0);
}
END_TEST

static const char *const malformed[] = {
    "",
    " ",
    "[]",
    "1",
    "null",
    "{",
    "}",
    "{}x",
    "{} {}",
    "\xef\xbb\xbf{}",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1",
    "{\"a\":[1}",
    "{\"a\":[1,]}",
    "{\"a\":[,]}",
    "{\"a\":{\"b\"}}",
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    "{\"a\":01}",
    "{\"a\":+1}",
    "{\"a\":1.}",
    "{\"a\":.5}",
    "{\"a\":1e}",
    "{\"a\":-}",
    "{\"a\":--1}",
    "{\"a\":nul}",
    "{\"a\":nan}",
    "{\"a\":-NaN}",
    "{\"a\":Inf}",
    "{\"a\":truefalse}",
    "{\"a",
    "{\"a\\",
    "{\"a\\u12",
    "{\"\\x\":1}",
    "{\"\\u12g4\":1}",
    "{\"a\n\":1}",
    "{\"\xff\":1}",
    "{\"\xc0\x80\":1}",
    "{\"\xed\xa0\x80\":1}",
    "{\"\xe2\x82\":1}",
    "{\"\\ud800\\u00\":1}",
    "{\"a\":/**/1}",
    "{\"quantization\":{]}",
    "{\"quantization\":1,,\"a\":1}",
    "{\"a_config\":{\"quantization\":1,}}",
    "{\"dtype\":nul}",
};

START_TEST(malformed_is_refused)
{
    const char *text = malformed[_i];
    char *out;

    ck_assert_int_eq(config(text, strlen(text), "bfloat16", 0, &out), -EINVAL);
}
END_TEST

START_TEST(every_cut_short_text_is_refused)
{
    const char *text = cuts[13].text;
    char *out;

    for (size_t n = 0; n < strlen(text); n++)
        ck_assert_int_eq(config(text, n, "bfloat16", 0, &out), -EINVAL);
    ck_assert_int_eq(config("{\"a\":\0}", 7, NULL, 0, &out), -EINVAL);
    ck_assert_int_eq(config("{}\0", 3, NULL, 0, &out), -EINVAL);
}
END_TEST

/* `levels` objects, arrays or configs, nested. */
static char *nested(const char *open, const char *close, size_t levels)
{
    size_t n = strlen(open), m = strlen(close);
    char *text = malloc(levels * (n + m) + 16), *p = text;

    ck_assert_ptr_nonnull(text);
    p = stpcpy(p, "{\"a\":");
    for (size_t i = 0; i < levels; i++)
        p = stpcpy(p, open);
    p = stpcpy(p, "0");
    for (size_t i = 0; i < levels; i++)
        p = stpcpy(p, close);
    stpcpy(p, "}");
    return text;
}

START_TEST(nesting_is_bounded)
{
    static const struct {
        const char *open, *close;
    } kinds[] = {{"[", "]"}, {"{\"a\":", "}"}, {"{\"a_config\":", "}"}};

    for (size_t levels = 2047; levels <= 200000; levels = levels == 2047 ? 2048 : levels * 97) {
        char *text = nested(kinds[_i].open, kinds[_i].close, levels), *out;
        ck_assert_int_eq(config(text, strlen(text), NULL, 0, &out), levels == 2047 ? 0 : -EINVAL);
        if (levels == 2047)
            ck_assert_str_eq(out, text);
        free(out);
        free(text);
    }
}
END_TEST

START_TEST(nesting_is_not_counted_in_breadth)
{
    static const char unit[] = "\"a_config\":{\"a\":[{}]},";
    size_t n = sizeof(unit) - 1, count = 3000;
    char *text = malloc(count * n + 2), *out;

    ck_assert_ptr_nonnull(text);
    text[0] = '{';
    for (size_t i = 0; i < count; i++)
        memcpy(text + 1 + i * n, unit, n);
    memcpy(text + count * n, "}", 2); /* replaces the last comma */
    ck_assert_int_eq(config(text, strlen(text), NULL, 0, &out), 0);
    ck_assert_str_eq(out, text);
    free(out);
    free(text);
}
END_TEST

/* Decides on the current member. The kinds of edits below differ only in this. */
typedef int decide(struct mxfs_jsonedit_index *index, const struct mxfs_jsonedit_weight *w,
                   const void *data);

static int edit_index(const char *text, uint64_t total, decide *decider, const void *data,
                      char **out)
{
    char *copy = exact(text, strlen(text));
    struct mxfs_jsonedit_index *index;
    struct mxfs_jsonedit_weight w;
    size_t len = 0;
    int more = 0, rc = mxfs_jsonedit_index_new(&index, copy, strlen(text), total);

    *out = NULL;
    ck_assert((rc != 0) == !index);
    while (rc == 0 && (more = mxfs_jsonedit_index_next(index, &w)) > 0)
        rc = decider(index, &w, data);
    if (rc == 0)
        rc = more != 0 ? more : mxfs_jsonedit_index_finish(index, out, &len);
    mxfs_jsonedit_index_free(index);
    free(copy);
    ck_assert(rc != 0 ? !*out : strlen(*out) == len);
    return rc;
}

/* Drops names that start with 'd' and renames `X_packed` to `X`. All are in the shard *data. */
static int drop_or_rename(struct mxfs_jsonedit_index *index, const struct mxfs_jsonedit_weight *w,
                          const void *data)
{
    static const char suffix[] = "_packed";
    size_t n = sizeof(suffix) - 1;

    ck_assert_uint_eq(w->shard_len, strlen(data));
    ck_assert_mem_eq(w->shard, data, w->shard_len);
    if (w->name_len > 0 && w->name[0] == 'd')
        return mxfs_jsonedit_index_drop(index);
    if (w->name_len < n || memcmp(w->name + w->name_len - n, suffix, n) != 0)
        return mxfs_jsonedit_index_keep(index);
    return mxfs_jsonedit_index_rename(index, w->name, w->name_len - n);
}

#define MAP "{\"weight_map\":{"

static const struct example indexes[] = {
    {"{}", "{}"},
    {MAP "}}", MAP "}}"},
    {MAP "\"a\":\"s\",\"b_packed\":\"s\",\"d\":\"s\"}}", MAP "\"a\":\"s\",\"b\":\"s\"}}"},
    {MAP "\"d\":\"s\",\"d2\":\"s\",\"b_packed\":\"s\",\"d3\":\"s\",\"a\":\"s\"}}",
     MAP "\"b\":\"s\",\"a\":\"s\"}}"},
    {MAP "\"d\":\"s\"\n,\"dd\":\"s\"}}", MAP "}}"},
    {"{\n  \"metadata\": {\n    \"total_parameters\": 7,\n    \"total_size\": 12.0\n  },\n"
     "  \"weight_map\": {\n    \"d\": \"s\",\n    \"b_packed\" : \"s\",\n    \"d2\": \"s\"\n  "
     "}\n}\n",
     "{\n  \"metadata\": {\n    \"total_parameters\": 7,\n    \"total_size\": "
     "18446744073709551615\n  },\n"
     "  \"weight_map\": {\n    \"b\" : \"s\"\n  }\n}\n"},
    {MAP "\"\\u0064\":\"s\",\"\\u0061\":\"\\u0073\",\"q\\\"\\u0001\\\\\\u00e9_packed\":\"s\"}}",
     MAP "\"\\u0061\":\"\\u0073\",\"q\\\"\\u0001\\\\\xc3\xa9\":\"s\"}}"},
    {MAP "\"_packed\":\"s\"}}", MAP "\"\":\"s\"}}"},
    {MAP "\"d\":\"s\"},\"metadata\":{},\"d\":\"t\",\"weight_map\":{\"d\":\"s\",\"a\":\"s\"}}",
     MAP "},\"metadata\":{},\"d\":\"t\",\"weight_map\":{\"a\":\"s\"}}"},
    {"{\"metadata\":null,\"x\":{\"weight_map\":{\"d\":1},\"total_size\":5},\"total_size\":6}",
     "{\"metadata\":null,\"x\":{\"weight_map\":{\"d\":1},\"total_size\":5},\"total_size\":6}"},
    {"{\"metadata\":{\"total_size\":\"?\",\"a\":{\"total_size\":1},\"total_size\":[{}]}}",
     "{\"metadata\":{\"total_size\":18446744073709551615,\"a\":{\"total_size\":1},"
     "\"total_size\":18446744073709551615}}"},
};

START_TEST(indexes_are_edited)
{
    char *out;

    ck_assert_int_eq(edit_index(indexes[_i].text, UINT64_MAX, drop_or_rename, "s", &out), 0);
    ck_assert_str_eq(out, indexes[_i].wanted);
    free(out);
}
END_TEST

START_TEST(bad_indexes_are_refused)
{
    static const char *const bad[] = {
        "[]",
        "{\"weight_map\":[]}",
        "{\"weight_map\":null}",
        MAP "\"a\":1}}",
        MAP "\"a\":{}}}",
        MAP "\"a\":\"s\",}}",
        MAP "\"a\":\"s\"}",
        MAP "\"a\":\"\\ud80\"}}",
        "{\"metadata\":{\"total_size\":}}",
        "{\"metadata\":{\"total_size\":1]}",
    };
    char *out;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_int_eq(edit_index(bad[i], 0, drop_or_rename, "s", &out), -EINVAL);
}
END_TEST

static int give_name(struct mxfs_jsonedit_index *index, const struct mxfs_jsonedit_weight *w,
                     const void *data)
{
    (void)w;
    return mxfs_jsonedit_index_rename(index, data, strlen(data));
}

START_TEST(new_names_are_escaped)
{
    static const struct {
        const char *name, *wanted; /* NULL: rejected */
    } names[] = {
        {"a", MAP "\"\\u0061\":\"s\"}}"}, /* the same name keeps its spelling */
        {"b\n\x7f/\x1f", MAP "\"b\\n\x7f/\\u001f\":\"s\"}}"},
        {"\"\\", MAP "\"\\\"\\\\\":\"s\"}}"},
        {"\xf0\x9f\x98\x80", MAP "\"\xf0\x9f\x98\x80\":\"s\"}}"},
        {"a\xff", NULL},
        {"\xc3", NULL},
    };
    static const char text[] = MAP "\"\\u0061\":\"s\"}}";

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *out;
        int rc = edit_index(text, 0, give_name, names[i].name, &out);
        ck_assert_int_eq(rc, names[i].wanted ? 0 : -EINVAL);
        if (names[i].wanted)
            ck_assert_str_eq(out, names[i].wanted);
        free(out);
    }
}
END_TEST

/*
 * Random texts, and a list of the members that no edit affects. Each is kept as the bytes of its
 * key, colon and value, followed by a NUL: the result must contain them in this order.
 */
struct random {
    char text[1 << 16];
    size_t len;
    char untouched[1 << 16];
    size_t untouched_len;
    const char *line, *colon; /* the style */
    unsigned indent;
    unsigned serial; /* makes keys unique */
};

static void add(struct random *r, const char *text)
{
    size_t n = strlen(text);
    ck_assert_uint_lt(r->len + n, sizeof(r->text));
    memcpy(r->text + r->len, text, n + 1);
    r->len += n;
}

static void add_line(struct random *r, unsigned depth)
{
    add(r, r->line);
    for (unsigned i = 0; r->line[0] && r->line[0] != ' ' && i < depth * r->indent; i++)
        add(r, r->indent == 1 ? "\t" : " ");
}

static const char *pick(const char *const *from, size_t count)
{
    return from[test_random() % count];
}
#define PICK(from) pick(from, sizeof(from) / sizeof(*(from)))

static const char *const scalars[] = {
    "1",
    "-0",
    "1e-05",
    "1.50",
    "NaN",
    "-Infinity",
    "Infinity",
    "true",
    "null",
    "false",
    "\"silu\"",
    "\"\"",
    "\"\\u00e9\"",
    "\"}],\\\"\"",
    "\"\xc3\xa9\\n\"",
    "[]",
    "{}",
    "[1, [2,3]]",
    "{\"quantization\": [ {} ]}",
    "{\"dtype\":\"x\"}",
};

/* Adds a member that stays as it is. */
static void add_plain(struct random *r)
{
    static const char *const keys[] = {"hidden", "a\\/b", "\\u0061",     "\xc3\xa9",
                                       "dtype",  "\\\"",  "text_config_"};
    char member[200];

    int n = snprintf(member, sizeof(member), "\"%s%u\"%s%s", PICK(keys), r->serial++, r->colon,
                     PICK(scalars));
    add(r, member);
    ck_assert_uint_lt(r->untouched_len + (size_t)n, sizeof(r->untouched));
    memcpy(r->untouched + r->untouched_len, member, (size_t)n + 1);
    r->untouched_len += (size_t)n + 1;
}

static void add_edited(struct random *r, const char *key, const char *value)
{
    add(r, key);
    add(r, r->colon);
    add(r, value);
}

static void add_object(struct random *r, unsigned depth);

/*
 * `used` has a bit for each name that the object already has, since jansson keeps only one of
 * several members of one name.
 */
static bool add_member(struct random *r, unsigned depth, unsigned *used)
{
    static const char *const unwanted[] = {"\"quantization_config\"", "\"compression_config\"",
                                           "\"quantization\"", "\"expert_dt\\u0079pe\""};
    static const char *const dtypes_in[] = {"\"float32\"", "null", "\"torch.float16\"", "7", "{}"};
    unsigned kind = test_random() % 12;
    char key[40];

    if (kind < 6) {
        if (*used & 1u << kind)
            return false;
        *used |= 1u << kind;
    }
    add_line(r, depth);
    if (kind < 4) {
        add_edited(r, unwanted[kind], PICK(scalars));
    } else if (kind < 6) {
        add_edited(r, kind == 4 ? "\"dtype\"" : "\"torch\\u005Fdtype\"", PICK(dtypes_in));
    } else if (kind < 8 && depth < 5) {
        snprintf(key, sizeof(key), "\"%u_config\"", r->serial++);
        add_edited(r, key, "");
        add_object(r, depth + 1);
    } else {
        add_plain(r);
    }
    return true;
}

static void add_object(struct random *r, unsigned depth)
{
    unsigned used = 0, left = test_random() % 7;

    add(r, "{");
    for (bool first = true; left > 0; left--) {
        size_t before = r->len;
        if (!first)
            add(r, ",");
        if (!add_member(r, depth, &used))
            r->text[r->len = before] = '\0';
        else
            first = false;
    }
    add_line(r, depth - 1);
    add(r, "}");
}

static void make_random(struct random *r)
{
    static const char *const lines[] = {"", " ", "\n", "\r\n"}, *const colons[] = {":", ": ",
                                                                                   " : "};

    r->len = r->untouched_len = r->serial = 0;
    r->line = PICK(lines);
    r->colon = PICK(colons);
    r->indent = 1 + test_random() % 4;
    add_object(r, 1);
    add(r, test_random() % 2 ? r->line : "");
}

/* Replaces NaN and Infinity, which jansson rejects; no string contains these words. */
static json_t *parse(const char *text)
{
    char *copy = strdup(text);

    ck_assert_ptr_nonnull(copy);
    for (char *p; (p = strstr(copy, "NaN"));)
        memcpy(p, "111", 3);
    for (char *p; (p = strstr(copy, "Infinity"));)
        memcpy(p, "22222222", 8);
    json_t *root = json_loads(copy, 0, NULL);
    ck_assert_msg(root != NULL, "not JSON: %s", text);
    free(copy);
    return root;
}

static bool set_dtype(json_t *config_object, const char *key)
{
    json_t *value = json_object_get(config_object, key);
    if (!json_is_string(value) && !json_is_null(value) && !json_is_object(value))
        return false;
    json_object_set_new(config_object, key, json_string("bfloat16"));
    return true;
}

/* Makes the same edit on the tree. Returns whether a dtype was set. */
static bool edit_tree(json_t *object)
{
    static const char *const unwanted[] = {"quantization_config", "compression_config",
                                           "quantization", "expert_dtype"};
    const char *key;
    json_t *value;

    for (size_t i = 0; i < sizeof(unwanted) / sizeof(*unwanted); i++)
        json_object_del(object, unwanted[i]);
    bool found = set_dtype(object, "dtype");
    found |= set_dtype(object, "torch_dtype");
    json_object_foreach(object, key, value)
    {
        size_t n = strlen(key);
        if (json_is_object(value) && n >= 7 && strcmp(key + n - 7, "_config") == 0)
            found |= edit_tree(value);
    }
    return found;
}

static void check_untouched(const struct random *r, const char *out)
{
    for (size_t at = 0; at < r->untouched_len; at += strlen(r->untouched + at) + 1) {
        const char *found = strstr(out, r->untouched + at);
        ck_assert_msg(found != NULL, "%s\nis not, in its place, in\n%s\nmade of\n%s",
                      r->untouched + at, out, r->text);
        out = found + strlen(r->untouched + at);
    }
}

START_TEST(random_configs_are_edited_as_trees_are)
{
    struct random *r = malloc(sizeof(*r));

    ck_assert_ptr_nonnull(r);
    test_seed(4);
    for (int i = 0; i < 5000; i++) {
        char *out, *again;
        make_random(r);
        ck_assert_msg(config(r->text, r->len, "bfloat16", 0, &out) == 0, "%s", r->text);
        json_t *wanted = parse(r->text), *got = parse(out);
        if (!edit_tree(wanted))
            json_object_set_new(wanted, "torch_dtype", json_string("bfloat16"));
        ck_assert_msg(json_equal(wanted, got), "%s\nbecame\n%s", r->text, out);
        check_untouched(r, out);
        ck_assert_int_eq(config(out, strlen(out), "bfloat16", 0, &again), 0);
        ck_assert_str_eq(again, out);
        json_decref(wanted);
        json_decref(got);
        free(again);
        free(out);
    }
    free(r);
}
END_TEST

/* Writes a weight map with the members whose bit is set in `mask`, in Python's format. */
static void write_map(char *text, size_t size, const char *const *names, size_t count,
                      unsigned mask)
{
    size_t len = (size_t)snprintf(text, size, "{\n  \"weight_map\": {");
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (!(mask >> i & 1))
            continue;
        len += (size_t)snprintf(text + len, size - len, "%s\n    \"%s\": \"s\"", any ? "," : "",
                                names[i]);
        any = true;
    }
    snprintf(text + len, size - len, "%s}\n}\n", any ? "\n  " : "");
}

/* Drops the members whose bit is set in *data. The name of a member is the number of its bit. */
static int drop_by_bit(struct mxfs_jsonedit_index *index, const struct mxfs_jsonedit_weight *w,
                       const void *data)
{
    const unsigned *mask = data;

    return *mask >> (w->name[0] - '0') & 1 ? mxfs_jsonedit_index_drop(index)
                                           : mxfs_jsonedit_index_keep(index);
}

START_TEST(every_choice_of_dropped_members_looks_as_python_writes_it)
{
    static const char *const names[] = {"0", "1", "2", "3", "4", "5"};
    char text[400], wanted[400], *out;

    write_map(text, sizeof(text), names, 6, 63);
    for (unsigned mask = 0; mask < 64; mask++) {
        write_map(wanted, sizeof(wanted), names, 6, ~mask);
        ck_assert_int_eq(edit_index(text, 0, drop_by_bit, &mask, &out), 0);
        ck_assert_str_eq(out, wanted);
        free(out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jsonedit");
    TCase *configs = tcase_create("config"), *index = tcase_create("index"),
          *random = tcase_create("random");

    tcase_add_loop_test(configs, members_are_cut, 0, sizeof(cuts) / sizeof(*cuts));
    tcase_add_loop_test(configs, dtypes_are_set, 0, sizeof(dtypes) / sizeof(*dtypes));
    tcase_add_test(configs, expert_dtype_may_stay);
    tcase_add_loop_test(configs, malformed_is_refused, 0, sizeof(malformed) / sizeof(*malformed));
    tcase_add_test(configs, every_cut_short_text_is_refused);
    tcase_add_loop_test(configs, nesting_is_bounded, 0, 3);
    tcase_add_test(configs, nesting_is_not_counted_in_breadth);
    tcase_add_loop_test(index, indexes_are_edited, 0, sizeof(indexes) / sizeof(*indexes));
    tcase_add_test(index, bad_indexes_are_refused);
    tcase_add_test(index, new_names_are_escaped);
    tcase_add_test(index, every_choice_of_dropped_members_looks_as_python_writes_it);
    tcase_add_test(random, random_configs_are_edited_as_trees_are);
    tcase_set_timeout(random, 60);
    suite_add_tcase(suite, configs);
    suite_add_tcase(suite, index);
    suite_add_tcase(suite, random);
    return test_run(suite);
}
