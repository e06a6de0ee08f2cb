/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations with float32 scales, and MXFP8. The product of two floats is exact in a double, so
 * each conversion of an expected value is one rounding.
 */
#include <math.h>
#include <string.h>

#include "kernel/arena.h"
#include "kernel/known.h"
#include "mxfs/dtype.h"

enum { MAX = 700 };

/** How floats are drawn. */
enum floats {
    ORDINARY, /**< of ordinary size */
    WILD,     /**< any bits, among them infinities, NaN, zeros and subnormals */
    FLOATS,   /**< number of ways */
};

static float float_from(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static const float *draw_floats(struct guarded *g, size_t n, enum floats how, enum placement p)
{
    static const uint32_t odd[] = {0x7f800000, 0xff800000, 0x7fc00001, 0xffc00000, 0x00000000,
                                   0x80000000, 0x00000001, 0x00400000, 0x7f7fffff, 0x7f000000};
    float *floats = guarded_floats(g, n, p);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0x38000000 + test_random() % 0x10000000;
        if (how == WILD && test_random() % 4 == 0)
            bits = test_random() % 2 ? test_random() : odd[test_random() % MXFS_COUNT(odd)];
        floats[i] = float_from(bits);
    }
    return floats;
}

/* Expects the exact product, rounded to float32 and then to the output type, as element i. */
static void expect(struct arena *a, size_t i, double product)
{
    arena_expect(a, i, oracle_bits((float)product, a->out));
}

static double fp8_value(enum mxfs_fp8 format, uint8_t code)
{
    return oracle_byte_value(format == MXFS_FP8_E4M3 ? MXFS_F8_E4M3 : MXFS_F8_E5M2, code);
}

/* FP8 with one scale. */

static void place_fp8(struct arena *a, size_t n, enum mxfs_fp8 format, float scale,
                      enum placement p)
{
    arena_place(a, n, n, p);
    a->in.fp8_run = (struct mxfs_fp8_run){&a->tables, a->codes.data, n, format, scale};
}

static void expect_fp8(struct arena *a)
{
    const struct mxfs_fp8_run *in = &a->in.fp8_run;

    for (size_t i = 0; i < in->n; i++)
        expect(a, i, fp8_value(in->format, in->codes[i]) * in->scale);
}

static void every_length_of_fp8(struct arena *a)
{
    for (size_t n = 0; n <= 300; n++)
        for (unsigned which = 0; which < 2 * PLACEMENTS; which++) {
            float scale = ldexpf(1 + (float)(test_random() % 1000) / 999.0f, -7);
            place_fp8(a, n, which % 2, scale, which / 2);
            arena_check(a);
        }
}

/* Decodes all codes of both formats with one scale. */
static void check_all_codes(struct arena *a, uint32_t scale_bits)
{
    for (enum mxfs_fp8 format = 0; format < MXFS_FP8_COUNT; format++) {
        place_fp8(a, 256, format, float_from(scale_bits), test_random() % PLACEMENTS);
        for (unsigned code = 0; code < 256; code++)
            a->codes.data[code] = (uint8_t)code;
        arena_check(a);
    }
}

/* Scales of arbitrary bits, and scales where products overflow or vanish. */
static void fp8_with_any_scale(struct arena *a)
{
    static const uint32_t edges[] = {
        0x00000000, 0x80000000, 0x00000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff,
        0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f800001, 0x3f800000, 0xbf800000,
        0x7b7fffff, 0x7b800000, 0x7b800001, 0x7c000000, 0x3f800001, 0x33800000, 0x34000000,
        0x43800000, 0x42a2999a, 0x3c4985f0, 0x00400000, 0x7f000000, 0x7e800000, 0x37800000,
    };
    for (unsigned i = 0; i < 1500; i++)
        check_all_codes(a, i < MXFS_COUNT(edges) ? edges[i] : test_random());
}

