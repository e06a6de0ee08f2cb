/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4, transposing and widening for any processor: table look-ups, element by element. Elements
 * are copied with memcpy since pointers may be unaligned. Host and files are little endian.
 */
#include "variants.h"

#include <string.h>

#include "mxfs/compiler.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "outputs are written in host order");

/* Serves the 16-bit and the 32-bit tables; `size` is a constant after inlining. */
MXFS_INLINE void put(uint8_t *dst, const void *row, unsigned code, size_t size)
{
    memcpy(dst, (const uint8_t *)row + code * size, size);
}

MXFS_INLINE const void *row_of(const struct mxfs_tables *t, enum mxfs_out out, uint8_t scale)
{
    return out == MXFS_OUT_F32 ? (const void *)t->mxfp4.f32[scale]
                               : (const void *)t->mxfp4.half16[out][scale];
}

MXFS_INLINE void mxfp4_blocks(uint8_t *dst, const struct mxfs_mxfp4_blocks *in, enum mxfs_out out)
{
    const struct mxfs_mxfp4_blocks b = *in;
    const uint8_t *codes = b.codes;
    size_t size = mxfs_out_size(out);

    for (size_t i = 0; i < b.blocks; i++) {
        const void *row = row_of(b.tables, out, b.scales[i]);
        for (size_t j = 0; j < MXFS_MXFP4_BYTES; j++, codes++, dst += 2 * size) {
            put(dst, row, *codes & 15, size);
            put(dst + size, row, *codes >> 4, size);
        }
    }
}

MXFS_INLINE void mxfp4_lanes(uint8_t *dst, const struct mxfs_mxfp4_lanes *in, enum mxfs_out out)
{
    const struct mxfs_mxfp4_lanes l = *in;
    size_t size = mxfs_out_size(out);

    for (size_t i = 0; i < l.n; i++)
        put(dst + i * size, row_of(l.tables, out, l.scales[i]), l.codes[i] >> l.shift & 15, size);
}

KERNEL_DEFINE(, scalar, mxfp4_blocks)
KERNEL_DEFINE(, scalar, mxfp4_lanes)

/*
 * Transposes the tile that starts at `row` and `col`. `side` and the element `size` are constants.
 */
MXFS_INLINE void transpose_tile(uint8_t *dst, struct mxfs_transpose m, size_t row, size_t col,
                                size_t side, size_t size)
{
    size_t end_row = m.rows - row < side ? m.rows : row + side;
    size_t end_col = m.cols - col < side ? m.cols : col + side;

    for (size_t c = col; c < end_col; c++)
        for (size_t r = row; r < end_row; r++)
            memcpy(dst + c * m.dst_stride + size * r, m.src + r * m.src_stride + size * c, size);
}

/* Square tiles, so that the cache lines of a tile's source and destination rows stay in L1. */
MXFS_INLINE void transpose(uint8_t *dst, struct mxfs_transpose m, size_t side, size_t size)
{
    for (size_t row = 0; row < m.rows; row += side)
        for (size_t col = 0; col < m.cols; col += side)
            transpose_tile(dst, m, row, col, side, size);
}

void kernel_scalar_transpose(void *dst, const struct mxfs_transpose *in)
{
    transpose(dst, *in, 64, 1);
}

void kernel_scalar_transpose_words(void *dst, const struct mxfs_transpose *in)
{
    transpose(dst, *in, 16, 4);
}

/*
 * Ascending order is right in place, too: element i is written to bytes 4i..4i+3, and the unread
 * elements begin at 2n + 2(i + 1), which is never below 4i + 4 for i < n.
 */
void kernel_scalar_widen_bf16(void *dst, const struct mxfs_widen_bf16 *in)
{
    const uint8_t *src = in->src;
    size_t n = in->n;

    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, src + 2 * i, sizeof(half));
        uint32_t bits = (uint32_t)half << 16;
        memcpy((uint8_t *)dst + 4 * i, &bits, sizeof(bits));
    }
}
