/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The safetensors header: verdicts on unusual input, parsed contents, and written bytes.
 *
 * The verdicts are those of the reference library 0.8.0, observed by running it;
 * tests/e2e/test_header_verdicts.py asks it again, with many more cases.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "mxfs/safetensors.h"

#include "safetensors/nameset.h"

#define FIELDS "\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]"
#define ENTRY "{" FIELDS "}"
#define NEXT "{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}"

static int parse(struct mxfs_safetensors *st, const char *json, size_t n, uint64_t data,
                 struct mxfs_error *err)
{
    /*
     * An exact copy on the heap: sanitizers see any access beyond it, and later use of freed text.
     */
    char *copy = malloc(n ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, json, n);
    int rc = mxfs_safetensors_parse(st, copy, n, 8 + n + data, "m.safetensors", err);
    free(copy);
    return rc;
}

struct verdict {
    const char *json;
    uint64_t data;
    const char *reason; /* part of the message; NULL if accepted */
};

static const struct verdict verdicts[] = {
    {"{}", 0, NULL},
    {" \t\r\n{} \t\r\n", 0, NULL},
    {"{\"a\":" ENTRY "}", 4, NULL},
    {"{\"\":" ENTRY "}", 4, NULL},
    {"{\"\\u0000\":" ENTRY "}", 4, NULL},
    {"{\"a\":" ENTRY ",\"b\":" NEXT "}", 8, NULL},
    {"{\"b\":" NEXT ",\"a\":" ENTRY "}", 8, NULL},
    {"{\"a\":{" FIELDS ",\"x\":[null,{\"y\":-1.5e3}]}}", 4, NULL},
    {"{\"a\":{\"dtype\":\"U\\u0038\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, NULL},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, NULL},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9],\"data_offsets\":[0,0]}}", 0, NULL},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]}}", 3, NULL},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0,18446744073709551615,2],\"data_offsets\":[0,0]}}", 0,
     NULL},
    {"{\"__metadata__\":null}", 0, NULL},
    {"{\"a\":" ENTRY ",\"__metadata__\":{}}", 4, NULL},
    {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0, NULL},
    {"", 0, "expected '{' at byte 8"},
    {"[]", 0, "expected '{' at byte 8"},
    {"null", 0, "expected '{' at byte 8"},
    {"\xef\xbb\xbf{}", 0, "expected '{' at byte 8"},
    {"{}x", 0, "trailing characters at byte 10"},
    {"{", 0, "expected a string at byte 9"},
    {"{\"a\":" ENTRY ",}", 4, "trailing comma at byte"},
    {"{\"\xff\":" ENTRY "}", 4, "not UTF-8 at byte 10"},
    {"{\"\\ud800\":" ENTRY "}", 4, "lone surrogate"},
    {"{\"\\x\":" ENTRY "}", 4, "invalid escape"},
    {"{\"\n\":" ENTRY "}", 4, "control character in a string"},
    {"{\"a", 0, "unterminated string"},
    {"{\"a\":" ENTRY "}", 3, "tensor \"a\": data_offsets [0,4] exceed the 3 bytes of data"},
    {"{\"a\":" ENTRY "}", 5, "the tensors end at 4, but there are 5 bytes of data"},
    {"{}", 1, "the tensors end at 0, but there are 1 bytes of data"},
    {"{\"a\":" ENTRY ",\"b\":" ENTRY "}", 4, "tensor \"b\": its data begins at 0, overlapping"},
    {"{\"a\":" NEXT "}", 8, "tensor \"a\": its data begins at 4, after a gap"},
    {"{\"a\":" ENTRY ",\"a\":" NEXT "}", 8, "tensor \"a\": duplicate name"},
    {"{\"a\":" ENTRY ",\"\\u0061\":" ENTRY "}", 4, "tensor \"a\": duplicate name"},
    {"{\"a\":[\"U8\",[4],[0,4]]}", 4, "tensor \"a\": expected '{'"},
    {"{\"a\":{" FIELDS ",\"dtype\":\"U8\"}}", 4, "tensor \"a\": duplicate dtype"},
    {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "tensor \"a\": dtype is missing"},
    {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4, "tensor \"a\": shape is missing"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "tensor \"a\": data_offsets is missing"},
    {"{\"a\":{\"dtype\":\"u8\"}}", 4, "tensor \"a\": unknown dtype \"u8\""},
    {"{\"a\":{\"shape\":[4.0]}}", 4, "expected an integer, not a fraction or power of ten"},
    {"{\"a\":{\"shape\":[4e0]}}", 4, "expected an integer, not a fraction or power of ten"},
    {"{\"a\":{\"shape\":[04]}}", 4, "leading zero"},
    {"{\"a\":{\"shape\":[-4]}}", 4, "expected an integer of 0 or more"},
    {"{\"a\":{\"shape\":[18446744073709551616]}}", 4, "integer over 2^64-1"},
    {"{\"a\":{\"data_offsets\":[0,4,4]}}", 4, "data_offsets must be two integers"},
    {"{\"a\":{\"data_offsets\":[0]}}", 4, "data_offsets must be two integers"},
    {"{\"a\":{" FIELDS ",\"x\":1e309}}", 4, "number out of range"},
    {"{\"a\":{" FIELDS ",\"x\":tru}}", 4, "expected a value"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]}}", 4, "run backwards"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,5]}}", 5,
     "m.safetensors: malformed header: tensor \"a\": data_offsets [0,5] do not match dtype U8 and "
     "shape [4] (4 bytes)"},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2,
     "do not fill whole bytes"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[18446744073709551615,2,0],\"data_offsets\":[0,0]}}", 0,
     "does not fit in 64 bits"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0,
     "does not fit in 64 bits"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "expected a string at byte"},
    {"{\"__metadata__\":[]}", 0, "expected '{' at byte"},
    {"{\"__metadata__\":null,\"__metadata__\":{}}", 0, "duplicate __metadata__"},
};