/* Scales that put products at and between the rounding ties of F16 and BF16. */
static void fp8_rounds_to_even(struct arena *a)
{
    static const uint32_t low[] = {0x8000, 0x18000, 0x1000, 0x3000, 0x7fff, 0x8001};
    for (unsigned i = 0; i < 2000; i++)
        check_all_codes(a, (90 + i % 80) << 23 | (test_random() & 0x7e0000) |
                               low[i % MXFS_COUNT(low)]);
}

static void known_fp8(struct arena *a)
{
    a->in.fp8_run = (struct mxfs_fp8_run){&a->tables, known_codes, 32, MXFS_FP8_E4M3, 0.0123f};
    arena_check_known(a, known_fp8_run[a->out], 32);
}

static void draw_fp8(struct arena *a, size_t size, unsigned argument)
{
    place_fp8(a, size, argument, 0.0123f, AT_START);
}

const struct operation operation_fp8_run = {
    .checks = {every_length_of_fp8, fp8_with_any_scale, fp8_rounds_to_even},
    .known = known_fp8,
    .expect = expect_fp8,
    .draw = draw_fp8,
    .rows = {{" E4M3", MXFS_FP8_E4M3}, {" E5M2", MXFS_FP8_E5M2}},
};

/* FP8 in blocks. */

static void place_fp8_blocks(struct arena *a, size_t n, size_t block, enum floats how,
                             enum placement p)
{
    arena_place(a, n, n, p);
    a->in.fp8_blocks = (struct mxfs_fp8_blocks){
        .tables = &a->tables,
        .codes = a->codes.data,
        .n = n,
        .format = test_random() % MXFS_FP8_COUNT,
        .scales = draw_floats(&a->scales, (n + block - 1) / block, how, p),
        .block = block,
    };
}

static void expect_fp8_blocks(struct arena *a)
{
    const struct mxfs_fp8_blocks *in = &a->in.fp8_blocks;

    for (size_t i = 0; i < in->n; i++)
        expect(a, i, fp8_value(in->format, in->codes[i]) * in->scales[i / in->block]);
}

static void every_block_of_fp8(struct arena *a)
{
    static const size_t widths[] = {1, 3, 16, 31, 32, 33, 64, 128, 1000};
    for (size_t w = 0; w < MXFS_COUNT(widths); w++)
        for (size_t n = 0; n < MAX; n = n < 140 ? n + 1 : n + 61)
            for (unsigned which = 0; which < 2 * FLOATS; which++) {
                place_fp8_blocks(a, n, widths[w], which % FLOATS, test_random() % PLACEMENTS);
                arena_check(a);
            }
}

static void known_fp8_in_blocks(struct arena *a)
{
    a->in.fp8_blocks =
        (struct mxfs_fp8_blocks){&a->tables, known_codes, 32, MXFS_FP8_E5M2, known_floats, 12};
    arena_check_known(a, known_fp8_blocks[a->out], 32);
}

static void draw_fp8_blocks(struct arena *a, size_t size, unsigned argument)
{
    place_fp8_blocks(a, size, argument, ORDINARY, AT_START);
    a->in.fp8_blocks.format = MXFS_FP8_E4M3;
}

const struct operation operation_fp8_blocks = {
    .checks = {every_block_of_fp8},
    .known = known_fp8_in_blocks,
    .expect = expect_fp8_blocks,
    .draw = draw_fp8_blocks,
    .rows = {{" of 128", 128}, {" of 32", 32}},
};

/* MXFP8. */

static void place_mxfp8(struct arena *a, size_t blocks, enum mxfs_fp8 format, enum placement p)
{
    arena_place(a, blocks * MXFS_MX_BLOCK, blocks * MXFS_MX_BLOCK, p);
    guarded_place(&a->scales, blocks, p);
    guarded_randomize(&a->scales);
    a->in.mxfp8_blocks =
        (struct mxfs_mxfp8_blocks){&a->tables, a->codes.data, a->scales.data, blocks, format};
}

