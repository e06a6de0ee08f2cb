/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 and narrowing with NEON: float32 products, rounded to the output type.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "neon_round.h"

/*
 * Eight codes (bytes 0..15) as F16. The low byte of every E2M1 value is 0 as F16, so only the high
 * byte is looked up: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
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
    uint8x8_t bytes = vld1_u8(codes);
    uint8x8_t even = vand_u8(bytes, vdup_n_u8(15)), odd = vshr_n_u8(bytes, 4);
    store_products(dst, e2m1_as_f16(vzip1_u8(even, odd)), factor, factor, out);
    store_products(dst + 8 * mxfs_out_size(out), e2m1_as_f16(vzip2_u8(even, odd)), factor, factor,
                   out);
}

MXFS_INLINE void nvfp4_blocks(uint8_t *dst, const struct mxfs_nvfp4_blocks *in, enum mxfs_out out)
{
    const struct mxfs_nvfp4_blocks b = *in;

    for (size_t i = 0; i < b.blocks; i++)
        block_step(dst + i * MXFS_NVFP4_BLOCK * mxfs_out_size(out), b.codes + i * MXFS_NVFP4_BYTES,
                   b.scales[i], out);
}

MXFS_INLINE void nvfp4_lanes(uint8_t *dst, const struct mxfs_nvfp4_lanes *in, enum mxfs_out out)
{
    const int8x8_t right = vdup_n_s8((int8_t)-in->shift);
    const struct mxfs_nvfp4_lanes l = *in;
    size_t size = mxfs_out_size(out), i = 0;

    for (; l.n - i >= 8; i += 8) {
        uint8x8_t nibbles = vand_u8(vshl_u8(vld1_u8(l.codes + i), right), vdup_n_u8(15));
        store_products(dst + i * size, e2m1_as_f16(nibbles), vld1q_f32(l.scales + i),
                       vld1q_f32(l.scales + i + 4), out);
    }
    if (i < l.n)
        kernel_scalar.nvfp4_lanes[out](
            dst + i * size,
            &(struct mxfs_nvfp4_lanes){l.codes + i, l.scales + i, l.n - i, l.shift});
}

/* Four floats, times their factors if there are any, rounded to `via`. */
MXFS_INLINE float32x4_t narrowed(const float *src, const float *factors, enum mxfs_out via)
{
    float32x4_t v = vld1q_f32(src);
    return through(factors ? vmulq_f32(v, vld1q_f32(factors)) : v, via);
}

MXFS_INLINE void narrow(uint8_t *dst, const struct mxfs_narrow *in, enum mxfs_out out)
{
    const struct mxfs_narrow run = *in;
    size_t size = mxfs_out_size(out), i = 0;

    for (; run.n - i >= 8; i += 8) {
        const float *factors = run.factors ? run.factors + i : NULL;
        float32x4_t a = narrowed(run.src + i, factors, run.via);
        float32x4_t b = narrowed(run.src + i + 4, factors ? factors + 4 : NULL, run.via);
        store_rounded(dst + i * size, a, b, out);
    }
    if (i < run.n)
        kernel_scalar.narrow[out](
            dst + i * size, &(struct mxfs_narrow){run.src + i, run.factors ? run.factors + i : NULL,
                                                  run.n - i, run.via});
}

KERNEL_DEFINE(, neon, nvfp4_blocks)
KERNEL_DEFINE(, neon, nvfp4_lanes)
KERNEL_DEFINE(, neon, narrow)

#else
typedef int kernel_neon_nvfp4_is_for_arm64; /* ISO C requires a declaration */
#endif
