/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Affine operations on 4-bit and 8-bit codes.
 */
#include <math.h>
#include <string.h>

#include "kernel/arena.h"
#include "kernel/known.h"

enum {
    MAX_CODES = 300, /* of runs whose groups have any size */
    MAX_LONG = 4100, /* of runs whose groups are long enough for tables */
    ZEROS = 1,       /* bits of the `with` arguments */
    BIASES = 2,
};

/*
 * In doubles, every difference and product of floats here is exact, and a sum rounds to the same
 * float. A value stored to a float has been rounded once.
 */
static uint32_t affine_bits(const struct arena *a, double v, size_t group)
{
    const struct mxfs_affine *f = &a->entries.affine;
    float difference = (float)(v - (f->zeros ? f->zeros[group] : 0));
    float product = (float)((double)difference * f->scales[group]);
    double result = oracle_value(oracle_bits(product, f->via), f->via);

    if (f->biases) {
        float sum = (float)(result + f->biases[group]);
        result = oracle_value(oracle_bits(sum, f->via), f->via);
    }
    return oracle_bits(result, a->out);
}

static size_t group_of(const struct arena *a, size_t i)
{
    return (a->entries.affine.skip + i) / a->entries.affine.group;
}

static float any_scale(void)
{
    static const float special[] = {0.0f, -0.0f, INFINITY,  -INFINITY,
                                    NAN,  1.0f,  0x1p-149f, 0x1p127f};
    if (test_random() % 8 == 0)
        return special[test_random() % MXFS_COUNT(special)];
    return ldexpf((float)(int32_t)test_random(), (int)(test_random() % 40) - 50);
}

/* A number of few bits, as real scales are; runs of such numbers take shortcuts. */
static float tame_scale(void)
{
    return test_random() % 8 ? ldexpf((float)(int)(test_random() % 512) - 256, -16) : 0.0f;
}

/* A scale like those of trained models. */
static float trained_scale(void)
{
    return ldexpf(1 + (float)(test_random() % 128) / 128, -10);
}

/* Draws the entries of `groups` groups. */
static void draw_entries(struct arena *a, size_t groups, float (*scale)(void), unsigned with)
{
    struct entries *e = &a->entries;

    for (size_t i = 0; i < groups; i++) {
        e->scales[i] = scale();
        e->zeros[i] = (float)(int)(test_random() % 512) - 256;
        e->biases[i] = scale();
    }
    for (size_t i = 0; i < 16; i++)
        e->values[i] =
            test_random() % 2 ? (float)i - 8 : ldexpf((float)(int32_t)test_random(), -31);
    e->affine = (struct mxfs_affine){
        .scales = e->scales,
        .zeros = with & ZEROS ? e->zeros : NULL,
        .biases = with & BIASES ? e->biases : NULL,
        .group = 1,
        .via = a->out,
    };
}

static void draw_any(struct arena *a, size_t group)
{
    draw_entries(a, MAX_CODES, test_random() % 2 ? any_scale : tame_scale, test_random() % 4);
    a->entries.affine.group = group;
    a->entries.affine.skip = test_random() % group;
    a->entries.affine.via = test_random() % MXFS_OUT_COUNT;
}

/* Code i of a stream. */
static unsigned nibble(const uint8_t *codes, size_t i, enum mxfs_nibbles nibbles)
{
    bool paired = nibbles <= MXFS_NIBBLES_HIGH_FIRST;
    bool high =
        paired ? (i % 2 == 1) == (nibbles == MXFS_NIBBLES_LOW_FIRST) : nibbles == MXFS_NIBBLES_HIGH;
    uint8_t byte = codes[paired ? i / 2 : i];

    return high ? byte >> 4 : byte & 15;
}

/* 4-bit codes. */

static void place_code4(struct arena *a, size_t n, enum mxfs_nibbles nibbles, enum placement p)
{
    bool paired = nibbles <= MXFS_NIBBLES_HIGH_FIRST;
    size_t first = paired ? test_random() % 2 : 0;

    arena_place(a, n, paired ? (first + n + 1) / 2 : n, p);
    a->in.code4_run = (struct mxfs_code4_run){
        a->codes.data, first, n, nibbles, a->entries.values, &a->entries.affine};
}

