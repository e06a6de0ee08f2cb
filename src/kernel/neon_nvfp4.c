/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 and narrowing with NEON: float32 products, rounded to the output type.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "define.h"
#include "neon_round.h"

/*
 * Eight codes (octets 0..15) as F16. The lower octet of every E2M1 value as an F16 is 0, so the
 * upper one is looked up: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
 */
MXFS_INLINE uint16x8_t e2m1_as_f16(uint8x8_t codes)
{
    static const uint8_t upper[16] = {0x00, 0x38, 0x3c, 0x3e, 0x40, 0x42, 0x44, 0x46,
                                      0x80, 0xb8, 0xbc, 0xbe, 0xc0, 0xc2, 0xc4, 0xc6};
    return vshll_n_u8(vqtbl1_u8(vld1q_u8(upper), codes), 8);
}

MXFS_INLINE void block_step(uint8_t *dst, const uint8_t *codes, float scale, enum mxfs_out out)
{
    const float32x4_t factor = vdupq_n_f32(scale);
    uint8x8_t octets = vld1_u8(codes);
    uint8x8_t even = vand_u8(octets, vdup_n_u8(15)), odd = vshr_n_u8(octets, 4);
    store_products(dst, e2m1_as_f16(vzip1_u8(even, odd)), factor, factor, out);
    store_products(dst + 8 * mxfs_out_size(out), e2m1_as_f16(vzip2_u8(even, odd)), factor, factor,
                   out);
}

MXFS_INLINE void nvfp4_blocks(uint8_t *dst, const uint8_t *codes, const float *scales,
                              size_t blocks, enum mxfs_out out)
{
    for (size_t i = 0; i < blocks; i++)
        block_step(dst + i * MXFS_NVFP4_BLOCK * mxfs_out_size(out), codes + i * MXFS_NVFP4_BYTES,
                   scales[i], out);
}

MXFS_INLINE void nvfp4_lanes(uint8_t *dst, const uint8_t *codes, const float *scales, size_t n,
                             unsigned shift, enum mxfs_out out)
{
    const int8x8_t right = vdup_n_s8((int8_t)-shift);
    size_t size = mxfs_out_size(out), i = 0;

    for (; n - i >= 8; i += 8) {
        uint8x8_t nibbles = vand_u8(vshl_u8(vld1_u8(codes + i), right), vdup_n_u8(15));
        store_products(dst + i * size, e2m1_as_f16(nibbles), vld1q_f32(scales + i),
                       vld1q_f32(scales + i + 4), out);
    }
    mxfs_kernel_scalar.nvfp4_lanes[out](dst + i * size, codes + i, scales + i, n - i, shift);
}

/* Four floats, times their factors where there are any, rounded to `via`. */
MXFS_INLINE float32x4_t narrowed(const float *src, const float *factors, enum mxfs_out via)
{
    float32x4_t v = vld1q_f32(src);
    return through(factors ? vmulq_f32(v, vld1q_f32(factors)) : v, via);
}

MXFS_INLINE void narrow(uint8_t *dst, const float *src, const float *factors, size_t n,
                        enum mxfs_out via, enum mxfs_out out)
{
    for (; n >= 8; n -= 8) {
        float32x4_t a = narrowed(src, factors, via);
        float32x4_t b = narrowed(src + 4, factors ? factors + 4 : NULL, via);
        store_rounded(dst, a, b, out);
        dst += 8 * mxfs_out_size(out);
        src += 8;
        factors = factors ? factors + 8 : NULL;
    }
    mxfs_kernel_scalar.narrow[out](dst, src, factors, n, via);
}

MXFS_DEFINE_NVFP4_BLOCKS(, mxfs_neon_nvfp4_blocks, nvfp4_blocks)
MXFS_DEFINE_NVFP4_LANES(, mxfs_neon_nvfp4_lanes, nvfp4_lanes)
MXFS_DEFINE_NARROW(, mxfs_neon_narrow, narrow)

#else
typedef int mxfs_neon_nvfp4_is_for_arm64; /* ISO C wants a declaration */
#endif
