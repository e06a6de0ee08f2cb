/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Tensor names and file names: safe, injective, and reversible where possible.
 */
#include "mxfs/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "support/suite.h"

static const struct {
    const char *name;
    size_t len;
    const char *file;
} simple[] = {
    {"model.layers.0.weight", 21, "model.layers.0.weight"},
    {"", 0, "%"},
    {".", 1, "%2E"},
    {"..", 2, "%2E."},
    {".hidden", 7, "%2Ehidden"},
    {"a/b", 3, "a%2Fb"},
    {"../../etc/passwd", 16, "%2E.%2F..%2Fetc%2Fpasswd"},
    {"a\0b", 3, "a%00b"},
    {"%", 1, "%25"},
    {"~", 1, "%7E"},
    {"\x1b[31m\n\x7f", 7, "%1B[31m%0A%7F"},
    {"caf\xc3\xa9 \"x\"", 9, "caf\xc3\xa9 \"x\""},
};

START_TEST(both_ways)
{
    char file[MXFS_FILE_NAME_SIZE], name[MXFS_FILE_NAME_SIZE];
    size_t len;
    bool hashed;

    ck_assert_uint_eq(mxfs_name_to_file(file, simple[_i].name, simple[_i].len, ""),
                      strlen(simple[_i].file));
    ck_assert_str_eq(file, simple[_i].file);
    ck_assert(mxfs_name_from_file(name, &len, &hashed, file, ""));
    ck_assert_uint_eq(len, simple[_i].len);
    ck_assert_int_eq(memcmp(name, simple[_i].name, len), 0);
    mxfs_name_to_file(file, simple[_i].name, simple[_i].len, ".npy");
    ck_assert(mxfs_name_from_file(name, &len, &hashed, file, ".npy"));
    ck_assert_uint_eq(len, simple[_i].len);
}
END_TEST

/* Spellings that mxfs would not write are not accepted, or one tensor would have several files. */
static const char *const foreign[] = {"%2e", "%2",  "%",  "%zz", "a%2Gb", "a/b", "%41",
                                      ".a",  "a~b", "%%", "a%",  "a%2F%", "\n",  "%2E%2E"};

START_TEST(other_spellings_are_none)
{
    char name[MXFS_FILE_NAME_SIZE];
    size_t len;
    bool hashed;
    bool found = mxfs_name_from_file(name, &len, &hashed, foreign[_i], "");

    if (strcmp(foreign[_i], "%") == 0)
        ck_assert(found && len == 0);
    else
        ck_assert(!found);
    ck_assert_int_eq(hashed, strchr(foreign[_i], '~') != NULL);
}
END_TEST

START_TEST(extension_is_needed)
{
    char name[MXFS_FILE_NAME_SIZE];
    size_t len;
    bool hashed;

    ck_assert(!mxfs_name_from_file(name, &len, &hashed, "a", ".npy"));
    ck_assert(!mxfs_name_from_file(name, &len, &hashed, ".np", ".npy"));
    ck_assert(mxfs_name_from_file(name, &len, &hashed, "a.npy.npy", ".npy"));
    ck_assert_uint_eq(len, 5);
}
END_TEST

START_TEST(long_names)
{
    char *name = malloc(70000), file[MXFS_FILE_NAME_SIZE], other[MXFS_FILE_NAME_SIZE];
    char back[MXFS_FILE_NAME_SIZE];
    size_t len;
    bool hashed;

    memset(name, 'x', 70000);
    for (size_t n = 240; n < 70000; n = n * 5 / 4) {
        size_t written = mxfs_name_to_file(file, name, n, ".npy");
        ck_assert_uint_eq(written, strlen(file));
        ck_assert_uint_le(written, 255);
        ck_assert_int_eq(strchr(file, '~') != NULL, n > 251);
        ck_assert_int_eq(mxfs_name_from_file(back, &len, &hashed, file, ".npy"), n <= 251);
        ck_assert_int_eq(hashed, n > 251);
        name[n - 1] = 'y'; /* only the end differs */
        mxfs_name_to_file(other, name, n, ".npy");
        ck_assert_str_ne(file, other);
        name[n - 1] = 'x';
    }
    free(name);
}
END_TEST

/* Cutting must not split an escape or a character. */
START_TEST(cut_at_whole_characters)
{
    char name[600], file[MXFS_FILE_NAME_SIZE];

    for (size_t shift = 0; shift < 6; shift++) {
        size_t n = 0;
        memset(name, 'a', shift);
        for (n = shift; n + 3 < sizeof(name); n += 3)
            memcpy(name + n, "\xe2\x82\xac", 3);
        mxfs_name_to_file(file, name, n, "");
        size_t prefix = (size_t)(strchr(file, '~') - file);
        ck_assert_uint_eq((prefix - shift) % 3, 0);
        memset(name, '/', sizeof(name));
        memset(name, 'a', shift);
        mxfs_name_to_file(file, name, sizeof(name), "");
        prefix = (size_t)(strchr(file, '~') - file);
        ck_assert_uint_eq((prefix - shift) % 3, 0);
    }
}
END_TEST

START_TEST(random_names_come_back)
{
    char name[80], file[MXFS_FILE_NAME_SIZE], back[MXFS_FILE_NAME_SIZE];
    size_t len;
    bool hashed;

    test_seed(3);
    for (int i = 0; i < 20000; i++) {
        size_t n = test_random() % sizeof(name);
        for (size_t j = 0; j < n; j++)
            name[j] = test_random() % 3 ? "./%~\n\x7f"[test_random() % 6] : (char)test_random();
        mxfs_name_to_file(file, name, n, "");
        ck_assert_ptr_null(strpbrk(file, "/\n~\x7f"));
        ck_assert_int_ne(file[0], '.');
        ck_assert(mxfs_name_from_file(back, &len, &hashed, file, ""));
        ck_assert_uint_eq(len, n);
        ck_assert_int_eq(memcmp(back, name, n), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("names");
    TCase *tcase = tcase_create("names");

    tcase_add_loop_test(tcase, both_ways, 0, MXFS_COUNT(simple));
    tcase_add_loop_test(tcase, other_spellings_are_none, 0, MXFS_COUNT(foreign));
    tcase_add_test(tcase, extension_is_needed);
    tcase_add_test(tcase, long_names);
    tcase_add_test(tcase, cut_at_whole_characters);
    tcase_add_test(tcase, random_names_come_back);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
