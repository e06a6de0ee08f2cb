/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * DeepSeek V4 FP8: X.weight F8_E4M3 or F8_E5M2 [.., N, K] with X.scale F8_E8M0 [.., N/bh, K/bw],
 * both rounded up: one power of two for a tile of bh x bw elements (128 x 128, 32 x 32, 1 x 32).
 * The output keeps the name. The last tiles of rows and columns may be ragged.
 *
 * Source: formula of deepseek-ai/DeepSeek-V3 inference/kernel.py weight_dequant_kernel (float32
 * product, one rounding), with the scale an exponent.
 */
#include <math.h>
#include <string.h>

#include "match.h"
#include "mxfs/bytes.h"

static const char no_tile_size[] = "no tile size fits its scales";

/*
 * How many elements of an axis share a scale, from dim and the number of scales: what the config
 * says if that fits; else the only power of two that fits (for a count of 1 every larger one gives
 * the same map); else the exact ratio; else 0.
 */
static uint64_t tile_extent(uint64_t dim, uint64_t count, uint64_t configured)
{
    if (count == 0 || dim == 0)
        return count == 0 && dim == 0 ? 1 : 0;
    if (configured > 0 && mxfs_ceil_div(dim, configured) == count)
        return configured;
    for (uint64_t size = 1;; size *= 2) {
        if (mxfs_ceil_div(dim, size) == count)
            return size;
        if (size >= dim || size > UINT64_MAX / 2)
            break;
    }
    return dim % count == 0 ? dim / count : 0;
}

static enum mxfs_verdict match_tiles(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if ((t->dtype != MXFS_F8_E4M3 && t->dtype != MXFS_F8_E5M2) ||
        !mxfs_tensor_has_suffix(t, ".weight", &stem_len))
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, stem_len, ".scale");
    if (!scales || scales->dtype != MXFS_F8_E8M0)
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scales);
    mxfs_match_name(group, t->name_len);
    if (t->rank < 2 || t->rank != scales->rank || !mxfs_match_same_dims(t, scales, t->rank - 2))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    if (!mxfs_match_shape(group, t->shape, t->rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    group->format = t->dtype == MXFS_F8_E4M3 ? MXFS_FP8_E4M3 : MXFS_FP8_E5M2;
    group->tile = 1;
    group->rows = t->shape[t->rank - 2];
    group->cols = t->shape[t->rank - 1];
    group->block_rows =
        tile_extent(group->rows, scales->shape[t->rank - 2], match->config->block[0]);
    group->block_cols =
        tile_extent(group->cols, scales->shape[t->rank - 1], match->config->block[1]);
    if (group->block_rows == 0 || group->block_cols == 0)
        return mxfs_match_refuse(match, NULL, no_tile_size);
    return MXFS_MATCH;
}

static uint64_t scales_of_row(const struct mxfs_group *g)
{
    return mxfs_ceil_div(g->cols, g->block_cols);
}

/* The row of the scale table that an element's scale stands in, counted over all matrices. */
static uint64_t scale_row(const struct mxfs_group *g, uint64_t element)
{
    uint64_t row = element / g->cols;
    uint64_t of_matrix = mxfs_ceil_div(g->rows, g->block_rows);
    return row / g->rows * of_matrix + row % g->rows / g->block_rows;
}

static void spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span out[MXFS_PARTS_MAX])
{
    uint64_t row = scale_row(group, first), width = scales_of_row(group);
    uint64_t rows = scale_row(group, first + count - 1) - row + 1;
    out[0] = (struct mxfs_span){first, count};
    out[1] = (struct mxfs_span){row * width, rows * width};
}

/* 2^(e8m0 - 127), assembled from bits: 0 is the subnormal 2^-127, 255 is NaN. */
static float e8m0_value(uint8_t e8m0)
{
    uint32_t bits = e8m0 == 0 ? 0x00400000u : (uint32_t)e8m0 << 23;
    float value;

    memcpy(&value, &bits, sizeof(value));
    return e8m0 == 255 ? NAN : value;
}

static void decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                   uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst)
{
    uint64_t row0 = scale_row(group, first), width = scales_of_row(group);
    const uint8_t *codes = src[0];

    while (count > 0) {
        uint64_t column = first % group->cols;
        uint64_t in_tile = group->block_cols - column % group->block_cols;
        uint64_t run = mxfs_min_u64(mxfs_min_u64(in_tile, group->cols - column), count);
        uint8_t scale =
            src[1][(scale_row(group, first) - row0) * width + column / group->block_cols];
        codec->kernel->fp8_run[group->out](codec->tables, dst, codes, run, group->format,
                                           e8m0_value(scale));
        codes += run;
        dst += run * mxfs_out_size(group->out);
        first += run;
        count -= run;
    }
}

const struct mxfs_scheme mxfs_scheme_fp8_tiles = {
    .name = "fp8-e8m0",
    .summary = "DeepSeek V4: X.weight F8 + X.scale F8_E8M0 tiles -> X.weight",
    .match = match_tiles,
    .spans = spans,
    .decode = decode,
};
