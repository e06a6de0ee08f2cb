/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The variant for any processor: table look-ups, element by element. Elements go through memcpy
 * since no pointer is aligned; the host is little endian, as the files are.
 */
#include "variants.h"

#include <string.h>

#include "float.h"

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

/* The product is stored to a float, so it is rounded here, whatever the output type. */
MXFS_INLINE void fp8_run(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes, size_t n,
                         enum mxfs_fp8 format, float scale, enum mxfs_out out)
{
    for (size_t i = 0; i < n; i++) {
        float product = t->fp8[format][codes[i]] * scale;
        uint32_t bits = out == MXFS_OUT_F32    ? mxfs_f32_canonical(product)
                        : out == MXFS_OUT_BF16 ? mxfs_f32_to_bf16(product)
                                               : mxfs_f32_to_f16(product);
        memcpy(dst + i * mxfs_out_size(out), &bits, mxfs_out_size(out));
    }
}

#define DEFINE(name, out)                                                                          \
    static void blocks_##name(const struct mxfs_tables *t, void *dst, const uint8_t *codes,        \
                              const uint8_t *scales, size_t count)                                 \
    {                                                                                              \
        blocks(t, dst, codes, scales, count, out);                                                 \
    }                                                                                              \
    static void lanes_##name(const struct mxfs_tables *t, void *dst, const uint8_t *codes,         \
                             const uint8_t *scales, size_t n, unsigned shift)                      \
    {                                                                                              \
        lanes(t, dst, codes, scales, n, shift, out);                                               \
    }                                                                                              \
    static void fp8_##name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, size_t n, \
                           enum mxfs_fp8 format, float scale)                                      \
    {                                                                                              \
        fp8_run(t, dst, codes, n, format, scale, out);                                             \
    }

DEFINE(bf16, MXFS_OUT_BF16)
DEFINE(f16, MXFS_OUT_F16)
DEFINE(f32, MXFS_OUT_F32)

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
    .mxfp4_blocks = {blocks_bf16, blocks_f16, blocks_f32},
    .mxfp4_lanes = {lanes_bf16, lanes_f16, lanes_f32},
    .fp8_run = {fp8_bf16, fp8_f16, fp8_f32},
    .fp8_blocks = {mxfs_scalar_fp8_blocks_bf16, mxfs_scalar_fp8_blocks_f16,
                   mxfs_scalar_fp8_blocks_f32},
    .nvfp4_blocks = {mxfs_scalar_nvfp4_blocks_bf16, mxfs_scalar_nvfp4_blocks_f16,
                     mxfs_scalar_nvfp4_blocks_f32},
    .nvfp4_lanes = {mxfs_scalar_nvfp4_lanes_bf16, mxfs_scalar_nvfp4_lanes_f16,
                    mxfs_scalar_nvfp4_lanes_f32},
    .code4_run = {mxfs_scalar_code4_bf16, mxfs_scalar_code4_f16, mxfs_scalar_code4_f32},
    .code8_run = {mxfs_scalar_code8_bf16, mxfs_scalar_code8_f16, mxfs_scalar_code8_f32},
    .narrow = {mxfs_scalar_narrow_bf16, mxfs_scalar_narrow_f16, mxfs_scalar_narrow_f32},
    .transpose = transpose,
    .widen_bf16 = widen_bf16,
};
