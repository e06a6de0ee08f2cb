/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What brings codes into the order of decoding, for every variant: streams of narrow codes, and
 * matrices of words; and codes whose groups are given one by one. What is expected is found code by
 * code.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "support/harness.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { MAX = 300 };

static unsigned code_at(const uint8_t *src, size_t i, unsigned bits)
{
    unsigned code = 0;
    for (unsigned b = 0; b < bits; b++)
        code |= (src[(i * bits + b) / 8] >> ((i * bits + b) % 8) & 1u) << b;
    return code;
}

static void check_unpack(struct arena *a, size_t n, unsigned bits, uint8_t offset, enum placement p)
{
    arena_place(a, n, (n * bits + 7) / 8, p);
    for (size_t i = 0; i < n; i++)
        a->expected[i] = (uint8_t)(code_at(a->codes.data, i, bits) - offset);
    a->kernel->unpack(a->dst.data, a->codes.data, n, bits, offset);
    arena_check(a, n);
}

static void unpack(struct arena *a, enum mxfs_out out)
{
    static const uint8_t offsets[] = {0, 1, 4, 128, 255};
    (void)out;
    for (unsigned bits = 1; bits <= 8; bits++)
        for (size_t n = 0; n < MAX; n++)
            for (enum placement p = 0; p < PLACEMENTS; p++)
                check_unpack(a, n, bits, offsets[test_random() % MXFS_COUNT(offsets)], p);
}

static double e2m3(unsigned code)
{
    double magnitude =
        code & 24 ? ldexp(8 + (code & 7), (int)(code >> 3 & 3) - 4) : (code & 7) / 8.0;
    return code & 32 ? -magnitude : magnitude;
}

/* The E4M3 code of a value is found among all of them. */
static uint8_t find_e4m3(double value)
{
    unsigned code = 0;
    while (code < 255 && (oracle_byte_value(MXFS_F8_E4M3, (uint8_t)code) != value ||
                          !signbit(value) != !(code & 128)))
        code++;
    return (uint8_t)code;
}

static void e2m3_as_e4m3(struct arena *a, enum mxfs_out out)
{
    uint8_t same[64];
    (void)out;
    for (unsigned code = 0; code < 64; code++)
        same[code] = find_e4m3(e2m3(code));
    for (size_t n = 0; n < MAX; n++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            arena_place(a, n, (n * 6 + 7) / 8, p);
            for (size_t i = 0; i < n; i++)
                a->expected[i] = same[code_at(a->codes.data, i, 6)];
            a->kernel->e2m3(a->dst.data, a->codes.data, n);
            arena_check(a, n);
        }
}

/* Both matrices may have room between rows. */
static void check_words(struct arena *a, size_t rows, size_t cols, enum placement p)
{
    size_t from = 4 * cols + test_random() % 9, to = 4 * rows + test_random() % 9;
    arena_place(a, rows && cols ? (cols - 1) * to + 4 * rows : 0,
                rows && cols ? (rows - 1) * from + 4 * cols : 0, p);
    memcpy(a->expected, a->dst.data, a->dst.len);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            memcpy(a->expected + c * to + 4 * r, a->codes.data + r * from + 4 * c, 4);
    a->kernel->transpose_words(a->dst.data, to, a->codes.data, from, rows, cols);
    arena_check(a, rows * 100 + cols);
}

static void words_transposed(struct arena *a, enum mxfs_out out)
{
    (void)out;
    for (size_t rows = 0; rows < 26; rows++)
        for (size_t cols = 0; cols < 26; cols++)
            for (enum placement p = 0; p < PLACEMENTS; p++)
                check_words(a, rows, cols, p);
}

/** Entries of groups, and the group of each column. */
struct columns {
    float scales[600], zeros[600], biases[600], values[16];
    uint16_t group_of[MAX];
};

/* Scales and biases of `bits` in the mantissa, and perhaps some that are infinite. */
static void draw_columns(struct columns *c, size_t groups, int bits, bool infinite)
{
    for (size_t i = 0; i < groups; i++) {
        c->scales[i] = ldexpf((float)(test_random() >> (32 - bits)), -8 - bits);
        if (infinite && test_random() % 16 == 0)
            c->scales[i] = INFINITY;
        c->zeros[i] = (float)(test_random() % 16);
        c->biases[i] = ldexpf((float)(test_random() >> (32 - bits)), -4 - bits);
    }
    for (size_t i = 0; i < MAX; i++)
        c->group_of[i] = (uint16_t)(test_random() % groups);
    for (int i = 0; i < 16; i++)
        c->values[i] = (float)(i - 8);
}

/* code4_run has tests of its own: a run of one code is what each column must be. */
static void check_pick(struct arena *a, const struct columns *c, size_t n, size_t groups,
                       enum mxfs_out out)
{
    size_t first = test_random() % 2, size = mxfs_out_size(out);
    unsigned with = test_random() % 4;
    struct mxfs_affine affine = {.scales = c->scales,
                                 .zeros = with & 1 ? c->zeros : NULL,
                                 .biases = with & 2 ? c->biases : NULL,
                                 .group = 1,
                                 .via = test_random() % MXFS_OUT_COUNT};
    arena_place(a, n * size, (first + n + 1) / 2, test_random() % PLACEMENTS);
    for (size_t i = 0; i < n; i++) {
        struct mxfs_affine one = affine;
        one.scales += c->group_of[i];
        one.zeros = affine.zeros ? affine.zeros + c->group_of[i] : NULL;
        one.biases = affine.biases ? affine.biases + c->group_of[i] : NULL;
        a->kernel->code4_run[out](a->expected + i * size, a->codes.data + (first + i) / 2,
                                  (first + i) % 2, 1, MXFS_NIBBLES_LOW_FIRST, c->values, &one);
    }
    a->kernel->code4_pick[out](a->dst.data, a->codes.data, first, n, c->values, &affine,
                               c->group_of, groups);
    arena_check(a, n);
}

static void groups_by_column(struct arena *a, enum mxfs_out out)
{
    static const int mantissas[] = {8, 11, 24};
    static const size_t groups[] = {1, 2, 5, 31, 32, 33, 64, 65, 100, 256, 257, 512, 513};
    struct columns *c = calloc(1, sizeof(*c));
    ck_assert_ptr_nonnull(c);
    for (size_t g = 0; g < MXFS_COUNT(groups); g++)
        for (size_t n = 0; n < MAX; n = n < 70 ? n + 1 : n + 37) {
            draw_columns(c, groups[g], mantissas[n % MXFS_COUNT(mantissas)], n % 7 == 0);
            check_pick(a, c, n, groups[g], out);
        }
    free(c);
}

static const struct kernel_test tests[] = {
    {"streams of codes", unpack, true},
    {"E2M3 as E4M3", e2m3_as_e4m3, true},
    {"words transposed", words_transposed, true},
    {"groups by column", groups_by_column, false},
};

int main(void)
{
    Suite *suite = suite_create("unpack");
    harness_add(suite, tests, MXFS_COUNT(tests));
    return test_run(suite);
}
