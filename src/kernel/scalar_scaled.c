/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations whose scales are float32, for any processor: the definitions that the vector
 * variants follow. A product is stored to a float, so it is rounded there, whatever the output
 * type.
 */
#include "variants.h"

#include <string.h>

#include "float.h"

MXFS_INLINE void put(uint8_t *dst, size_t i, float value, enum mxfs_out out)
{
    uint32_t bits = out == MXFS_OUT_F32    ? mxfs_f32_canonical(value)
                    : out == MXFS_OUT_BF16 ? mxfs_f32_to_bf16(value)
                                           : mxfs_f32_to_f16(value);
    memcpy(dst + i * mxfs_out_size(out), &bits, mxfs_out_size(out));
}

MXFS_INLINE float e2m1(unsigned code)
{
    static const float values[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                     -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
    return values[code];
}

MXFS_INLINE void fp8_blocks(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                            size_t n, enum mxfs_fp8 format, const float *scales, size_t block,
                            enum mxfs_out out)
{
    for (size_t i = 0; i < n;) {
        float scale = *scales++;
        size_t end = n - i < block ? n : i + block;
        for (; i < end; i++) {
            float product = t->fp8[format][codes[i]] * scale;
            put(dst, i, product, out);
        }
    }
}

MXFS_INLINE void nvfp4_blocks(uint8_t *dst, const uint8_t *codes, const float *scales,
                              size_t blocks, enum mxfs_out out)
{
    for (size_t i = 0; i < blocks * MXFS_NVFP4_BYTES; i++) {
        float scale = scales[i / MXFS_NVFP4_BYTES];
        float even = e2m1(codes[i] & 15) * scale, odd = e2m1(codes[i] >> 4) * scale;
        put(dst, 2 * i, even, out);
        put(dst, 2 * i + 1, odd, out);
    }
}

MXFS_INLINE void nvfp4_lanes(uint8_t *dst, const uint8_t *codes, const float *scales, size_t n,
                             unsigned shift, enum mxfs_out out)
{
    for (size_t i = 0; i < n; i++) {
        float product = e2m1(codes[i] >> shift & 15) * scales[i];
        put(dst, i, product, out);
    }
}

MXFS_INLINE void narrow(uint8_t *dst, const float *src, const float *factors, size_t n,
                        enum mxfs_out via, enum mxfs_out out)
{
    for (size_t i = 0; i < n; i++) {
        float value = factors ? src[i] * factors[i] : src[i];
        if (via == MXFS_OUT_BF16)
            value = mxfs_bf16_to_f32(mxfs_f32_to_bf16(value));
        else if (via == MXFS_OUT_F16)
            value = mxfs_f16_to_f32(mxfs_f32_to_f16(value));
        put(dst, i, value, out);
    }
}

#define DEFINE(name, out)                                                                       \
    void mxfs_scalar_fp8_blocks_##name(const struct mxfs_tables *t, void *dst,                  \
                                       const uint8_t *codes, size_t n, enum mxfs_fp8 format,    \
                                       const float *scales, size_t block)                       \
    {                                                                                           \
        fp8_blocks(t, dst, codes, n, format, scales, block, out);                               \
    }                                                                                           \
    void mxfs_scalar_nvfp4_blocks_##name(void *dst, const uint8_t *codes, const float *scales,  \
                                         size_t blocks)                                         \
    {                                                                                           \
        nvfp4_blocks(dst, codes, scales, blocks, out);                                          \
    }                                                                                           \
    void mxfs_scalar_nvfp4_lanes_##name(void *dst, const uint8_t *codes, const float *scales,   \
                                        size_t n, unsigned shift)                               \
    {                                                                                           \
        nvfp4_lanes(dst, codes, scales, n, shift, out);                                         \
    }                                                                                           \
    void mxfs_scalar_narrow_##name(void *dst, const float *src, const float *factors, size_t n, \
                                   enum mxfs_out via)                                           \
    {                                                                                           \
        narrow(dst, src, factors, n, via, out);                                                 \
    }

DEFINE(bf16, MXFS_OUT_BF16)
DEFINE(f16, MXFS_OUT_F16)
DEFINE(f32, MXFS_OUT_F32)
