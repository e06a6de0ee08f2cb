/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations whose scales are float32, for every kernel variant: FP8, NVFP4, narrowing. The
 * product of two floats is exact in a double, so each conversion of what is expected is one
 * rounding.
 */
#include "mxfs/kernel.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/dtype.h"
#include "support/harness.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { MAX = 700 };

static float float_from(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/* Mostly of ordinary size; `wild` mixes in any bits at all, infinities, NaN and zeros included. */
static const float *draw_floats(struct guarded *g, size_t n, enum placement p, bool wild)
{
    static const uint32_t odd[] = {0x7f800000, 0xff800000, 0x7fc00001, 0xffc00000, 0x00000000,
                                   0x80000000, 0x00000001, 0x00400000, 0x7f7fffff, 0x7f000000};
    float *floats = guarded_floats(g, n, p);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0x38000000 + test_random() % 0x10000000;
        if (wild && test_random() % 4 == 0)
            bits = test_random() % 2 ? test_random() : odd[test_random() % MXFS_COUNT(odd)];
        floats[i] = float_from(bits);
    }
    return floats;
}

/* Element i is to be the exact product rounded to float32 and then to the output type. */
static void expect(struct arena *a, size_t i, double product, enum mxfs_out out)
{
    arena_expect(a, i, oracle_bits((float)product, out), out);
}

static double fp8_value(enum mxfs_fp8 format, uint8_t code)
{
    return oracle_byte_value(format == MXFS_FP8_E4M3 ? MXFS_F8_E4M3 : MXFS_F8_E5M2, code);
}

/* FP8. */

static void check_fp8(struct arena *a, enum mxfs_out out, enum mxfs_fp8 format, float scale)
{
    size_t n = a->codes.len;
    for (size_t i = 0; i < n; i++)
        expect(a, i, fp8_value(format, a->codes.data[i]) * scale, out);
    a->kernel->fp8_run[out](&a->tables, a->dst.data, a->codes.data, n, format, scale);
    arena_check(a, n);
}

static void every_length_of_fp8(struct arena *a, enum mxfs_out out)
{
    for (size_t n = 0; n <= 300; n++)
        for (unsigned which = 0; which < 2 * PLACEMENTS; which++) {
            arena_place(a, n * mxfs_out_size(out), n, which / 2);
            check_fp8(a, out, which % 2, ldexpf(1 + test_random() % 1000 / 999.0f, -7));
        }
}

/* All codes of both formats under a scale. */
static void check_all_codes(struct arena *a, enum mxfs_out out, uint32_t scale_bits)
{
    for (enum mxfs_fp8 format = 0; format < MXFS_FP8_COUNT; format++) {
        arena_place(a, 256 * mxfs_out_size(out), 256, test_random() % PLACEMENTS);
        for (unsigned code = 0; code < 256; code++)
            a->codes.data[code] = (uint8_t)code;
        check_fp8(a, out, format, float_from(scale_bits));
    }
}

/* Scales of any bits at all, and those where something overflows or vanishes. */
static void fp8_with_any_scale(struct arena *a, enum mxfs_out out)
{
    static const uint32_t edges[] = {
        0x00000000, 0x80000000, 0x00000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff,
        0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f800001, 0x3f800000, 0xbf800000,
        0x7b7fffff, 0x7b800000, 0x7b800001, 0x7c000000, 0x3f800001, 0x33800000, 0x34000000,
        0x43800000, 0x42a2999a, 0x3c4985f0, 0x00400000, 0x7f000000, 0x7e800000, 0x37800000,
    };
    for (unsigned i = 0; i < 1500; i++)
        check_all_codes(a, out, i < MXFS_COUNT(edges) ? edges[i] : test_random());
}

/* Scales that put the products at and between the halves of F16 and BF16. */
static void fp8_rounds_to_even(struct arena *a, enum mxfs_out out)
{
    static const uint32_t low[] = {0x8000, 0x18000, 0x1000, 0x3000, 0x7fff, 0x8001};
    for (unsigned i = 0; i < 2000; i++)
        check_all_codes(
            a, out, (90 + i % 80) << 23 | (test_random() & 0x7e0000) | low[i % MXFS_COUNT(low)]);
}

static void check_fp8_blocks(struct arena *a, size_t n, size_t block, enum mxfs_out out, bool wild)
{
    enum mxfs_fp8 format = test_random() % MXFS_FP8_COUNT;
    enum placement p = test_random() % PLACEMENTS;
    arena_place(a, n * mxfs_out_size(out), n, p);
    const float *scales = draw_floats(&a->scales, (n + block - 1) / block, p, wild);
    for (size_t i = 0; i < n; i++)
        expect(a, i, fp8_value(format, a->codes.data[i]) * scales[i / block], out);
    a->kernel->fp8_blocks[out](&a->tables, a->dst.data, a->codes.data, n, format, scales, block);
    arena_check(a, n);
}

static void fp8_blocks(struct arena *a, enum mxfs_out out)
{
    static const size_t widths[] = {1, 3, 16, 31, 32, 33, 64, 128, 1000};
    for (size_t w = 0; w < MXFS_COUNT(widths); w++)
        for (size_t n = 0; n < MAX; n = n < 140 ? n + 1 : n + 61)
            for (int which = 0; which < 4; which++)
                check_fp8_blocks(a, n, widths[w], out, which % 2);
}

