/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Unpacking streams of narrow codes, for every variant: what is expected is found bit by bit.
 */
#include "mxfs/kernel.h"

#include <math.h>

#include "mxfs/compiler.h"
#include "mxfs/dtype.h"
#include "support/harness.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { MAX = 300 };

static void place_codes(struct arena *a, size_t n, unsigned bits, enum placement p)
{
    arena_place(a, n, (n * bits + 7) / 8, p);
}

static unsigned code_at(const uint8_t *src, size_t i, unsigned bits)
{
    unsigned code = 0;
    for (unsigned b = 0; b < bits; b++)
        code |= (src[(i * bits + b) / 8] >> ((i * bits + b) % 8) & 1u) << b;
    return code;
}

static void check_width(struct arena *a, unsigned bits)
{
    static const uint8_t offsets[] = {0, 1, 4, 128, 255};
    for (size_t n = 0; n < MAX; n++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            uint8_t offset = offsets[test_random() % MXFS_COUNT(offsets)];
            place_codes(a, n, bits, p);
            for (size_t i = 0; i < n; i++)
                a->expected[i] = (uint8_t)(code_at(a->codes.data, i, bits) - offset);
            a->kernel->unpack(a->dst.data, a->codes.data, n, bits, offset);
            arena_check(a, n);
        }
}

static void every_width_and_length(struct arena *a, enum mxfs_out out)
{
    (void)out;
    for (unsigned bits = 1; bits <= 8; bits++)
        check_width(a, bits);
}

static double e2m3(unsigned code)
{
    double magnitude =
        code & 24 ? ldexp(8 + (code & 7), (int)(code >> 3 & 3) - 4) : (code & 7) / 8.0;
    return code & 32 ? -magnitude : magnitude;
}

/* The code whose value that is: no two codes of E4M3 have the same, signs of zeros told apart. */
static uint8_t e4m3_code(double value)
{
    unsigned code = 0;
    while (oracle_byte_value(MXFS_F8_E4M3, (uint8_t)code) != value ||
           !signbit(oracle_byte_value(MXFS_F8_E4M3, (uint8_t)code)) != !signbit(value))
        ck_assert_uint_lt(++code, 256);
    return (uint8_t)code;
}

static void every_length_of_e2m3(struct arena *a, enum mxfs_out out)
{
    uint8_t codes[64];
    (void)out;
    for (unsigned code = 0; code < 64; code++)
        codes[code] = e4m3_code(e2m3(code));
    for (size_t n = 0; n < MAX; n++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            place_codes(a, n, 6, p);
            for (size_t i = 0; i < n; i++)
                a->expected[i] = codes[code_at(a->codes.data, i, 6)];
            a->kernel->e2m3(a->dst.data, a->codes.data, n);
            arena_check(a, n);
        }
}

static const struct kernel_test tests[] = {
    {"every width and length", every_width_and_length, true},
    {"every length of E2M3", every_length_of_e2m3, true},
};

int main(void)
{
    Suite *suite = suite_create("unpack");
    harness_add(suite, tests, MXFS_COUNT(tests));
    return test_run(suite);
}
