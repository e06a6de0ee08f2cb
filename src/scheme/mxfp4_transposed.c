/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 stored [E, N, K/32, 16] and shown [E, K, N].
 *
 * One output row (fixed e and k, all n) needs one nibble from each of N stored rows. So a unit, the
 * whole matrix of an expert or, where that is too large, a strip of it (all n, some blocks of K),
 * is turned over once when it is loaded: 16 byte rows and one scale row for each block of K, each N
 * lanes wide. From then on every output row is a contiguous pass, two rows from the same bytes.
 *
 *   packed: row 16*g + j (g counts blocks in the strip): lane n holds k = 32*g + 2*j (low nibble)
 *           and k + 1 (high nibble)
 *           then row 16*strip + g: lane n holds the scale of block g of row n
 */
#include "mxfp4.h"

#include "mxfs/bytes.h"

enum { CACHE_LINE = 64 };

/*
 * Bytes from one packed row to the next. An odd number of cache lines: with a power of two, the
 * lines that one transposed tile writes would all fall in the same few cache sets.
 */
static uint64_t lane_stride(const struct mxfs_group *g)
{
    return mxfs_align_up(g->rows, CACHE_LINE) | CACHE_LINE;
}

static uint64_t blocks_of_row(const struct mxfs_group *g)
{
    return g->cols / MXFS_MX_BLOCK;
}

static uint64_t strips_of_matrix(const struct mxfs_group *g)
{
    return mxfs_ceil_div(blocks_of_row(g), g->strip);
}

/* The blocks of K in a unit: as many as fit in unit_max, at least one, spread evenly. */
static uint64_t choose_strip(const struct mxfs_group *g, uint64_t unit_max)
{
    uint64_t block = lane_stride(g) * (MXFS_MXFP4_BYTES + 1);
    uint64_t fit = mxfs_max_u64(unit_max / block, 1);
    uint64_t blocks = mxfs_max_u64(blocks_of_row(g), 1);
    return mxfs_ceil_div(blocks, mxfs_ceil_div(blocks, fit));
}

enum mxfs_verdict mxfs_mxfp4_transposed(struct mxfs_match *match, struct mxfs_group *group)
{
    const uint64_t *dim = group->part[0]->shape; /* [E, N, K/32, 16] */
    uint64_t k;

    if (!mxfs_mul_u64(dim[2], MXFS_MX_BLOCK, &k) ||
        !mxfs_match_shape(group, (uint64_t[]){dim[0], k, dim[1]}, 3))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    group->rows = dim[1];
    group->cols = k;
    group->strip = choose_strip(group, match->unit_max);
    return MXFS_MATCH;
}

/* First block of K in the unit, and how many blocks. */
static void unit_blocks(const struct mxfs_unit *u, uint64_t *first, uint64_t *count)
{
    const struct mxfs_group *g = u->group;
    *first = u->index % strips_of_matrix(g) * g->strip;
    *count = mxfs_min_u64(g->strip, blocks_of_row(g) - *first);
}

void mxfs_mxfp4_unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit)
{
    uint64_t matrix = element / (group->rows * group->cols);
    uint64_t k = element / group->rows % group->cols;
    uint64_t first, count;

    unit->group = group;
    unit->index = matrix * strips_of_matrix(group) + k / MXFS_MX_BLOCK / group->strip;
    unit_blocks(unit, &first, &count);
    unit->first = (matrix * group->cols + first * MXFS_MX_BLOCK) * group->rows;
    unit->count = count * MXFS_MX_BLOCK * group->rows;
    unit->bytes = count * (MXFS_MXFP4_BYTES + 1) * lane_stride(group);
}

void mxfs_mxfp4_strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips)
{
    const struct mxfs_group *group = unit->group;
    uint64_t matrix = unit->index / strips_of_matrix(group);
    uint64_t block_bytes = part == 0 ? MXFS_MXFP4_BYTES : 1;
    uint64_t first, count;

    unit_blocks(unit, &first, &count);
    strips->stride = blocks_of_row(group) * block_bytes;
    strips->offset = matrix * group->rows * strips->stride + first * block_bytes;
    strips->width = count * block_bytes;
    strips->rows = group->rows;
}

void mxfs_mxfp4_pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                     const struct mxfs_rows *rows, uint8_t *packed)
{
    uint64_t lanes = lane_stride(unit->group), first, count;

    unit_blocks(unit, &first, &count);
    uint8_t *base = rows->part == 0 ? packed : packed + count * MXFS_MXFP4_BYTES * lanes;
    uint64_t width = rows->part == 0 ? count * MXFS_MXFP4_BYTES : count;
    codec->kernel->transpose(
        base + rows->first,
        &(struct mxfs_transpose){rows->src, rows->stride, lanes, rows->count, width});
}

void mxfs_mxfp4_unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                       const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst)
{
    const struct mxfs_group *group = unit->group;
    mxfs_mxfp4_lanes_fn *lanes_fn = codec->kernel->mxfp4_lanes[group->out];
    uint64_t lanes = lane_stride(group), n = group->rows, block0, blocks;

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
