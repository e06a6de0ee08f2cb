/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Which elements share a scale, from the shapes of an FP8 weight W and of its scales:
 *
 *   any W           one scale           per tensor
 *   [A, ..]         [A] or [A, 1, ..]   per index of the first axis: rows of a matrix, experts
 *   [.., N, K]      [.., a, c]          blocks: 128 x 128, 32 x 32, 1 x 32, per row, per column, ..
 *   [.., N, K]      [.., a, 1, c, 1]    the same as ModelOpt writes it
 *   [E, N, K]       [E, N] or [E, K]    rows or columns of each expert; refused when N = K
 *
 * Sources: ModelOpt modelopt/torch/export/quant_utils.py; compressed-tensors
 * quantization/lifecycle/initialize.py; deepseek-ai/DeepSeek-V3 inference/kernel.py; transformers
 * integrations/finegrained_fp8.py.
 */
#include "fp8.h"

#include <string.h>

#include "mxfs/bytes.h"

static const char no_block[] = "no block size fits its scales";
static const char two_axes[] = "nothing tells which axis its scales belong to";

/* The dimensions of the scales, without those that are 1 between the axes. */
struct dims {
    uint64_t dim[MXFS_RANK_MAX];
    uint32_t rank;
};

uint64_t mxfs_block_extent(uint64_t dim, uint64_t count, uint64_t configured)
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

/* [.., a, 1, c, 1] beside [.., N, K] loses its ones. */
static bool squeeze(const struct mxfs_tensor *weight, const struct mxfs_tensor *scales,
                    struct dims *d)
{
    uint32_t n = scales->rank;
    bool apart = weight->rank >= 2 && n == weight->rank + 2 && scales->shape[n - 1] == 1 &&
                 scales->shape[n - 3] == 1;

    d->rank = apart ? n - 2 : n;
    if (d->rank > MXFS_RANK_MAX)
        return false;
    if (d->rank > 0)
        memcpy(d->dim, scales->shape, d->rank * sizeof(*d->dim));
    if (apart)
        d->dim[d->rank - 1] = scales->shape[n - 2];
    return true;
}

static void set(struct mxfs_group *g, uint64_t rows, uint64_t cols, uint64_t block_rows,
                uint64_t block_cols)
{
    g->rows = rows;
    g->cols = cols;
    g->block_rows = mxfs_max_u64(block_rows, 1);
    g->block_cols = mxfs_max_u64(block_cols, 1);
}

/* One scale for each index of the first axis. */
static bool spread_first_axis(struct mxfs_group *g, const struct dims *d)
{
    if (g->rank == 0 || d->rank == 0 || d->dim[0] != g->shape[0])
        return false;
    for (uint32_t i = 1; i < d->rank; i++) {
        if (d->dim[i] != 1)
            return false;
    }
    uint64_t rest = g->shape[0] ? g->elements / g->shape[0] : 0;
    set(g, g->shape[0], rest, 1, rest);
    return true;
}

static bool spread_blocks(const struct mxfs_match *match, struct mxfs_group *g,
                          const struct dims *d)
{
    uint32_t n = g->rank;
    uint64_t rows = g->shape[n - 2], cols = g->shape[n - 1];
    uint64_t block_rows = mxfs_block_extent(rows, d->dim[n - 2], match->config->block[0]);
    uint64_t block_cols = mxfs_block_extent(cols, d->dim[n - 1], match->config->block[1]);

    set(g, rows, cols, block_rows, block_cols);
    return block_rows > 0 && block_cols > 0;
}

static enum mxfs_verdict spread_experts(struct mxfs_match *match, struct mxfs_group *g,
                                        const struct dims *d)
{
    bool rows = d->dim[1] == g->shape[1], cols = d->dim[1] == g->shape[2];

    if (rows && cols)
        return mxfs_match_refuse(match, NULL, two_axes);
    if (!rows && !cols)
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    set(g, g->shape[1], g->shape[2], rows ? 1 : g->shape[1], rows ? g->shape[2] : 1);
    return MXFS_MATCH;
}

enum mxfs_verdict mxfs_fp8_spread(struct mxfs_match *match, struct mxfs_group *group)
{
    const struct mxfs_tensor *scales = group->part[MXFS_FP8_SCALES];
    uint32_t n = group->rank;
    struct dims d;

    if (!squeeze(group->part[MXFS_FP8_CODES], scales, &d))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    if (scales->size * 8 == mxfs_dtype_bits(scales->dtype)) {
        set(group, 1, group->elements, 1, group->elements);
        return MXFS_MATCH;
    }
    if (spread_first_axis(group, &d))
        return MXFS_MATCH;
    if (n == 3 && d.rank == 2 && d.dim[0] == group->shape[0])
        return spread_experts(match, group, &d);
    if (n < 2 || d.rank != n || (n > 2 && memcmp(d.dim, group->shape, (n - 2) * sizeof(*d.dim))))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    return spread_blocks(match, group, &d) ? MXFS_MATCH : mxfs_match_refuse(match, NULL, no_block);
}