START_TEST(verdict_table)
{
    const struct verdict *v = &verdicts[_i];
    struct mxfs_safetensors st;
    struct mxfs_error err = {0};
    int rc = parse(&st, v->json, strlen(v->json), v->data, &err);

    if (!v->reason) {
        ck_assert_msg(rc == 0, "%s: %s", v->json, err.text);
        ck_assert_int_eq(err.code, MXFS_EXIT_OK);
    } else {
        ck_assert_msg(rc == -EINVAL, "%s: accepted", v->json);
        ck_assert_int_eq(err.code, MXFS_EXIT_MALFORMED);
        ck_assert_msg(strstr(err.text, v->reason) != NULL, "%s: %s", v->json, err.text);
        ck_assert_int_eq(strncmp(err.text, "m.safetensors: malformed header: ", 33), 0);
        ck_assert_ptr_null(st.tensors);
        ck_assert_ptr_null(st.arena);
    }
    mxfs_safetensors_fini(&st);
}
END_TEST

START_TEST(every_prefix_is_refused)
{
    const char json[] =
        "{\"__metadata__\":{\"k\":\"\\u00e9\"},\"a\":{" FIELDS ",\"x\":[1.5e2,true,null,{}]}}";

    for (size_t n = 0; n < sizeof(json) - 1; n++) {
        struct mxfs_safetensors st;
        struct mxfs_error err = {0};
        ck_assert_int_eq(parse(&st, json, n, 4, &err), -EINVAL);
    }
}
END_TEST

START_TEST(size_checks)
{
    static const struct {
        uint64_t n, file_size;
        const char *reason;
    } cases[] = {
        {2, 10, NULL},
        {100000000, 100000008, NULL},
        {0, 0, "the file has 0 bytes"},
        {0, 7, "the file has 7 bytes"},
        {100000001, UINT64_MAX, "over the limit"},
        {UINT64_MAX, UINT64_MAX, "over the limit"},
        {3, 10, "only 2 follow"},
        {1, 8, "only 0 follow"},
    };

    for (size_t i = 0; i < MXFS_COUNT(cases); i++) {
        struct mxfs_error err = {0};
        int rc = mxfs_safetensors_check_size(cases[i].n, cases[i].file_size, "f", &err);
        ck_assert_int_eq(rc, cases[i].reason ? -EINVAL : 0);
        ck_assert(!cases[i].reason || strstr(err.text, cases[i].reason));
    }
}
END_TEST

