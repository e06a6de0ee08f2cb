/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * compressed-tensors `pack-quantized`: X.weight_packed I32 [.., N, words], X.weight_scale [.., N,
 * groups] and X.weight_shape (the numbers [.., N, K]) become X.weight [.., N, K]. Perhaps with
 * X.weight_zero_point, packed along the rows [.., words, groups] or I8 like the scales, and with
 * X.weight_g_idx I32 [K], the group of each column (-1 anywhere: not used).
 *
 * Codes of b bits hold q + 2^(b-1). They lie without gaps, the first in the lowest bits; older
 * versions put 32 / b of them into each word and leave the rest of its bits. The width of a row
 * tells the two apart, and b, if the config does not. Products are rounded to the type of the
 * scales. Kimi K2 is of this format: 4 bits, groups of 32, BF16 scales.
 *
 * Source: compressed-tensors compressors/pack_quantized (0.20 and 0.9),
 * quantization/lifecycle/forward_helpers.py.
 */
#include <stdlib.h>
#include <string.h>

#include "integers.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, SCALES, SHAPE };

/* So many of a model are looked at wherever they lie: of models that are not made of experts, all.
 */
enum { LOOKS_MAX = 512 };

/* Words of `n` codes; per_word 0: without gaps. */
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

/* A packing that gives rows of the width in question. */
struct packing {
    unsigned bits, per_word;
};

/*
 * How many packings of `cols` codes have rows of `words` words, by the bits that the config
 * mentions; *found is one of them. Without a config, the usual numbers of bits come first.
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
 * Columns of rows of `words` words, if the config mentions one group size by which the scales and
 * the words agree about them; else 0.
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

/* The dimensions in X.weight_shape. */
static const char *read_shape(struct mxfs_match *match, const struct mxfs_group *group,
                              uint64_t shape[MXFS_RANK_MAX])
{
    const struct mxfs_tensor *codes = group->part[CODES], *t = group->part[SHAPE];
    uint8_t bytes[8 * MXFS_RANK_MAX];
    unsigned size = t->dtype == MXFS_I64 ? 8 : 4;

    if ((*match->read)(match->reader, t, bytes, t->size, 0) != 0)
        return mxfs_reason_unreadable;
    for (uint32_t i = 0; i < codes->rank; i++) {
        shape[i] = size == 8 ? mxfs_load_le64(bytes + 8 * i) : mxfs_load_le32(bytes + 4 * i);
        if (i + 1 < codes->rank && shape[i] != codes->shape[i])
            return mxfs_reason_shape;
    }
    return NULL;
}

/*
 * Whether to read an X.weight_shape that can only say what is known or contradict it. Those of I64
 * stand side by side behind the header, where the safetensors library puts them. Those of I32 may
 * be all over the files, and a model has tens of thousands: from a cold disk that takes seconds.
 */
static bool is_cheap(struct mxfs_match *match, const struct mxfs_tensor *t)
{
    return t->dtype == MXFS_I64 || match->looks++ < LOOKS_MAX;
}

/* The dimensions of the output. */
static const char *find_shape(struct mxfs_match *match, const struct mxfs_group *group,
                              uint64_t shape[MXFS_RANK_MAX])
{
    const struct mxfs_tensor *codes = group->part[CODES], *t = group->part[SHAPE];
    uint64_t words = mxfs_match_last_dim(codes), groups = mxfs_match_last_dim(group->part[SCALES]);

    if (codes->rank < 2 || codes->rank > MXFS_RANK_MAX || t->rank != 1 ||
        t->shape[0] != codes->rank || (t->dtype != MXFS_I64 && t->dtype != MXFS_I32))
        return mxfs_reason_shape;
    uint64_t columns = find_columns(match->config, words, groups);
    memcpy(shape, codes->shape, codes->rank * sizeof(*shape));
    shape[codes->rank - 1] = columns;
    if (columns > 0 && !is_cheap(match, t))
        return NULL;
    const char *reason = read_shape(match, group, shape);
    if (!reason && columns > 0 && shape[codes->rank - 1] != columns)
        reason = "its weight_shape contradicts config.json and its scales";
    return reason;
}

/* Scales [.., N, groups], or of one element. */
static const char *fit_scales(struct mxfs_group *group, struct mxfs_int *layout)
{
    const struct mxfs_tensor *scales = group->part[SCALES];
    uint64_t elements = scales->size / mxfs_scale_size(scales->dtype);

    layout->groups = 1;
    if (elements == 1 && (scales->rank < 2 || group->rows != 1 || scales->rank != group->rank)) {
        layout->one_scale = true;
        group->block_cols = mxfs_max_u64(group->cols, 1);
        return NULL;
    }
    if (scales->rank != group->rank ||
        memcmp(scales->shape, group->shape, (group->rank - 1) * sizeof(*group->shape)) != 0)
        return mxfs_reason_shape;
    layout->groups = mxfs_match_last_dim(scales);
    if (layout->groups == 0 || layout->groups > mxfs_max_u64(group->cols, 1))
        return mxfs_reason_shape;
    if (group->cols % layout->groups != 0)
        return "its columns are no multiple of its groups";
    group->block_cols = mxfs_max_u64(group->cols / layout->groups, 1);
    return NULL;
}

