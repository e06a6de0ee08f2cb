/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 in blocks and in lanes.
 */
#include <string.h>

#include "kernel/arena.h"
#include "kernel/known.h"

enum { MAX_BLOCKS = ARENA_TEST / MXFS_MX_BLOCK, MAX_LANES = 300 };

/**
 * How scales are drawn: vectors must meet ordinary scales alone, and extremes among ordinary ones.
 */
enum scales {
    ANY,      /**< any byte */
    ORDINARY, /**< those where adding to the exponent is exact in every output type */
    EDGES,    /**< those around each bound, and the special ones */
    RARE,     /**< ordinary ones with an occasional extreme */
    TRAINED,  /**< like those of trained weights: a dozen values around 2^-8 */
    SCALES,   /**< number of ways */
};

static uint8_t draw_scale(enum scales how)
{
    static const uint8_t edges[] = {0,   1,   2,   3,   98,  99,  100, 101, 102, 103, 112,
                                    113, 114, 115, 139, 140, 141, 142, 143, 250, 251, 252,
                                    253, 254, 255, 255, 0,   1,   254, 253, 127, 127};
    if (how == ANY)
        return (uint8_t)test_random();
    if (how == EDGES || (how == RARE && test_random() % 40 == 0))
        return edges[test_random() % sizeof(edges)];
    return (uint8_t)(114 + test_random() % (how == TRAINED ? 12 : 27));
}

static uint8_t *draw_scales(struct arena *a, size_t n, enum scales how, enum placement p)
{
    guarded_place(&a->scales, n, p);
    for (size_t i = 0; i < n; i++)
        a->scales.data[i] = draw_scale(how);
    return a->scales.data;
}

static void place_blocks(struct arena *a, size_t blocks, enum scales how, enum placement p)
{
    arena_place(a, blocks * MXFS_MX_BLOCK, blocks * MXFS_MXFP4_BYTES, p);
    draw_scales(a, blocks, how, p);
    a->in.mxfp4_blocks =
        (struct mxfs_mxfp4_blocks){&a->tables, a->codes.data, a->scales.data, blocks};
}

static void expect_blocks(struct arena *a)
{
    const struct mxfs_mxfp4_blocks *in = &a->in.mxfp4_blocks;

    for (size_t i = 0; i < in->blocks * MXFS_MX_BLOCK; i++) {
        unsigned code = in->codes[i / 2] >> (i % 2 * 4) & 15;
        arena_expect(a, i, oracle_mxfp4(in->scales[i / MXFS_MX_BLOCK], code, a->out));
    }
}

static void every_number_of_blocks(struct arena *a)
{
    for (size_t blocks = 0; blocks <= MAX_BLOCKS; blocks++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            place_blocks(a, blocks, blocks % 2 ? ANY : EDGES, p);
            arena_check(a);
        }
}

/* Decodes one block with all 16 codes in both nibbles, for each of the 256 scales. */
static void every_scale_and_code(struct arena *a)
{
    for (unsigned scale = 0; scale < 256; scale++) {
        place_blocks(a, 1, ANY, AT_END);
        a->scales.data[0] = (uint8_t)scale;
        for (unsigned code = 0; code < 16; code++)
            a->codes.data[code] = (uint8_t)(code | (15 - code) << 4);
        arena_check(a);
    }
}

static void known_blocks(struct arena *a)
{
    a->in.mxfp4_blocks =
        (struct mxfs_mxfp4_blocks){&a->tables, known_codes, known_exponents + 2, 2};
    arena_check_known(a, known_mxfp4_blocks[a->out], 64);
}

static void draw_blocks(struct arena *a, size_t size, unsigned argument)
{
    (void)argument;
    place_blocks(a, size / MXFS_MX_BLOCK, TRAINED, AT_START);
}

const struct operation operation_mxfp4_blocks = {
    .checks = {every_number_of_blocks, every_scale_and_code},
    .known = known_blocks,
    .expect = expect_blocks,
    .draw = draw_blocks,
    .rows = {{"", 0}},
};

static void place_lanes(struct arena *a, size_t n, enum scales how, enum placement p)
{
    arena_place(a, n, n, p);
    draw_scales(a, n, how, p);
    a->in.mxfp4_lanes = (struct mxfs_mxfp4_lanes){&a->tables, a->codes.data, a->scales.data, n, 0};
}

static void expect_lanes(struct arena *a)
{
    const struct mxfs_mxfp4_lanes *in = &a->in.mxfp4_lanes;

    for (size_t i = 0; i < in->n; i++)
        arena_expect(a, i, oracle_mxfp4(in->scales[i], in->codes[i] >> in->shift & 15, a->out));
}

static void every_number_of_lanes(struct arena *a)
{
    for (size_t n = 0; n <= MAX_LANES; n++)
        for (unsigned which = 0; which < SCALES * PLACEMENTS; which++) {
            place_lanes(a, n, which % SCALES, which / SCALES);
            a->in.mxfp4_lanes.shift = (unsigned)(n + which) % 2 * 4;
            arena_check(a);
        }
}

/* Decodes a row with a single scale and all codes in both nibbles, for each of the 256 scales. */
static void every_scale_in_lanes(struct arena *a)
{
    for (unsigned scale = 0; scale < 256; scale++)
        for (unsigned shift = 0; shift <= 4; shift += 4) {
            place_lanes(a, 256, ANY, AT_END);
            memset(a->scales.data, (int)scale, 256);
            for (unsigned i = 0; i < 256; i++)
                a->codes.data[i] = (uint8_t)i;
            a->in.mxfp4_lanes.shift = shift;
            arena_check(a);
        }
}

static void known_lanes(struct arena *a)
{
    a->in.mxfp4_lanes = (struct mxfs_mxfp4_lanes){&a->tables, known_codes, known_exponents, 32, 4};
    arena_check_known(a, known_mxfp4_lanes[a->out], 32);
}

static void draw_lanes(struct arena *a, size_t size, unsigned argument)
{
    place_lanes(a, size, TRAINED, AT_START);
    a->in.mxfp4_lanes.shift = argument;
}

const struct operation operation_mxfp4_lanes = {
    .checks = {every_number_of_lanes, every_scale_in_lanes},
    .known = known_lanes,
    .expect = expect_lanes,
    .draw = draw_lanes,
    .rows = {{"", 0}, {", high nibbles", 4}},
};
