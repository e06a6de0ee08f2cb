/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The variant for any processor: table look-ups, element by element. Elements go through memcpy
 * since no pointer is aligned; the host is little endian, as the files are.
 */
#include "variants.h"

#include <string.h>

#include "define.h"
#include "mxfs/compiler.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "outputs are written in host order");

/* One body for the 16-bit and the 32-bit tables; `size` is a constant after inlining. */
MXFS_INLINE void put(uint8_t *dst, const void *row, unsigned code, size_t size)
{
    memcpy(dst, (const uint8_t *)row + code * size, size);
}

MXFS_INLINE const void *row_of(const struct mxfs_tables *t, enum mxfs_out out, uint8_t scale)
{
    return out == MXFS_OUT_F32 ? (const void *)t->mxfp4.f32[scale]
                               : (const void *)t->mxfp4.half16[out][scale];
}

MXFS_INLINE void blocks(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                        const uint8_t *scales, size_t count, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out);
    for (size_t i = 0; i < count; i++) {
        const void *row = row_of(t, out, scales[i]);
        for (size_t j = 0; j < MXFS_MXFP4_BYTES; j++, codes++, dst += 2 * size) {
            put(dst, row, *codes & 15, size);
            put(dst + size, row, *codes >> 4, size);
        }
    }
}

MXFS_INLINE void lanes(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                       const uint8_t *scales, size_t n, unsigned shift, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out);
    for (size_t i = 0; i < n; i++)
        put(dst + i * size, row_of(t, out, scales[i]), codes[i] >> shift & 15, size);
}

MXFS_DEFINE_MXFP4_BLOCKS(static, blocks, blocks)
MXFS_DEFINE_MXFP4_LANES(static, lanes, lanes)

/* Square tiles, so that the lines of a tile's source rows and destination rows stay in L1. */
static void transpose(uint8_t *dst, size_t dst_stride, const uint8_t *src, size_t src_stride,
                      size_t rows, size_t cols)
{
    enum { TILE = 64 };
    for (size_t r0 = 0; r0 < rows; r0 += TILE)
        for (size_t c0 = 0; c0 < cols; c0 += TILE)
            for (size_t c = c0; c < cols && c < c0 + TILE; c++)
                for (size_t r = r0; r < rows && r < r0 + TILE; r++)
                    dst[c * dst_stride + r] = src[r * src_stride + c];
}

void mxfs_scalar_transpose_words(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                                 size_t src_stride, size_t rows, size_t cols)
{
    enum { TILE = 16 };
    for (size_t r0 = 0; r0 < rows; r0 += TILE)
        for (size_t c0 = 0; c0 < cols; c0 += TILE)
            for (size_t c = c0; c < cols && c < c0 + TILE; c++)
                for (size_t r = r0; r < rows && r < r0 + TILE; r++)
                    memcpy(dst + c * dst_stride + 4 * r, src + r * src_stride + 4 * c, 4);
}

/*
 * Ascending order keeps the in-place case right: element i is written to bytes 4i..4i+3, and the
 * unread elements begin at 2n + 2(i + 1), which is never below 4i + 4 for i < n.
 */
static void widen_bf16(void *dst, const void *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, (const uint8_t *)src + 2 * i, sizeof(half));
        uint32_t bits = (uint32_t)half << 16;
        memcpy((uint8_t *)dst + 4 * i, &bits, sizeof(bits));
    }
}

const struct mxfs_kernel mxfs_kernel_scalar = {
    .name = "scalar",
    .requires = 0,
    .mxfp4_blocks = MXFS_OUTS(blocks),
    .mxfp4_lanes = MXFS_OUTS(lanes),
    .fp8_run = MXFS_OUTS(mxfs_scalar_fp8_run),
    .fp8_blocks = MXFS_OUTS(mxfs_scalar_fp8_blocks),
    .mxfp8_blocks = MXFS_OUTS(mxfs_scalar_mxfp8),
    .nvfp4_blocks = MXFS_OUTS(mxfs_scalar_nvfp4_blocks),
    .nvfp4_lanes = MXFS_OUTS(mxfs_scalar_nvfp4_lanes),
    .code4_run = MXFS_OUTS(mxfs_scalar_code4),
    .code4_pick = MXFS_OUTS(mxfs_scalar_code4_pick),
    .code8_run = MXFS_OUTS(mxfs_scalar_code8),
    .narrow = MXFS_OUTS(mxfs_scalar_narrow),
    .unpack = mxfs_scalar_unpack,
    .e2m3 = mxfs_scalar_e2m3,
    .transpose = transpose,
    .transpose_words = mxfs_scalar_transpose_words,
    .widen_bf16 = widen_bf16,
};
