/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Affine codes, for every kernel variant.
 */
#include "mxfs/kernel.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "mxfs/compiler.h"
#include "support/harness.h"
#include "support/oracle.h"
#include "support/suite.h"

enum { MAX_CODES = 300, MAX_LONG = 4100 };

/** Entries of a few groups, and a run of codes that begins anywhere. */
struct affine_case {
    float scales[MAX_CODES], zeros[MAX_CODES], biases[MAX_CODES], values[16];
    struct mxfs_affine affine;
    enum mxfs_nibbles nibbles;
    size_t first, n;
};

/* In doubles every difference and product of floats here is exact, and a sum rounds to the same
 * float; what is stored to a float has been rounded once. */
static uint32_t expect_affine(const struct mxfs_affine *a, double v, size_t i, enum mxfs_out out)
{
    size_t group = (a->skip + i) / a->group;
    float difference = (float)(v - (a->zeros ? a->zeros[group] : 0));
    float product = (float)((double)difference * a->scales[group]);
    double result = oracle_value(oracle_bits(product, a->via), a->via);
    if (a->biases) {
        float sum = (float)(result + a->biases[group]);
        result = oracle_value(oracle_bits(sum, a->via), a->via);
    }
    return oracle_bits(result, out);
}

static float random_scale(void)
{
    static const float special[] = {0.0f, -0.0f, INFINITY,  -INFINITY,
                                    NAN,  1.0f,  0x1p-149f, 0x1p127f};
    if (test_random() % 8 == 0)
        return special[test_random() % MXFS_COUNT(special)];
    return ldexpf((float)(int32_t)test_random(), (int)(test_random() % 40) - 50);
}

/* A number without much of a mantissa or exponent, as scales are: runs of such take short cuts. */
static float tame_scale(void)
{
    return test_random() % 8 ? ldexpf((float)(int)(test_random() % 512) - 256, -16) : 0.0f;
}

/* Groups of `group` codes of which `skip` are left out; zeros and biases by the bits of `with`. */
static void draw_affine(struct affine_case *c, size_t group, unsigned with, enum mxfs_out via)
{
    float (*scale)(void) = test_random() % 2 ? random_scale : tame_scale;
    for (size_t i = 0; i < MAX_CODES; i++) {
        c->scales[i] = scale();
        c->zeros[i] = (float)(int)(test_random() % 512) - 256;
        c->biases[i] = scale();
    }
    for (size_t i = 0; i < 16; i++)
        c->values[i] =
            test_random() % 2 ? (float)i - 8 : ldexpf((float)(int32_t)test_random(), -31);
    c->affine = (struct mxfs_affine){
        .scales = c->scales,
        .zeros = with & 1 ? c->zeros : NULL,
        .biases = with & 2 ? c->biases : NULL,
        .group = group,
        .skip = test_random() % group,
        .via = via,
        .octets = test_random() % 3,
    };
}

static void check_code4(struct arena *a, struct affine_case *c, enum mxfs_out out, enum placement p)
{
    bool paired = c->nibbles <= MXFS_NIBBLES_HIGH_FIRST;
    size_t octets = paired ? (c->first + c->n + 1) / 2 : c->n;
    arena_place(a, c->n * mxfs_out_size(out), octets, p);
    for (size_t i = 0; i < c->n; i++) {
        size_t at = c->first + i;
        uint8_t octet = a->codes.data[paired ? at / 2 : at];
        bool high = c->nibbles == MXFS_NIBBLES_HIGH ||
                    (paired && at % 2 == (c->nibbles == MXFS_NIBBLES_LOW_FIRST));
        float v = c->values[high ? octet >> 4 : octet & 15];
        /* values may be fractions; zeros only come with whole numbers */
        arena_expect(a, i, expect_affine(&c->affine, v, i, out), out);
    }
    a->kernel->code4_run[out](a->dst.data, a->codes.data, c->first, c->n, c->nibbles, c->values,
                              &c->affine);
    arena_check(a, c->n);
}

static double octet(const struct mxfs_affine *a, uint8_t octet)
{
    return a->octets == MXFS_OCTETS_SIGNED   ? (int8_t)octet
           : a->octets == MXFS_OCTETS_OFFSET ? octet - 128
                                             : octet;
}

static void check_code8(struct arena *a, struct affine_case *c, enum mxfs_out out, enum placement p)
{
    arena_place(a, c->n * mxfs_out_size(out), c->n, p);
    for (size_t i = 0; i < c->n; i++)
        arena_expect(a, i, expect_affine(&c->affine, octet(&c->affine, a->codes.data[i]), i, out),
                     out);
    a->kernel->code8_run[out](a->dst.data, a->codes.data, c->n, &c->affine);
    arena_check(a, c->n);
}

static void affine_codes(struct arena *a, enum mxfs_out out)
{
    static const size_t groups[] = {1, 2, 7, 16, 31, 32, 64, 100, 1000};
    struct affine_case *c = calloc(1, sizeof(*c));
    ck_assert_ptr_nonnull(c);
    for (unsigned i = 0; i < 3000; i++) {
        draw_affine(c, groups[i % MXFS_COUNT(groups)], test_random() % 4,
                    test_random() % MXFS_OUT_COUNT);
        c->nibbles = test_random() % 4;
        c->first = c->nibbles <= MXFS_NIBBLES_HIGH_FIRST ? test_random() % 2 : 0;
        c->n = test_random() % (MAX_CODES - 1);
        check_code4(a, c, out, test_random() % PLACEMENTS);
        check_code8(a, c, out, test_random() % PLACEMENTS);
    }
    free(c);
}

/* Groups long enough that tables pay. */
static void long_groups(struct arena *a, enum mxfs_out out)
{
    static const size_t groups[] = {1000, 1024, 1100, 2048, 100000};
    struct affine_case *c = calloc(1, sizeof(*c));
    ck_assert_ptr_nonnull(c);
    for (unsigned i = 0; i < 300; i++) {
        draw_affine(c, groups[i % MXFS_COUNT(groups)], test_random() % 4,
                    test_random() % MXFS_OUT_COUNT);
        c->nibbles = test_random() % 4;
        c->n = test_random() % MAX_LONG;
        check_code4(a, c, out, test_random() % PLACEMENTS);
        check_code8(a, c, out, test_random() % PLACEMENTS);
    }
    free(c);
}

static const struct kernel_test tests[] = {
    {"affine codes", affine_codes, false},
    {"long groups", long_groups, false},
};

int main(void)
{
    Suite *suite = suite_create("affine");
    harness_add(suite, tests, MXFS_COUNT(tests));
    return test_run(suite);
}