static void expect_code4(struct arena *a)
{
    const struct mxfs_code4_run *in = &a->in.code4_run;

    for (size_t i = 0; i < in->n; i++) {
        float v = in->values[nibble(in->codes, in->first + i, in->nibbles)];
        arena_expect(a, i, affine_bits(a, v, group_of(a, i)));
    }
}

static const size_t groups[] = {1, 2, 7, 16, 31, 32, 64, 100, 1000};
static const size_t long_groups[] = {1000, 1024, 1100, 2048, 100000};

static void code4_in_groups(struct arena *a)
{
    for (unsigned i = 0; i < 3000; i++) {
        draw_any(a, groups[i % MXFS_COUNT(groups)]);
        place_code4(a, test_random() % (MAX_CODES - 1), test_random() % 4,
                    test_random() % PLACEMENTS);
        arena_check(a);
    }
}

static void code4_in_long_groups(struct arena *a)
{
    for (unsigned i = 0; i < 300; i++) {
        draw_any(a, long_groups[i % MXFS_COUNT(long_groups)]);
        place_code4(a, test_random() % MAX_LONG, test_random() % 4, test_random() % PLACEMENTS);
        arena_check(a);
    }
}

static void known_code4(struct arena *a)
{
    a->entries.affine =
        (struct mxfs_affine){known_floats, known_zeros, known_biases, 12, 5, MXFS_OUT_BF16};
    a->in.code4_run = (struct mxfs_code4_run){
        known_codes, 1, 60, MXFS_NIBBLES_LOW_FIRST, known_values, &a->entries.affine};
    arena_check_known(a, known_code4_run[a->out], 60);
}

/* Argument of a row: how codes are stored, and codes in a group. */
#define CODE4(nibbles, group) ((nibbles) << 16 | (group))

static void draw_code4(struct arena *a, size_t size, unsigned argument)
{
    draw_entries(a, size, trained_scale, 0);
    a->entries.affine.group = argument & 0xffff;
    place_code4(a, size, argument >> 16, AT_START);
    a->in.code4_run.first = 0;
}

const struct operation operation_code4_run = {
    .checks = {code4_in_groups, code4_in_long_groups},
    .known = known_code4,
    .expect = expect_code4,
    .draw = draw_code4,
    .rows = {{", groups of 64", CODE4(MXFS_NIBBLES_LOW_FIRST, 64)},
             {", one per byte, groups of 128", CODE4(MXFS_NIBBLES_LOW, 128)}},
};

/* 4-bit codes whose columns are reordered. */

static void place_pick(struct arena *a, size_t n, size_t count, size_t first, enum placement p)
{
    arena_place(a, n, (first + n + 1) / 2, p);
    for (size_t i = 0; i < n; i++)
        a->entries.group_of[i] = (uint16_t)(test_random() % count);
    a->in.code4_pick = (struct mxfs_code4_pick){
        .codes = a->codes.data,
        .first = first,
        .n = n,
        .values = a->entries.values,
        .affine = &a->entries.affine,
        .group_of = a->entries.group_of,
        .groups = count,
    };
}

static void expect_pick(struct arena *a)
{
    const struct mxfs_code4_pick *in = &a->in.code4_pick;

    for (size_t i = 0; i < in->n; i++) {
        float v = in->values[nibble(in->codes, in->first + i, MXFS_NIBBLES_LOW_FIRST)];
        arena_expect(a, i, affine_bits(a, v, in->group_of[i]));
    }
}

/* Draws scales and biases with `bits` bits of mantissa, optionally with some infinities. */
static void draw_mantissas(struct arena *a, size_t count, int bits, bool infinite)
{
    struct entries *e = &a->entries;

    draw_entries(a, count, trained_scale, test_random() % 4);
    for (size_t i = 0; i < count; i++) {
        e->scales[i] = ldexpf((float)(test_random() >> (32 - bits)), -8 - bits);
        if (infinite && test_random() % 16 == 0)
            e->scales[i] = INFINITY;
        e->biases[i] = ldexpf((float)(test_random() >> (32 - bits)), -4 - bits);
    }
    e->affine.via = test_random() % MXFS_OUT_COUNT;
}

