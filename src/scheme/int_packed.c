/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * compressed-tensors `pack-quantized`: X.weight_packed I32 [.., N, words], X.weight_scale [.., N,
 * groups] and X.weight_shape (the numbers [.., N, K]) become X.weight [.., N, K]. Optional are
 * X.weight_zero_point, packed along the rows [.., words, groups] or I8 like the scales, and
 * X.weight_g_idx I32 [K], the group of each column (-1 anywhere: not used).
 *
 * Codes of b bits hold q + 2^(b-1). They have no gaps, the first in the lowest bits; older versions
 * put 32 / b of them into each word and leave the other bits unused. The width of a row tells the
 * two apart, and b too, if the config does not. Products are rounded to the type of the
 * scales. Kimi K2 has this format: 4 bits, groups of 32, BF16 scales.
 *
 * Source: compressed-tensors compressors/pack_quantized (0.20 and 0.9),
 * quantization/lifecycle/forward_helpers.py.
 */
#include <errno.h>
#include <string.h>

#include "integers.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum {
    INTEGERS = SCHEME_BIT(I64) | SCHEME_BIT(I32),
    ZEROS = SCHEME_BIT(I32) | SCHEME_BIT(I8),
};

static const struct scheme_form forms[] = {
    {.output = "weight",
     .part = {{SCHEME_CODES, "weight_packed", SCHEME_BIT(I32), 0},
              {SCHEME_SCALES, "weight_scale", SCHEME_LINEAR, SCHEME_NEEDED},
              {SCHEME_SHAPE, "weight_shape", INTEGERS, SCHEME_NEEDED | SCHEME_AMBIGUOUS},
              {SCHEME_ZEROS, "weight_zero_point", ZEROS, SCHEME_ASYMMETRIC},
              {SCHEME_G_IDX, "weight_g_idx", SCHEME_BIT(I32), 0}}},
    {0},
};

/* Most weight_shapes to read although the config tells them: models without experts have fewer. */
enum { LOOKS_MAX = 512 };

/* Words that hold `n` codes; per_word 0: no gaps. */
static uint64_t words_of(uint64_t n, unsigned bits, unsigned per_word)
{
    if (per_word)
        return mxfs_ceil_div(n, per_word);
    return n / 32 * bits + mxfs_ceil_div(n % 32 * bits, 32);
}

static bool config_has(const struct mxfs_quant_config *config, unsigned bits)
{
    return config->int_bits == 0 || (config->int_bits >> bits & 1);
}

/* Whether both packings put every one of `n` codes in the same place. */
static bool packings_agree(uint64_t n, unsigned bits)
{
    return 32 % bits == 0 || n <= 32 / bits;
}

/* How codes lie in words. */
struct packing {
    unsigned bits, per_word;
};

/*
 * How many packings of `cols` codes have rows of `words` words, with bits that the config allows;
 * *found is one of them. `usual`: only 1, 2, 4 and 8 bits.
 */
static unsigned find_packings(const struct mxfs_quant_config *config, uint64_t cols, uint64_t words,
                              bool usual, struct packing *found)
{
    unsigned count = 0;
    for (unsigned bits = 1; bits <= 8; bits++) {
        if (!config_has(config, bits) || (usual && 32 % bits != 0))
            continue;
        bool dense = words_of(cols, bits, 0) == words;
        bool gaps = !packings_agree(cols, bits) && words_of(cols, bits, 32 / bits) == words;
        count += dense + gaps;
        if (dense || gaps)
            *found = (struct packing){bits, dense ? 0 : 32 / bits};
    }
    return count;
}

/*
 * Columns of rows of `words` words, if scales and words agree about them for exactly one group size
 * of the config; else 0.
 */
static uint64_t find_columns(const struct mxfs_quant_config *config, uint64_t words,
                             uint64_t groups)
{
    uint64_t found = 0, columns;

    if (config->width_count > MXFS_WIDTHS_MAX)
        return 0;
    for (uint32_t i = 0; i < config->width_count; i++) {
        struct mxfs_quant_width w = config->widths[i];
        if (w.bits < 1 || w.bits > 8 || !config_has(config, w.bits) ||
            !mxfs_mul_u64(groups, w.group, &columns) || columns > UINT64_MAX / 32 ||
            columns % 32 != 0 || columns / 32 * w.bits != words || columns == found)
            continue;
        if (found > 0)
            return 0;
        found = columns;
    }
    return found;
}

/* Reads X.weight_shape, of which all dimensions but the last are known. */
static int read_shape(struct scheme_case *c, uint64_t shape[MXFS_RANK_MAX])
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *t = c->of[SCHEME_SHAPE];
    uint8_t bytes[8 * MXFS_RANK_MAX];
    unsigned size = t->dtype == MXFS_I64 ? 8 : 4;
    int rc = scheme_read(c, t, bytes, t->size, 0);

    for (uint32_t i = 0; i < codes->rank && rc == 0; i++) {
        shape[i] = size == 8 ? mxfs_load_le64(bytes + 8 * i) : mxfs_load_le32(bytes + 4 * i);
        if (i + 1 < codes->rank && shape[i] != codes->shape[i])
            rc = scheme_refuse(c, scheme_no_fit);
    }
    return rc;
}