/* Zeros like the scales, or packed [.., words, groups]. */
static const char *fit_zeros(struct mxfs_group *group, struct mxfs_int *layout,
                             const struct mxfs_tensor *zeros)
{
    const struct mxfs_tensor *scales = group->part[SCALES];

    layout->zeros = group->parts;
    mxfs_match_add_part(group, zeros);
    if (zeros->dtype == MXFS_I8)
        return zeros->rank == scales->rank && mxfs_match_same_dims(zeros, scales, scales->rank)
                   ? NULL
                   : mxfs_reason_shape;
    layout->zeros_packed = true;
    layout->zero_rows = words_of(group->rows, layout->bits, layout->per_word);
    if (zeros->dtype != MXFS_I32 || layout->one_scale || zeros->rank != group->rank ||
        !mxfs_match_same_dims(zeros, scales, group->rank - 2u) ||
        zeros->shape[group->rank - 2] != layout->zero_rows ||
        mxfs_match_last_dim(zeros) != layout->groups)
        return mxfs_reason_shape;
    return NULL;
}

static const char *fit(struct mxfs_match *match, size_t index, size_t stem_len,
                       struct mxfs_group *group)
{
    const struct mxfs_tensor *codes = group->part[CODES];
    struct packing packing;
    uint64_t shape[MXFS_RANK_MAX];
    const char *reason = find_shape(match, group, shape);

    if (reason)
        return reason;
    if (!mxfs_match_shape(group, shape, codes->rank))
        return mxfs_reason_rank;
    group->rows = shape[codes->rank - 2];
    group->cols = shape[codes->rank - 1];
    unsigned found =
        find_packings(match->config, group->cols, mxfs_match_last_dim(codes), false, &packing);
    if (found > 1 && match->config->int_bits == 0)
        found =
            find_packings(match->config, group->cols, mxfs_match_last_dim(codes), true, &packing);
    if (found == 0)
        return mxfs_reason_shape;
    if (found > 1)
        return mxfs_reason_bits;
    struct mxfs_int *layout = mxfs_int_new(packing.bits, 0);
    if (!layout)
        return mxfs_reason_memory;
    group->constants = layout;
    layout->per_word = (uint8_t)packing.per_word;
    layout->row_bytes = mxfs_match_last_dim(codes) * 4;
    reason = fit_scales(group, layout);
    const struct mxfs_tensor *zeros = mxfs_match_companion(match, index, stem_len, "_zero_point");
    const struct mxfs_tensor *g_idx = mxfs_match_companion(match, index, stem_len, "_g_idx");
    if (!reason && zeros)
        reason = fit_zeros(group, layout, zeros);
    if (!reason && g_idx) {
        mxfs_match_add_part(group, g_idx);
        reason = mxfs_int_read_groups(match, group, &layout, g_idx, true);
        group->constants = layout;
    }
    return reason;
}

static enum mxfs_verdict match_packed(struct mxfs_match *match, size_t index,
                                      struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (t->dtype != MXFS_I32 || !mxfs_tensor_has_suffix(t, "_packed", &stem_len) || stem_len < 6 ||
        memcmp(t->name + stem_len - 6, "weight", 6) != 0)
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, stem_len, "_scale");
    const struct mxfs_tensor *shape = mxfs_match_companion(match, index, stem_len, "_shape");
    mxfs_match_add_part(group, t);
    if (mxfs_match_companion(match, index, stem_len - 7, ".meta") ||
        mxfs_match_companion(match, index, stem_len - 7, ".weight_meta"))
        return mxfs_match_refuse(match, "sparse-24", "half of its weights are left out");
    if (!scales)
        return mxfs_match_refuse_half(match, NULL, mxfs_reason_no_scales);
    mxfs_match_add_part(group, scales);
    if (!shape)
        return mxfs_match_refuse_half(match, NULL, "its weight_shape is missing");
    mxfs_match_add_part(group, shape);
    if (match->config->asymmetric && !mxfs_match_companion(match, index, stem_len, "_zero_point"))
        return mxfs_match_refuse_half(match, NULL, mxfs_reason_no_zeros);
    mxfs_match_name(group, stem_len);
    if (match->config->transforms)
        return mxfs_match_refuse(match, NULL, mxfs_reason_transforms);
    if (!mxfs_scale_is_linear(scales->dtype))
        return mxfs_match_refuse(match, NULL, "unknown type of its scales");
    if (mxfs_match_companion(match, index, stem_len, "_global_scale"))
        return mxfs_match_refuse(match, NULL, "it has a global scale");
    const char *reason = fit(match, index, stem_len, group);
    if (reason)
        return mxfs_match_refuse(match, NULL, reason);
    group->tile = 1;
    group->via = mxfs_int_via(scales);
    return MXFS_MATCH;
}

const struct mxfs_scheme mxfs_scheme_int_packed = {
    .name = "int-packed",
    .summary = "compressed-tensors: X.weight_packed I32 + X.weight_scale -> X.weight [.., K]",
    .match = match_packed,
    .spans = mxfs_int_spans,
    .decode = mxfs_int_decode,
};
