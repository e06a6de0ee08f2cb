/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Numbers in human-readable form.
 */
#include "mxfs/text.h"

#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "support/suite.h"

/* At most four digits: a number that would round to 1000 is shown in the next unit. */
START_TEST(sizes)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},
        {999, "999 bytes"},
        {1000, "1.0 kB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"},
        {13761264768, "13.8 GB"},
        {1300000000000, "1.3 TB"},
        {UINT64_MAX, "18.4 EB"},
    };
    char out[MXFS_TEXT_SIZE];

    for (size_t i = 0; i < MXFS_COUNT(cases); i++)
        ck_assert_str_eq(mxfs_text_size(out, cases[i].bytes), cases[i].text);
}
END_TEST

/* Each unit up to the start of the next one. */
START_TEST(times)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0, "0 ms"},       {1.5e-6, "0.0015 ms"}, {0.0123, "12.3 ms"}, {0.9994, "999 ms"},
        {0.9996, "1.0 s"}, {119, "119.0 s"},      {120, "2 min"},      {7199, "120 min"},
        {7200, "2 h"},     {172799, "48 h"},      {172800, "2 days"},  {8640000, "100 days"},
    };
    char out[MXFS_TEXT_SIZE];

    for (size_t i = 0; i < MXFS_COUNT(cases); i++)
        ck_assert_str_eq(mxfs_text_time(out, cases[i].seconds), cases[i].text);
}
END_TEST

static void check_dims(const uint64_t *dims, uint32_t count, const char *expected)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    int length = mxfs_text_dims(out, dims, count);

    fclose(out);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(length, (int)len);
    ck_assert_int_eq(mxfs_text_dims(NULL, dims, count), length);
    free(text);
}

START_TEST(dims)
{
    check_dims(NULL, 0, "[]");
    check_dims((const uint64_t[]){7}, 1, "[7]");
    check_dims((const uint64_t[]){2, 0, UINT64_MAX}, 3, "[2,0,18446744073709551615]");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("forms");

    tcase_add_test(tests, sizes);
    tcase_add_test(tests, times);
    tcase_add_test(tests, dims);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
