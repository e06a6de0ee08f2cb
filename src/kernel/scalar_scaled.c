/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations whose scales are float32, for any processor: the definitions that the vector
 * variants follow. A product is stored to a float, so it is rounded there, whatever the output
 * type.
 */
#include "variants.h"

#include <string.h>

#include "define.h"
#include "float.h"
#include "mxfs/dtype.h"

MXFS_INLINE void put(uint8_t *dst, size_t i, float value, enum mxfs_out out)
{
    uint32_t bits = mxfs_f32_out_bits(value, out);
    memcpy(dst + i * mxfs_out_size(out), &bits, mxfs_out_size(out));
}

MXFS_INLINE float e2m1(unsigned code)
{
    static const float values[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                     -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
    return values[code];
}

MXFS_INLINE void fp8_run(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes, size_t n,
                         enum mxfs_fp8 format, float scale, enum mxfs_out out)
{
    for (size_t i = 0; i < n; i++) {
        float product = t->fp8[format][codes[i]] * scale;
        put(dst, i, product, out);
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
        put(dst, i, mxfs_f32_through(value, via), out);
    }
}

MXFS_INLINE void mxfp8_block(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                             enum mxfs_fp8 format, uint8_t scale, enum mxfs_out out)
{
    fp8_run(t, dst, codes, MXFS_MX_BLOCK, format, mxfs_e8m0_value(scale), out);
}

MXFS_DEFINE_FP8_RUN(, mxfs_scalar_fp8_run, fp8_run)
MXFS_DEFINE_FP8_BLOCKS(, mxfs_scalar_fp8_blocks, fp8_run)
MXFS_DEFINE_MXFP8_BLOCKS(, mxfs_scalar_mxfp8, mxfp8_block)
MXFS_DEFINE_NVFP4_BLOCKS(, mxfs_scalar_nvfp4_blocks, nvfp4_blocks)
MXFS_DEFINE_NVFP4_LANES(, mxfs_scalar_nvfp4_lanes, nvfp4_lanes)
MXFS_DEFINE_NARROW(, mxfs_scalar_narrow, narrow)
