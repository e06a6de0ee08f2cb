/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Little-endian words at any alignment, and arithmetic at the limits of 64 bits.
 */
#include "mxfs/bytes.h"

#include "support/suite.h"

START_TEST(words)
{
    uint8_t b[24];

    for (size_t at = 0; at < 9; at++) {
        memset(b, 0xee, sizeof(b));
        mxfs_store_le64(b + at, 0x8877665544332211u);
        for (size_t i = 0; i < 8; i++)
            ck_assert_uint_eq(b[at + i], (i + 1) * 0x11);
        ck_assert_uint_eq(b[at + 8], 0xee);
        ck_assert_uint_eq(mxfs_load_le64(b + at), 0x8877665544332211u);
        mxfs_store_le16(b + at, 0xabcd);
        ck_assert_uint_eq(b[at], 0xcd);
        ck_assert_uint_eq(b[at + 1], 0xab);
        ck_assert_uint_eq(b[at + 2], 0x33);
    }
    mxfs_store_le64(b, UINT64_MAX);
    ck_assert_uint_eq(mxfs_load_le64(b), UINT64_MAX);
}
END_TEST

START_TEST(overflow)
{
    uint64_t out;

    ck_assert(mxfs_add_u64(UINT64_MAX, 0, &out) && out == UINT64_MAX);
    ck_assert(mxfs_add_u64(UINT64_MAX - 1, 1, &out) && out == UINT64_MAX);
    ck_assert(!mxfs_add_u64(UINT64_MAX, 1, &out));
    ck_assert(!mxfs_add_u64(UINT64_MAX / 2 + 1, UINT64_MAX / 2 + 1, &out));
    ck_assert(mxfs_mul_u64(UINT64_MAX, 1, &out) && out == UINT64_MAX);
    ck_assert(mxfs_mul_u64(UINT64_MAX, 0, &out) && out == 0);
    ck_assert(mxfs_mul_u64(UINT32_MAX, UINT32_MAX, &out) && out == 0xfffffffe00000001u);
    ck_assert(!mxfs_mul_u64((uint64_t)1 << 32, (uint64_t)1 << 32, &out));
    ck_assert(!mxfs_mul_u64(UINT64_MAX, 2, &out));
}
END_TEST

START_TEST(rounding)
{
    ck_assert_uint_eq(mxfs_ceil_div(0, 7), 0);
    ck_assert_uint_eq(mxfs_ceil_div(UINT64_MAX, 1), UINT64_MAX);
    ck_assert_uint_eq(mxfs_ceil_div(UINT64_MAX, 2), (uint64_t)1 << 63);
    ck_assert_uint_eq(mxfs_ceil_div(UINT64_MAX, UINT64_MAX), 1);
    for (uint64_t a = 0; a < 100; a++)
        for (uint64_t step = 1; step < 40; step++) {
            uint64_t up = mxfs_align_up(a, step);
            ck_assert(up >= a && up < a + step && up % step == 0);
            ck_assert_uint_eq(mxfs_ceil_div(a, step), up / step);
        }
    ck_assert_uint_eq(mxfs_min_u64(UINT64_MAX, 3), 3);
    ck_assert_uint_eq(mxfs_max_u64(3, UINT64_MAX), UINT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bytes");
    TCase *tests = tcase_create("integers");

    tcase_add_test(tests, words);
    tcase_add_test(tests, overflow);
    tcase_add_test(tests, rounding);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
