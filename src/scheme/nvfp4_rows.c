/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 packed along the last axis but one, as ModelOpt writes experts that are multiplied as they
 * are stored: codes [E, K/2, N], scales [E, K/16, N], output [E, K, N]. K is a multiple of 16, so
 * rows can be counted over all experts: row r has its codes in row r/2, its scales in row r/16.
 */
#include "nvfp4.h"

#include "mxfs/bytes.h"
#include "scales.h"

static struct mxfs_span rows_span(uint64_t first, uint64_t last, uint64_t share, uint64_t width)
{
    return (struct mxfs_span){first / share * width, (last / share - first / share + 1) * width};
}

void nvfp4_rows_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct mxfs_span spans[MXFS_PARTS_MAX])
{
    uint64_t width = nvfp4_layout_of(group)->cols, row = first / width,
             last = (first + count - 1) / width;

    spans[NVFP4_CODES] = rows_span(row, last, 2, width);
    spans[NVFP4_SCALES] = rows_span(row, last, MXFS_NVFP4_BLOCK, width);
    spans[NVFP4_GLOBAL] = nvfp4_global_span(group, first, count);
}

/* Some rows that share their scales, and the columns of them that are wanted. */
struct band {
    uint8_t *dst;
    const uint8_t *codes;  /* of the first column of the row that `row` shares codes with */
    const uint8_t *scales; /* likewise */
    uint64_t row, rows;
    uint64_t column, columns;
};

/* Scales of some columns serve all rows of the band. */
static void decode_columns(const struct nvfp4_scales *s, const struct band *b, uint64_t at,
                           uint64_t n, const float *scales)
{
    const struct mxfs_group *g = s->group;
    uint64_t cols = nvfp4_layout_of(g)->cols;

    for (uint64_t i = 0; i < b->rows; i++) {
        uint64_t row = b->row + i;
        const uint8_t *codes = b->codes + (row / 2 - b->row / 2) * cols + b->column + at;
        uint8_t *dst = b->dst + (i * cols + at) * mxfs_out_size(g->out);
        s->codec->kernel->nvfp4_lanes[g->out](
            dst, &(struct mxfs_nvfp4_lanes){codes, scales, n, row % 2 * 4});
    }
}

void nvfp4_rows_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                       uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                       uint8_t *dst)
{
    uint64_t width = nvfp4_layout_of(group)->cols, row0 = first / width;
    const struct nvfp4_scales s = {group, codec, src[NVFP4_GLOBAL], first};
    float scales[SCALE_CHUNK];

    for (uint64_t element = first; count > 0;) {
        struct band b = {.dst = dst, .row = element / width, .rows = 1, .column = element % width};
        b.columns = mxfs_min_u64(width - b.column, count);
        if (b.columns == width)
            b.rows = mxfs_min_u64(MXFS_NVFP4_BLOCK - b.row % MXFS_NVFP4_BLOCK, count / width);
        b.codes = src[NVFP4_CODES] + (b.row / 2 - row0 / 2) * width;
        b.scales = src[NVFP4_SCALES] +
                   (b.row / MXFS_NVFP4_BLOCK - row0 / MXFS_NVFP4_BLOCK) * width + b.column;
        for (uint64_t at = 0, n; at < b.columns; at += n) {
            n = mxfs_min_u64(SCALE_CHUNK, b.columns - at);
            nvfp4_scales_load(&s, scales, b.scales + at, n, element);
            decode_columns(&s, &b, at, n, scales);
        }
        element += b.rows * b.columns;
        count -= b.rows * b.columns;
        dst += b.rows * b.columns * mxfs_out_size(group->out);
    }
}
