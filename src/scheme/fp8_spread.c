/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The elements that share a scale, by the shapes of an FP8 weight W and of its scales:
 *
 *   any W           one scale           per tensor
 *   [A, ..]         [A] or [A, 1, ..]   per index of the first axis: rows of a matrix, experts
 *   [.., N, K]      [.., a, c]          blocks: 128 x 128, 32 x 32, 1 x 32, per row, per column, ..
 *   [.., N, K]      [.., a, 1, c, 1]    the same, as ModelOpt writes it
 *   [E, N, K]       [E, N] or [E, K]    rows or columns of each expert; refused when N = K
 *
 * Sources: ModelOpt modelopt/torch/export/quant_utils.py; compressed-tensors
 * quantization/lifecycle/initialize.py; deepseek-ai/DeepSeek-V3 inference/kernel.py; transformers
 * integrations/finegrained_fp8.py.
 */
#include "fp8.h"

#include <string.h>

#include "mxfs/bytes.h"
#include "scales.h"

static const char no_block[] = "no block size fits its scales";
static const char two_axes[] = "the axis that its scales belong to cannot be told";

/* The dimensions of the scales, without the ones between the axes. */
struct dims {
    uint64_t dim[MXFS_RANK_MAX];
    uint32_t rank;
};

/*
 * How many elements of an axis share a scale, given its length and the number of scales: the
 * configured number if that fits; else the only power of two that fits (with one scale, all larger
 * ones are equivalent); else the exact ratio; else 0.
 */
static uint64_t block_extent(uint64_t dim, uint64_t count, uint64_t configured)
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

/* Makes [.., a, 1, c, 1] for [.., N, K] lose its ones. */
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

static void set(struct scheme_fp8_layout *l, uint64_t rows, uint64_t cols, uint64_t block_rows,
                uint64_t block_cols)
{
    l->rows = rows;
    l->cols = cols;
    l->block_rows = mxfs_max_u64(block_rows, 1);
    l->block_cols = mxfs_max_u64(block_cols, 1);
}

/* One scale for each index of the first axis. */
static bool spread_first_axis(const struct mxfs_group *g, const struct dims *d,
                              struct scheme_fp8_layout *l)
{
    if (g->rank == 0 || d->rank == 0 || d->dim[0] != g->shape[0])
        return false;
    for (uint32_t i = 1; i < d->rank; i++) {
        if (d->dim[i] != 1)
            return false;
    }
    uint64_t rest = g->shape[0] ? g->elements / g->shape[0] : 0;
    set(l, g->shape[0], rest, 1, rest);
    return true;
}

static int spread_blocks(struct scheme_case *c, const struct dims *d, struct scheme_fp8_layout *l)
{
    const struct mxfs_group *g = c->group;
    const uint64_t *block = c->match->config->block;
    uint64_t rows = g->shape[g->rank - 2], cols = g->shape[g->rank - 1];
    uint64_t block_rows = block_extent(rows, d->dim[g->rank - 2], block[0]);
    uint64_t block_cols = block_extent(cols, d->dim[g->rank - 1], block[1]);

    if (block_rows == 0 || block_cols == 0)
        return scheme_refuse(c, no_block);
    set(l, rows, cols, block_rows, block_cols);
    return 0;
}

static int spread_experts(struct scheme_case *c, const struct dims *d, struct scheme_fp8_layout *l)
{
    const uint64_t *shape = c->group->shape;
    bool rows = d->dim[1] == shape[1], cols = d->dim[1] == shape[2];

    if (rows && cols)
        return scheme_refuse(c, two_axes);
    if (!rows && !cols)
        return scheme_refuse(c, scheme_no_fit);
    set(l, shape[1], shape[2], rows ? 1 : shape[1], rows ? shape[2] : 1);
    return 0;
}

int scheme_fp8_spread(struct scheme_case *c, struct scheme_fp8_layout *l)
{
    const struct mxfs_tensor *scales = c->of[SCHEME_SCALES];
    const struct mxfs_group *g = c->group;
    uint32_t n = g->rank;
    struct dims d;

    if (!squeeze(c->of[SCHEME_CODES], scales, &d))
        return scheme_refuse(c, scheme_no_fit);
    if (scheme_is_single(scales)) {
        set(l, 1, g->elements, 1, g->elements);
        return 0;
    }
    if (spread_first_axis(g, &d, l))
        return 0;
    if (n == 3 && d.rank == 2 && d.dim[0] == g->shape[0])
        return spread_experts(c, &d, l);
    if (n < 2 || d.rank != n || (n > 2 && memcmp(d.dim, g->shape, (n - 2) * sizeof(*d.dim))))
        return scheme_refuse(c, scheme_no_fit);
    return spread_blocks(c, &d, l);
}