START_TEST(fields_are_read)
{
    static const char json[] =
        "{\"__metadata__\":{\"k\":\"1\",\"l\\n\":\"\xc3\xa9\",\"k\":\"2\"},"
        "\"late\":{\"data_offsets\":[4,12],\"shape\":[2,1,2],\"dtype\":\"BF16\"},"
        "\"e2\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]},"
        "\"\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]},"
        "\"e1\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]},"
        "\"\\ud83d\\ude00\\u0000\\\"\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}";
    static const char *const names[] = {"\xf0\x9f\x98\x80\0\"", "e2", "", "e1", "late"};
    static const size_t lengths[] = {6, 2, 0, 2, 4};
    struct mxfs_safetensors st;
    struct mxfs_error err = {0};

    ck_assert_int_eq(parse(&st, json, sizeof(json) - 1, 12, &err), 0);
    ck_assert_uint_eq(st.data_offset, 8 + sizeof(json) - 1);
    ck_assert_uint_eq(st.count, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(st.tensors[i].name_len, lengths[i]);
        ck_assert_int_eq(memcmp(st.tensors[i].name, names[i], lengths[i]), 0);
        ck_assert_uint_eq(st.tensors[i].shard, 0);
    }
    ck_assert_int_eq(st.tensors[0].dtype, MXFS_F32);
    ck_assert_uint_eq(st.tensors[0].rank, 0);
    ck_assert_uint_eq(st.tensors[0].offset, st.data_offset);
    ck_assert_int_eq(st.tensors[4].dtype, MXFS_BF16);
    ck_assert_uint_eq(st.tensors[4].rank, 3);
    ck_assert_uint_eq(st.tensors[4].shape[0], 2);
    ck_assert_uint_eq(st.tensors[4].shape[1], 1);
    ck_assert_uint_eq(st.tensors[4].shape[2], 2);
    ck_assert_uint_eq(st.tensors[4].offset, st.data_offset + 4);
    ck_assert_uint_eq(st.tensors[4].size, 8);
    ck_assert_uint_eq(st.metadata_count, 2);
    ck_assert_uint_eq(st.metadata[0].key_len, 1);
    ck_assert_int_eq(memcmp(st.metadata[0].key, "k", 1), 0);
    ck_assert_uint_eq(st.metadata[0].value_len, 1);
    ck_assert_int_eq(st.metadata[0].value[0], '2');
    ck_assert_uint_eq(st.metadata[1].key_len, 2);
    ck_assert_int_eq(memcmp(st.metadata[1].value, "\xc3\xa9", 2), 0);
    mxfs_safetensors_fini(&st);
    ck_assert_uint_eq(st.count, 0);
    mxfs_safetensors_fini(&st);
}
END_TEST

/* A header whose entry has an extra field of nested arrays. */
static int parse_nested(size_t levels)
{
    static const char head[] = "{\"a\":{" FIELDS ",\"x\":";
    size_t n = sizeof(head) - 1 + 2 * levels + 2;
    char *json = malloc(n + 1);
    struct mxfs_safetensors st;
    struct mxfs_error err = {0};

    memcpy(json, head, sizeof(head));
    memset(json + sizeof(head) - 1, '[', levels);
    memset(json + sizeof(head) - 1 + levels, ']', levels);
    memcpy(json + n - 2, "}}", 2);
    int rc = parse(&st, json, n, 4, &err);
    ck_assert(rc == 0 || strstr(err.text, "nested too deeply"));
    mxfs_safetensors_fini(&st);
    free(json);
    return rc;
}

START_TEST(depth_is_bounded)
{
    ck_assert_int_eq(parse_nested(125), 0); /* 127 levels including the header and the entry */
    ck_assert_int_eq(parse_nested(126), -EINVAL);
    ck_assert_int_eq(parse_nested(1000000), -EINVAL);
}
END_TEST

/* One entry of each dtype, and names that need escaping, in the library's order. */
START_TEST(written_bytes)
{
    static const uint64_t shape[] = {2, 3};
    static const struct mxfs_safetensors_entry entries[] = {
        {.name = "e", .name_len = 1, .dtype = MXFS_I64, .shape = shape, .rank = 1, .size = 16},
        {.name = "B\"\\/",
         .name_len = 4,
         .dtype = MXFS_BF16,
         .shape = shape,
         .rank = 2,
         .size = 12},
        {.name = "\0\x01\b\t\n\v\f\r\x1f\x7f", .name_len = 10, .dtype = MXFS_U8, .size = 1},
        {.name = "\xc3\xa9", .name_len = 2, .dtype = MXFS_U8, .size = 1},
    };
    static const struct mxfs_metadata metadata[] = {
        {.key = "source", .key_len = 6, .value = "a\nb", .value_len = 3},
        {.key = "format", .key_len = 6, .value = "pt", .value_len = 2},
    };
    static const char expected[] =
        "{\"__metadata__\":{\"source\":\"a\\nb\",\"format\":\"pt\"},"
        "\"e\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
        "\"B\\\"\\\\/\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[16,28]},"
        "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\x7f\":"
        "{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[28,29]},"
        "\"\xc3\xa9\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[29,30]}}";
    char *out;
    size_t size;

    ck_assert_int_eq(mxfs_safetensors_write(entries, 4, metadata, 2, &out, &size), 0);
    ck_assert_uint_eq(size % 8, 0);
    ck_assert_uint_eq(mxfs_load_le64(out), size - 8);
    ck_assert_uint_ge(size, 8 + sizeof(expected) - 1);
    ck_assert_uint_lt(size, 8 + sizeof(expected) - 1 + 8);
    ck_assert_int_eq(memcmp(out + 8, expected, sizeof(expected) - 1), 0);
    for (size_t i = 8 + sizeof(expected) - 1; i < size; i++)
        ck_assert_int_eq(out[i], ' ');
    free(out);
}
END_TEST