static void groups_by_column(struct arena *a)
{
    static const int mantissas[] = {8, 11, 24};
    static const size_t counts[] = {1, 2, 5, 31, 32, 33, 64, 65, 100, 256, 257, 512, 513};

    for (size_t g = 0; g < MXFS_COUNT(counts); g++)
        for (size_t n = 0; n < MAX_CODES; n = n < 70 ? n + 1 : n + 37) {
            draw_mantissas(a, counts[g], mantissas[n % MXFS_COUNT(mantissas)], n % 7 == 0);
            place_pick(a, n, counts[g], test_random() % 2, test_random() % PLACEMENTS);
            arena_check(a);
        }
}

static void known_pick(struct arena *a)
{
    a->entries.affine = (struct mxfs_affine){
        .scales = known_floats, .zeros = known_zeros, .group = 1, .via = MXFS_OUT_F16};
    a->in.code4_pick = (struct mxfs_code4_pick){
        known_codes, 1, 60, known_values, &a->entries.affine, known_group_of, 7};
    arena_check_known(a, known_code4_pick[a->out], 60);
}

static void draw_pick(struct arena *a, size_t size, unsigned argument)
{
    draw_entries(a, argument, trained_scale, 0);
    place_pick(a, size, argument, 0, AT_START);
}

const struct operation operation_code4_pick = {
    .checks = {groups_by_column},
    .known = known_pick,
    .expect = expect_pick,
    .draw = draw_pick,
    .rows = {{", 64 groups", 64}},
};

/* 8-bit codes. */

static void place_code8(struct arena *a, size_t n, enum mxfs_code8 meaning, enum placement p)
{
    arena_place(a, n, n, p);
    a->in.code8_run = (struct mxfs_code8_run){a->codes.data, n, meaning, &a->entries.affine};
}

static double code8_value(uint8_t code, enum mxfs_code8 meaning)
{
    return meaning == MXFS_CODE8_SIGNED   ? (int8_t)code
           : meaning == MXFS_CODE8_OFFSET ? code - 128
                                          : code;
}

static void expect_code8(struct arena *a)
{
    const struct mxfs_code8_run *in = &a->in.code8_run;

    for (size_t i = 0; i < in->n; i++)
        arena_expect(a, i, affine_bits(a, code8_value(in->codes[i], in->meaning), group_of(a, i)));
}

static void code8_in_groups(struct arena *a)
{
    for (unsigned i = 0; i < 3000; i++) {
        draw_any(a, groups[i % MXFS_COUNT(groups)]);
        place_code8(a, test_random() % (MAX_CODES - 1), test_random() % 3,
                    test_random() % PLACEMENTS);
        arena_check(a);
    }
}

static void code8_in_long_groups(struct arena *a)
{
    for (unsigned i = 0; i < 300; i++) {
        draw_any(a, long_groups[i % MXFS_COUNT(long_groups)]);
        place_code8(a, test_random() % MAX_LONG, test_random() % 3, test_random() % PLACEMENTS);
        arena_check(a);
    }
}

static void known_code8(struct arena *a)
{
    a->entries.affine =
        (struct mxfs_affine){known_floats, known_zeros, known_biases, 7, 3, MXFS_OUT_F16};
    a->in.code8_run =
        (struct mxfs_code8_run){known_codes, 32, MXFS_CODE8_OFFSET, &a->entries.affine};
    arena_check_known(a, known_code8_run[a->out], 32);
}

/* Argument of a row: ZEROS and BIASES, and codes in a group. */
#define CODE8(with, group) ((with) << 16 | (group))

static void draw_code8(struct arena *a, size_t size, unsigned argument)
{
    draw_entries(a, size, trained_scale, argument >> 16);
    a->entries.affine.group = argument & 0xffff;
    place_code8(a, size, MXFS_CODE8_UNSIGNED, AT_START);
}

const struct operation operation_code8_run = {
    .checks = {code8_in_groups, code8_in_long_groups},
    .known = known_code8,
    .expect = expect_code8,
    .draw = draw_code8,
    .rows = {{", groups of 128", CODE8(0, 128)},
             {", biases, groups of 64", CODE8(BIASES, 64)},
             {", groups of 1", CODE8(0, 1)}},
};
