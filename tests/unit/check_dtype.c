/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The dtype table: names, widths and order of the reference library.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/dtype.h"

/* In the library's enum order. */
static const struct {
    const char *name;
    unsigned bits;
} expected[] = {
    {"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
    {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
    {"I64", 64},        {"U64", 64},
};

START_TEST(names_and_widths)
{
    ck_assert_uint_eq(MXFS_DTYPE_COUNT, MXFS_COUNT(expected));
    for (int i = 0; i < MXFS_DTYPE_COUNT; i++) {
        ck_assert_str_eq(mxfs_dtype_name((enum mxfs_dtype)i), expected[i].name);
        ck_assert_uint_eq(mxfs_dtype_bits((enum mxfs_dtype)i), expected[i].bits);
        ck_assert_int_eq(mxfs_dtype_from_name(expected[i].name, strlen(expected[i].name)), i);
    }
}
END_TEST

START_TEST(other_names)
{
    static const char *const names[] = {"", "F", "u8", "U8 ", "F8_E4M3FN", "F64X", "bf16", "FLOAT"};

    for (size_t i = 0; i < MXFS_COUNT(names); i++)
        ck_assert_int_eq(mxfs_dtype_from_name(names[i], strlen(names[i])), -1);
    ck_assert_int_eq(mxfs_dtype_from_name("U8", 3), -1);        /* includes the NUL */
    ck_assert_int_eq(mxfs_dtype_from_name("U8xx", 2), MXFS_U8); /* not terminated */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dtype");
    TCase *tests = tcase_create("table");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tests, names_and_widths);
    tcase_add_test(tests, other_names);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