START_TEST(written_empty)
{
    char *out;
    size_t size;

    ck_assert_int_eq(mxfs_safetensors_write(NULL, 0, NULL, 0, &out, &size), 0);
    ck_assert_uint_eq(size, 16);
    ck_assert_int_eq(memcmp(out, "\x08\0\0\0\0\0\0\0{}      ", 16), 0);
    free(out);
}
END_TEST

START_TEST(write_refusals)
{
    static char long_name[1000000];
    static struct mxfs_safetensors_entry entries[101];
    char *out = NULL;
    size_t size;

    entries[0].size = entries[1].size = UINT64_MAX / 2 + 1;
    ck_assert_int_eq(mxfs_safetensors_write(entries, 2, NULL, 0, &out, &size), -EOVERFLOW);
    memset(long_name, 'n', sizeof(long_name));
    for (size_t i = 0; i < MXFS_COUNT(entries); i++)
        entries[i] = (struct mxfs_safetensors_entry){
            .name = long_name, .name_len = sizeof(long_name), .size = 1, .dtype = MXFS_U8};
    ck_assert_int_eq(mxfs_safetensors_write(entries, 101, NULL, 0, &out, &size), -EFBIG);
    ck_assert_ptr_null(out);
    ck_assert_int_eq(mxfs_safetensors_write(entries, 99, NULL, 0, &out, &size), 0);
    free(out);
}
END_TEST

START_TEST(order_of_the_library)
{
    /* In order: U64 before BOOL, then bytes, then length. */
    static const struct {
        uint8_t dtype;
        const char *name;
    } sorted[] = {
        {MXFS_U64, "z"},  {MXFS_F64, "y"},   {MXFS_BF16, ""},  {MXFS_BF16, "B"},
        {MXFS_BF16, "a"}, {MXFS_BF16, "aa"}, {MXFS_BF16, "b"}, {MXFS_BF16, "\xc3\xa9"},
        {MXFS_U8, "a"},   {MXFS_F4, "a"},    {MXFS_BOOL, "a"},
    };

    for (size_t i = 0; i < MXFS_COUNT(sorted); i++)
        for (size_t j = 0; j < MXFS_COUNT(sorted); j++) {
            int order =
                mxfs_safetensors_order(sorted[i].dtype, sorted[i].name, strlen(sorted[i].name),
                                       sorted[j].dtype, sorted[j].name, strlen(sorted[j].name));
            ck_assert_int_eq((order > 0) - (order < 0), (i > j) - (i < j));
        }
}
END_TEST

/* Writes the parsed header in its own order. */
static int rewrite(const struct mxfs_safetensors *st, char **out, size_t *size)
{
    struct mxfs_safetensors_entry *entries = calloc(st->count + 1, sizeof(*entries));

    for (size_t i = 0; i < st->count; i++)
        entries[i] = (struct mxfs_safetensors_entry){.name = st->tensors[i].name,
                                                     .name_len = st->tensors[i].name_len,
                                                     .shape = st->tensors[i].shape,
                                                     .rank = st->tensors[i].rank,
                                                     .size = st->tensors[i].size,
                                                     .dtype = st->tensors[i].dtype};
    int rc =
        mxfs_safetensors_write(entries, st->count, st->metadata, st->metadata_count, out, size);
    free(entries);
    return rc;
}

static void assert_same(const struct mxfs_safetensors *a, const struct mxfs_safetensors *b)
{
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_uint_eq(a->metadata_count, b->metadata_count);
    for (size_t i = 0; i < a->count; i++) {
        const struct mxfs_tensor *x = &a->tensors[i], *y = &b->tensors[i];
        ck_assert_uint_eq(x->name_len, y->name_len);
        ck_assert_int_eq(memcmp(x->name, y->name, x->name_len), 0);
        ck_assert_uint_eq(x->rank, y->rank);
        ck_assert_int_eq(memcmp(x->shape, y->shape, x->rank * sizeof(*x->shape)), 0);
        ck_assert_uint_eq(x->offset - a->data_offset, y->offset - b->data_offset);
        ck_assert_uint_eq(x->size, y->size);
        ck_assert_int_eq(x->dtype, y->dtype);
    }
}