/* n blocks, the first eight of which have every code under the same scale. */
static void check_mxfp8(struct arena *a, size_t n, uint8_t scale, enum mxfs_fp8 format,
                        enum mxfs_out out)
{
    uint8_t dtype = format == MXFS_FP8_E4M3 ? MXFS_F8_E4M3 : MXFS_F8_E5M2;
    enum placement p = test_random() % PLACEMENTS;
    arena_place(a, n * MXFS_MX_BLOCK * mxfs_out_size(out), n * MXFS_MX_BLOCK, p);
    guarded_place(&a->scales, n, p);
    guarded_randomize(&a->scales);
    for (size_t i = 0; i < n * MXFS_MX_BLOCK && n > 8; i++)
        a->codes.data[i] = (uint8_t)i;
    for (size_t i = 0; i < n && i < 8; i++)
        a->scales.data[i] = scale;
    for (size_t i = 0; i < n * MXFS_MX_BLOCK; i++)
        arena_expect(
            a, i, oracle_fp8(dtype, a->codes.data[i], a->scales.data[i / MXFS_MX_BLOCK], out), out);
    a->kernel->mxfp8_blocks[out](&a->tables, a->dst.data, a->codes.data, a->scales.data, n, format);
    arena_check(a, n);
}

static void mxfp8(struct arena *a, enum mxfs_out out)
{
    for (enum mxfs_fp8 format = 0; format < MXFS_FP8_COUNT; format++)
        for (unsigned scale = 0; scale < 256; scale++) {
            check_mxfp8(a, 9 + scale % 3, (uint8_t)scale, format, out);
            check_mxfp8(a, scale % 9, (uint8_t)scale, format, out);
        }
}

/* Known answers, written down elsewhere. */
static void golden_fp8(struct arena *a, enum mxfs_out out)
{
    static const uint8_t codes[16] = {0x00, 0x01, 0x07, 0x08, 0x38, 0x7e, 0x7f, 0x80,
                                      0xfe, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    static const uint16_t expected[16] = {0x0000, 0x3b00, 0x3c60, 0x3c80, 0x3f80, 0x43e0,
                                          0x7fc0, 0x8000, 0xc3e0, 0x7fc0, 0,      0,
                                          0,      0,      0,      0};
    uint16_t got[16];
    (void)out;
    a->kernel->fp8_run[MXFS_OUT_BF16](&a->tables, got, codes, 16, MXFS_FP8_E4M3, 1.0f);
    ck_assert_mem_eq(got, expected, sizeof(got));
}

/* NVFP4. */

static void check_nvfp4_blocks(struct arena *a, size_t blocks, enum mxfs_out out, enum placement p,
                               bool wild)
{
    size_t n = blocks * MXFS_NVFP4_BLOCK;
    arena_place(a, n * mxfs_out_size(out), blocks * MXFS_NVFP4_BYTES, p);
    const float *scales = draw_floats(&a->scales, blocks, p, wild);
    for (size_t i = 0; i < n; i++) {
        unsigned code = a->codes.data[i / 2] >> (i % 2 * 4) & 15;
        expect(a, i, oracle_e2m1(code) * scales[i / MXFS_NVFP4_BLOCK], out);
    }
    a->kernel->nvfp4_blocks[out](a->dst.data, a->codes.data, scales, blocks);
    arena_check(a, blocks);
}

static void check_nvfp4_lanes(struct arena *a, size_t n, enum mxfs_out out, enum placement p,
                              bool wild)
{
    unsigned shift = test_random() % 2 * 4;
    arena_place(a, n * mxfs_out_size(out), n, p);
    const float *scales = draw_floats(&a->scales, n, p, wild);
    for (size_t i = 0; i < n; i++)
        expect(a, i, oracle_e2m1(a->codes.data[i] >> shift & 15) * scales[i], out);
    a->kernel->nvfp4_lanes[out](a->dst.data, a->codes.data, scales, n, shift);
    arena_check(a, n);
}

static void nvfp4(struct arena *a, enum mxfs_out out)
{
    for (size_t n = 0; n < 140; n++)
        for (unsigned which = 0; which < 4 * PLACEMENTS; which++) {
            check_nvfp4_blocks(a, n % 44, out, which / 4, which % 2);
            check_nvfp4_lanes(a, n, out, which / 4, which % 2);
        }
}

/* Narrowing. */

static void check_narrow(struct arena *a, size_t n, enum mxfs_out out, enum mxfs_out via,
                         enum placement p)
{
    const float *src = draw_floats(&a->scales, n, p, true);
    const float *factors = test_random() % 2 ? draw_floats(&a->factors, n, p, true) : NULL;
    guarded_place(&a->dst, n * mxfs_out_size(out), p);
    for (size_t i = 0; i < n; i++) {
        float v = (float)(factors ? (double)src[i] * factors[i] : src[i]);
        arena_expect(a, i, oracle_bits(oracle_value(oracle_bits(v, via), via), out), out);
    }
    a->kernel->narrow[out](a->dst.data, src, factors, n, via);
    arena_check(a, n);
}

static void narrow(struct arena *a, enum mxfs_out out)
{
    for (enum mxfs_out via = 0; via < MXFS_OUT_COUNT; via++)
        for (size_t n = 0; n < 140; n++)
            for (unsigned which = 0; which < 2 * PLACEMENTS; which++)
                check_narrow(a, n, out, via, which / 2);
}

static const struct kernel_test tests[] = {
    {"every length of FP8", every_length_of_fp8, false},
    {"FP8 with any scale", fp8_with_any_scale, false},
    {"FP8 rounds to even", fp8_rounds_to_even, false},
    {"FP8 in blocks", fp8_blocks, false},
    {"MXFP8", mxfp8, false},
    {"known answers of FP8", golden_fp8, true},
    {"NVFP4", nvfp4, false},
    {"narrowing", narrow, false},
};

int main(void)
{
    Suite *suite = suite_create("scaled");
    harness_add(suite, tests, MXFS_COUNT(tests));
    return test_run(suite);
}