/*
 * Whether to read an X.weight_shape that can only confirm or contradict what is known. Those of I64
 * lie next to each other after the header, where the safetensors library puts them. Those of I32
 * may be spread over the files, and a model has tens of thousands: from a cold disk, reading them
 * takes seconds.
 */
static bool is_cheap(struct scheme_case *c)
{
    return c->of[SCHEME_SHAPE]->dtype == MXFS_I64 || c->match->spared++ < LOOKS_MAX;
}

/* Finds the dimensions of the output. */
static int find_shape(struct scheme_case *c, uint64_t shape[MXFS_RANK_MAX])
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *t = c->of[SCHEME_SHAPE];
    uint64_t words = scheme_last_dim(codes), groups = scheme_last_dim(c->of[SCHEME_SCALES]);

    if (codes->rank < 2 || codes->rank > MXFS_RANK_MAX || t->rank != 1 ||
        t->shape[0] != codes->rank)
        return scheme_refuse(c, scheme_no_fit);
    uint64_t columns = find_columns(c->match->config, words, groups);
    memcpy(shape, codes->shape, codes->rank * sizeof(*shape));
    shape[codes->rank - 1] = columns;
    if (columns > 0 && !is_cheap(c))
        return 0;
    int rc = read_shape(c, shape);
    if (rc == 0 && columns > 0 && shape[codes->rank - 1] != columns)
        return scheme_refuse(c, "its weight_shape contradicts config.json and its scales");
    return rc;
}

/* Fits scales [.., N, groups], or a single one. */
static int fit_scales(struct scheme_case *c, struct scheme_int *layout)
{
    const struct mxfs_tensor *scales = c->of[SCHEME_SCALES];
    const struct mxfs_group *g = c->group;

    if (scheme_is_single(scales) &&
        (scales->rank < 2 || g->shape[g->rank - 2] != 1 || scales->rank != g->rank)) {
        layout->one_scale = true;
        return scheme_int_spread(c, layout, 1);
    }
    uint64_t groups = scheme_last_dim(scales);
    if (scales->rank != g->rank ||
        memcmp(scales->shape, g->shape, (g->rank - 1) * sizeof(*g->shape)) != 0 ||
        groups > mxfs_max_u64(g->shape[g->rank - 1], 1))
        return scheme_refuse(c, scheme_no_fit);
    return scheme_int_spread(c, layout, groups);
}

/* Zeros of I32 are packed [.., words, groups]. */
static int fit_packed_zeros(struct scheme_case *c, struct scheme_int *layout)
{
    const struct mxfs_tensor *scales = c->of[SCHEME_SCALES], *zeros = c->of[SCHEME_ZEROS];
    uint32_t rank = c->group->rank;

    if (!zeros || zeros->dtype != MXFS_I32)
        return 0;
    layout->zeros_packed = true;
    layout->zero_rows = words_of(layout->rows, layout->bits, layout->per_word);
    if (layout->one_scale || zeros->rank != rank || !scheme_same_dims(zeros, scales, rank - 2) ||
        zeros->shape[rank - 2] != layout->zero_rows || scheme_last_dim(zeros) != layout->groups)
        return scheme_refuse(c, scheme_no_fit);
    return 0;
}

/* Chooses the packing of the codes; the shape of the output is set. */
static int choose_packing(struct scheme_case *c, struct packing *packing)
{
    const struct mxfs_quant_config *config = c->match->config;
    uint64_t cols = c->group->shape[c->group->rank - 1];
    uint64_t words = scheme_last_dim(c->of[SCHEME_CODES]);
    unsigned found = find_packings(config, cols, words, false, packing);

    if (found > 1 && config->int_bits == 0)
        found = find_packings(config, cols, words, true, packing);
    if (found == 1)
        return 0;
    return scheme_refuse(c, found == 0 ? scheme_no_fit : scheme_int_uncertain);
}

static int fit_layout(struct scheme_case *c, const struct packing *packing)
{
    struct scheme_int *layout = scheme_int_new(c, packing->bits, MXFS_CODE8_OFFSET);

    if (!layout)
        return -ENOMEM;
    layout->per_word = packing->per_word & 0xff;
    int rc = fit_scales(c, layout);
    if (rc == 0)
        rc = fit_packed_zeros(c, layout);
    return rc == 0 ? scheme_int_finish(c, layout) : rc;
}

static int fit(struct scheme_case *c)
{
    struct packing packing;
    uint64_t shape[MXFS_RANK_MAX];
    int rc = find_shape(c, shape);

    if (rc == 0)
        rc = scheme_set_shape(c, shape, c->of[SCHEME_CODES]->rank);
    if (rc == 0)
        rc = choose_packing(c, &packing);
    return rc == 0 ? fit_layout(c, &packing) : rc;
}

const struct mxfs_scheme scheme_int_packed = {
    .name = "int-packed",
    .writers = "compressed-tensors pack-quantized, Kimi K2",
    .methods = "compressed-tensors,auto-round",
    .forms = forms,
    .refuses_transforms = true,
    .fit = fit,
    .spans = scheme_int_spans,
    .decode = scheme_int_decode,
};
