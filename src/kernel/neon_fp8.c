/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with NEON: codes are converted to F16, FCVTL converts that to float32, which is multiplied.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "fp8.h"
#include "neon_round.h"

enum { CODES = 16 }; /* per step */

/* Eight E4M3 codes as F16, divided by 2^8: see avx2_fp8.c. */
MXFS_INLINE uint16x8_t e4m3_as_f16(int8x8_t codes)
{
    uint16x8_t half = vreinterpretq_u16_s16(vshll_n_s8(codes, 7));
    uint16x8_t magnitude = vandq_u16(half, vdupq_n_u16(0x3f80));
    uint16x8_t is_nan = vceqq_u16(magnitude, vdupq_n_u16(0x3f80));
    half = vandq_u16(half, vdupq_n_u16(0xbf80));
    return vbslq_u16(is_nan, vdupq_n_u16(KERNEL_NAN_F16), half);
}

/* E5M2 is the upper byte of an F16. */
MXFS_INLINE uint16x8_t as_f16(uint8x8_t codes, enum mxfs_fp8 format)
{
    return format == MXFS_FP8_E5M2 ? vshll_n_u8(codes, 8) : e4m3_as_f16(vreinterpret_s8_u8(codes));
}

MXFS_INLINE void fp8_step(uint8_t *dst, const uint8_t *codes, float32x4_t scale,
                          enum mxfs_fp8 format, enum mxfs_out out)
{
    uint8x16_t bytes = vld1q_u8(codes);
    store_products(dst, as_f16(vget_low_u8(bytes), format), scale, scale, out);
    store_products(dst + 8 * mxfs_out_size(out), as_f16(vget_high_u8(bytes), format), scale, scale,
                   out);
}

/* n >= CODES. The last step may overlap the one before and write the same bytes again. */
MXFS_INLINE void fp8_steps(uint8_t *dst, const struct mxfs_fp8_run *in, float scale,
                           enum mxfs_fp8 format, enum mxfs_out out)
{
    const float32x4_t factor = vdupq_n_f32(scale);
    const struct mxfs_fp8_run run = *in;
    size_t size = mxfs_out_size(out);

    for (size_t i = 0; i <= run.n - CODES; i += CODES)
        fp8_step(dst + i * size, run.codes + i, factor, format, out);
    if (run.n % CODES)
        fp8_step(dst + (run.n - CODES) * size, run.codes + run.n - CODES, factor, format, out);
}

/*
 * E4M3's factor 2^8 moves to the scale. That is exact unless the scale overflows; scalar code
 * handles that case and short runs.
 */
MXFS_INLINE void fp8_run(uint8_t *dst, const struct mxfs_fp8_run *in, enum mxfs_out out)
{
    if (in->n < CODES || (in->format == MXFS_FP8_E4M3 && isinf(in->scale * 256)))
        kernel_fp8_scalar(dst, *in, out);
    else if (in->format == MXFS_FP8_E4M3)
        fp8_steps(dst, in, in->scale * 256, MXFS_FP8_E4M3, out);
    else
        fp8_steps(dst, in, in->scale, MXFS_FP8_E5M2, out);
}

KERNEL_FP8_BLOCKS(MXFS_INLINE)
KERNEL_MXFP8_BLOCKS(MXFS_INLINE)
KERNEL_DEFINE(, neon, fp8_run)
KERNEL_DEFINE(, neon, fp8_blocks)
KERNEL_DEFINE(, neon, mxfp8_blocks)

#else
typedef int kernel_neon_fp8_is_for_arm64; /* ISO C requires a declaration */
#endif