static void expect_mxfp8(struct arena *a)
{
    const struct mxfs_mxfp8_blocks *in = &a->in.mxfp8_blocks;
    uint8_t dtype = in->format == MXFS_FP8_E4M3 ? MXFS_F8_E4M3 : MXFS_F8_E5M2;

    for (size_t i = 0; i < in->blocks * MXFS_MX_BLOCK; i++)
        arena_expect(a, i, oracle_fp8(dtype, in->codes[i], in->scales[i / MXFS_MX_BLOCK], a->out));
}

/* The first eight blocks have every code, all with the same scale. */
static void check_mxfp8(struct arena *a, size_t blocks, uint8_t scale, enum mxfs_fp8 format)
{
    place_mxfp8(a, blocks, format, test_random() % PLACEMENTS);
    for (size_t i = 0; i < blocks * MXFS_MX_BLOCK && blocks > 8; i++)
        a->codes.data[i] = (uint8_t)i;
    for (size_t i = 0; i < blocks && i < 8; i++)
        a->scales.data[i] = scale;
    arena_check(a);
}

static void every_scale_of_mxfp8(struct arena *a)
{
    for (enum mxfs_fp8 format = 0; format < MXFS_FP8_COUNT; format++)
        for (unsigned scale = 0; scale < 256; scale++) {
            check_mxfp8(a, 9 + scale % 3, (uint8_t)scale, format);
            check_mxfp8(a, scale % 9, (uint8_t)scale, format);
        }
}

static void known_mxfp8(struct arena *a)
{
    a->in.mxfp8_blocks =
        (struct mxfs_mxfp8_blocks){&a->tables, known_codes, known_exponents + 3, 1, MXFS_FP8_E4M3};
    arena_check_known(a, known_mxfp8_blocks[a->out], 32);
}

static void draw_mxfp8(struct arena *a, size_t size, unsigned argument)
{
    place_mxfp8(a, size / MXFS_MX_BLOCK, argument, AT_START);
    for (size_t i = 0; i < a->scales.len; i++)
        a->scales.data[i] = (uint8_t)(114 + a->scales.data[i] % 12);
}

const struct operation operation_mxfp8_blocks = {
    .checks = {every_scale_of_mxfp8},
    .known = known_mxfp8,
    .expect = expect_mxfp8,
    .draw = draw_mxfp8,
    .rows = {{" E4M3", MXFS_FP8_E4M3}, {" E5M2", MXFS_FP8_E5M2}},
};

/* NVFP4. */

static void place_nvfp4(struct arena *a, size_t blocks, enum floats how, enum placement p)
{
    arena_place(a, blocks * MXFS_NVFP4_BLOCK, blocks * MXFS_NVFP4_BYTES, p);
    a->in.nvfp4_blocks =
        (struct mxfs_nvfp4_blocks){a->codes.data, draw_floats(&a->scales, blocks, how, p), blocks};
}

static void expect_nvfp4(struct arena *a)
{
    const struct mxfs_nvfp4_blocks *in = &a->in.nvfp4_blocks;

    for (size_t i = 0; i < in->blocks * MXFS_NVFP4_BLOCK; i++) {
        unsigned code = in->codes[i / 2] >> (i % 2 * 4) & 15;
        expect(a, i, oracle_e2m1(code) * in->scales[i / MXFS_NVFP4_BLOCK]);
    }
}

static void every_number_of_nvfp4(struct arena *a)
{
    for (size_t blocks = 0; blocks < 44; blocks++)
        for (unsigned which = 0; which < 3 * FLOATS * PLACEMENTS; which++) {
            place_nvfp4(a, blocks, which % FLOATS, which / FLOATS % PLACEMENTS);
            arena_check(a);
        }
}

static void known_nvfp4(struct arena *a)
{
    a->in.nvfp4_blocks = (struct mxfs_nvfp4_blocks){known_codes, known_floats, 4};
    arena_check_known(a, known_nvfp4_blocks[a->out], 64);
}

static void draw_nvfp4(struct arena *a, size_t size, unsigned argument)
{
    (void)argument;
    place_nvfp4(a, size / MXFS_NVFP4_BLOCK, ORDINARY, AT_START);
}