/* For every accepted text of the table: read, write, read again, write again. */
START_TEST(round_trips)
{
    const struct verdict *v = &verdicts[_i];
    struct mxfs_safetensors first, second;
    struct mxfs_error err = {0};
    char *once, *twice;
    size_t size_once, size_twice;

    if (v->reason)
        return;
    ck_assert_int_eq(parse(&first, v->json, strlen(v->json), v->data, &err), 0);
    ck_assert_int_eq(rewrite(&first, &once, &size_once), 0);
    ck_assert_int_eq(parse(&second, once + 8, size_once - 8, v->data, &err), 0);
    assert_same(&first, &second);
    ck_assert_int_eq(rewrite(&second, &twice, &size_twice), 0);
    ck_assert_uint_eq(size_once, size_twice);
    ck_assert_int_eq(memcmp(once, twice, size_once), 0);
    free(once);
    free(twice);
    mxfs_safetensors_fini(&first);
    mxfs_safetensors_fini(&second);
}
END_TEST

/* The 20,000th of as many tensors in reverse order has a name of 70,000 bytes. */
START_TEST(many_tensors)
{
    enum { COUNT = 20000, LONG = 70000 };
    size_t n = 0;
    char *json = malloc(COUNT * 100 + LONG);
    struct mxfs_safetensors st;
    struct mxfs_error err = {0};

    for (int i = 0; i < COUNT; i++) {
        n += (size_t)sprintf(json + n, "%c\"t%d", i ? ',' : '{', i);
        for (int k = 0; i == COUNT - 1 && k < LONG; k++)
            json[n++] = 'x';
        n += (size_t)sprintf(json + n,
                             "\":{\"dtype\":\"U8\",\"shape\":[1,2],\"data_offsets\":[%d,%d]}",
                             2 * (COUNT - 1 - i), 2 * (COUNT - i));
    }
    json[n++] = '}';
    ck_assert_int_eq(parse(&st, json, n, 2 * COUNT, &err), 0);
    ck_assert_uint_eq(st.count, COUNT);
    ck_assert_uint_gt(st.tensors[0].name_len, LONG);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(st.tensors[i].offset, st.data_offset + 2 * i);
    mxfs_safetensors_fini(&st);
    memcpy(json + 1, "\"t1\"", 4); /* renames the first tensor "t0" to a second "t1" */
    ck_assert_int_eq(parse(&st, json, n, 2 * COUNT, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "tensor \"t1\": duplicate name"));
    free(json);
}
END_TEST

static struct safetensors_name number_at(const void *list, uint32_t index)
{
    return (struct safetensors_name){(const char *)((const uint32_t *)list + index),
                                     sizeof(uint32_t)};
}

START_TEST(nameset_finds_what_was_added)
{
    enum { COUNT = 10000 };
    static uint32_t list[COUNT];
    struct safetensors_nameset set = {0};

    safetensors_nameset_fini(&set);
    ck_assert_int_eq(safetensors_nameset_init(&set, COUNT), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        list[i] = i * 64;
        ck_assert_uint_eq(safetensors_nameset_add(&set, number_at(list, i), i, number_at, list), i);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(safetensors_nameset_add(&set, number_at(list, i), COUNT, number_at, list),
                          i);
    safetensors_nameset_fini(&set);
}
END_TEST

static TCase *reading(void)
{
    TCase *tests = tcase_create("reading");

    tcase_add_loop_test(tests, verdict_table, 0, MXFS_COUNT(verdicts));
    tcase_add_test(tests, every_prefix_is_refused);
    tcase_add_test(tests, size_checks);
    tcase_add_test(tests, fields_are_read);
    tcase_add_test(tests, depth_is_bounded);
    tcase_add_test(tests, many_tensors);
    tcase_add_test(tests, nameset_finds_what_was_added);
    return tests;
}

static TCase *writing(void)
{
    TCase *tests = tcase_create("writing");

    tcase_add_test(tests, written_bytes);
    tcase_add_test(tests, written_empty);
    tcase_add_test(tests, write_refusals);
    tcase_add_test(tests, order_of_the_library);
    tcase_add_loop_test(tests, round_trips, 0, MXFS_COUNT(verdicts));
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("safetensors");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, reading());
    suite_add_tcase(suite, writing());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
