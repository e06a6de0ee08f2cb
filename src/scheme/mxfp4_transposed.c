/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 stored [E, N, K/32, 16] and shown [E, K, N].
 *
 * One output row (fixed e and k, all n) needs one nibble from each of N stored rows. So a unit, the
 * whole matrix of an expert or, where that is too large, a strip of it (all n, some blocks of K),
 * is transposed once when it is loaded: 16 byte rows and one scale row for each block of K, each N
 * lanes wide. From then on every output row is a contiguous pass, two rows from the same bytes.
 *
 *   packed: row 16*g + j (g counts blocks in the strip): lane n holds k = 32*g + 2*j (low nibble)
 *           and k + 1 (high nibble)
 *           then row 16*strip + g: lane n holds the scale of block g of row n
 */
#include "mxfp4_transposed.h"

#include <errno.h>

#include "mxfs/bytes.h"

enum { CACHE_LINE = 64 };

/* The layout of a group. */
struct layout {
    uint64_t rows;  /* of a stored matrix: N */
    uint64_t cols;  /* elements of one: K */
    uint64_t strip; /* blocks of K in a unit */
};

static const struct layout *layout_of(const struct mxfs_group *group)
{
    return group->layout;
}

/*
 * Bytes from one packed row to the next. An odd number of cache lines: with a power of two, the
 * lines that one transposed tile writes would all fall in the same few cache sets.
 */
static uint64_t lane_stride(const struct layout *l)
{
    return mxfs_align_up(l->rows, CACHE_LINE) | CACHE_LINE;
}

static uint64_t blocks_of_row(const struct layout *l)
{
    return l->cols / MXFS_MX_BLOCK;
}

static uint64_t strips_of_matrix(const struct layout *l)
{
    return mxfs_ceil_div(blocks_of_row(l), l->strip);
}

/* The blocks of K in a unit: as many as fit in unit_max, at least one, spread evenly. */
static uint64_t choose_strip(const struct layout *l, uint64_t unit_max)
{
    uint64_t block = lane_stride(l) * (MXFS_MXFP4_BYTES + 1);
    uint64_t fit = mxfs_max_u64(unit_max / block, 1);
    uint64_t blocks = mxfs_max_u64(blocks_of_row(l), 1);
    return mxfs_ceil_div(blocks, mxfs_ceil_div(blocks, fit));
}

int mxfp4_transposed(struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *scales = c->of[SCHEME_SCALES];
    const uint64_t *dim = codes->shape; /* [E, N, K/32, 16] */
    uint64_t k;

    if (scales->rank != codes->rank - 1 || !scheme_same_dims(codes, scales, scales->rank))
        return scheme_refuse(c, scheme_no_fit);
    if (!mxfs_mul_u64(dim[2], MXFS_MX_BLOCK, &k))
        return scheme_refuse(c, scheme_too_large);
    int rc = scheme_set_shape(c, (uint64_t[]){dim[0], k, dim[1]}, 3);
    if (rc != 0)
        return rc;
    struct layout *l = scheme_layout(c, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->rows = dim[1];
    l->cols = k;
    l->strip = choose_strip(l, c->match->options->unit_max);
    return 0;
}

/* First block of K in the unit, and how many blocks. */
static void unit_blocks(const struct mxfs_unit *u, uint64_t *first, uint64_t *count)
{
    const struct layout *l = layout_of(u->group);
    *first = u->index % strips_of_matrix(l) * l->strip;
    *count = mxfs_min_u64(l->strip, blocks_of_row(l) - *first);
}

void mxfp4_unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit)
{
    const struct layout *l = layout_of(group);
    uint64_t matrix = element / (l->rows * l->cols);
    uint64_t k = element / l->rows % l->cols;
    uint64_t first, count;

    unit->group = group;
    unit->index = matrix * strips_of_matrix(l) + k / MXFS_MX_BLOCK / l->strip;
    unit_blocks(unit, &first, &count);
    unit->first = (matrix * l->cols + first * MXFS_MX_BLOCK) * l->rows;
    unit->count = count * MXFS_MX_BLOCK * l->rows;
    unit->bytes = count * (MXFS_MXFP4_BYTES + 1) * lane_stride(l);
}

void mxfp4_strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips)
{
    const struct layout *l = layout_of(unit->group);
    uint64_t matrix = unit->index / strips_of_matrix(l);
    uint64_t block_bytes = part == 0 ? MXFS_MXFP4_BYTES : 1;
    uint64_t first, count;

    unit_blocks(unit, &first, &count);
    strips->stride = blocks_of_row(l) * block_bytes;
    strips->offset = matrix * l->rows * strips->stride + first * block_bytes;
    strips->width = count * block_bytes;
    strips->rows = l->rows;
}

void mxfp4_pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                const struct mxfs_rows *rows, uint8_t *packed)
{
    uint64_t lanes = lane_stride(layout_of(unit->group)), first, count;

    unit_blocks(unit, &first, &count);
    uint8_t *base = rows->part == 0 ? packed : packed + count * MXFS_MXFP4_BYTES * lanes;
    uint64_t width = rows->part == 0 ? count * MXFS_MXFP4_BYTES : count;
    codec->kernel->transpose(
        base + rows->first,
        &(struct mxfs_transpose){rows->src, rows->stride, lanes, rows->count, width});
}

void mxfp4_unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                  const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst)
{
    const struct mxfs_group *group = unit->group;
    mxfs_mxfp4_lanes_fn *lanes_fn = codec->kernel->mxfp4_lanes[group->out];
    const struct layout *l = layout_of(group);
    uint64_t lanes = lane_stride(l), n = l->rows, block0, blocks;

    unit_blocks(unit, &block0, &blocks);
    const uint8_t *scales = packed + blocks * MXFS_MXFP4_BYTES * lanes;
    for (uint64_t at = first - unit->first; count > 0;) {
        uint64_t k = at / n, lane = at % n, run = mxfs_min_u64(n - lane, count);
        lanes_fn(dst, &(struct mxfs_mxfp4_lanes){
                          .tables = codec->tables,
                          .codes = packed + k / 2 * lanes + lane,
                          .scales = scales + k / MXFS_MX_BLOCK * lanes + lane,
                          .n = run,
                          .shift = k % 2 * 4,
                      });
        dst += run * mxfs_out_size(group->out);
        at += run;
        count -= run;
    }
}