const struct operation operation_nvfp4_blocks = {
    .checks = {every_number_of_nvfp4},
    .known = known_nvfp4,
    .expect = expect_nvfp4,
    .draw = draw_nvfp4,
    .rows = {{"", 0}},
};

static void place_nvfp4_lanes(struct arena *a, size_t n, enum floats how, enum placement p)
{
    arena_place(a, n, n, p);
    a->in.nvfp4_lanes = (struct mxfs_nvfp4_lanes){a->codes.data, draw_floats(&a->scales, n, how, p),
                                                  n, test_random() % 2 * 4};
}

static void expect_nvfp4_lanes(struct arena *a)
{
    const struct mxfs_nvfp4_lanes *in = &a->in.nvfp4_lanes;

    for (size_t i = 0; i < in->n; i++)
        expect(a, i, oracle_e2m1(in->codes[i] >> in->shift & 15) * in->scales[i]);
}

static void every_number_of_nvfp4_lanes(struct arena *a)
{
    for (size_t n = 0; n < 140; n++)
        for (unsigned which = 0; which < 2 * FLOATS * PLACEMENTS; which++) {
            place_nvfp4_lanes(a, n, which % FLOATS, which / FLOATS % PLACEMENTS);
            arena_check(a);
        }
}

static void known_lanes_of_nvfp4(struct arena *a)
{
    a->in.nvfp4_lanes = (struct mxfs_nvfp4_lanes){known_codes, known_floats, 32, 4};
    arena_check_known(a, known_nvfp4_lanes[a->out], 32);
}

static void draw_nvfp4_lanes(struct arena *a, size_t size, unsigned argument)
{
    place_nvfp4_lanes(a, size, ORDINARY, AT_START);
    a->in.nvfp4_lanes.shift = argument;
}

const struct operation operation_nvfp4_lanes = {
    .checks = {every_number_of_nvfp4_lanes},
    .known = known_lanes_of_nvfp4,
    .expect = expect_nvfp4_lanes,
    .draw = draw_nvfp4_lanes,
    .rows = {{"", 0}},
};

/* Narrowing. */

static void place_narrow(struct arena *a, size_t n, enum floats how, bool factors, enum placement p)
{
    arena_place(a, n, 0, p);
    a->in.narrow = (struct mxfs_narrow){
        .src = draw_floats(&a->scales, n, how, p),
        .factors = factors ? draw_floats(&a->factors, n, how, p) : NULL,
        .n = n,
        .via = MXFS_OUT_F32,
    };
}

static void expect_narrow(struct arena *a)
{
    const struct mxfs_narrow *in = &a->in.narrow;

    for (size_t i = 0; i < in->n; i++) {
        double v = in->src[i];
        float product = (float)(in->factors ? v * in->factors[i] : v);
        double via = oracle_value(oracle_bits(product, in->via), in->via);
        arena_expect(a, i, oracle_bits(via, a->out));
    }
}

static void every_length_of_narrow(struct arena *a)
{
    for (enum mxfs_out via = 0; via < MXFS_OUT_COUNT; via++)
        for (size_t n = 0; n < 140; n++)
            for (unsigned which = 0; which < 2 * PLACEMENTS; which++) {
                place_narrow(a, n, WILD, test_random() % 2, which / 2);
                a->in.narrow.via = via;
                arena_check(a);
            }
}

static void known_narrowing(struct arena *a)
{
    a->in.narrow = (struct mxfs_narrow){known_floats, known_zeros, 32, MXFS_OUT_BF16};
    arena_check_known(a, known_narrow[a->out], 32);
}

static void draw_narrow(struct arena *a, size_t size, unsigned argument)
{
    place_narrow(a, size, ORDINARY, argument, AT_START);
}

const struct operation operation_narrow = {
    .checks = {every_length_of_narrow},
    .known = known_narrowing,
    .expect = expect_narrow,
    .draw = draw_narrow,
    .rows = {{"", false}, {", factors", true}},
};
