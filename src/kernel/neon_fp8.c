/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with NEON: float32 products of what FCVTL converts.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "define.h"
#include "mxfs/dtype.h"
#include "neon_round.h"

enum { CODES = 16 }; /* of one step */

/* Eight E4M3 codes as F16, divided by 2^8: see the AVX2 variant. */
MXFS_INLINE uint16x8_t e4m3_as_f16(int8x8_t codes)
{
    uint16x8_t half = vreinterpretq_u16_s16(vshll_n_s8(codes, 7));
    uint16x8_t magnitude = vandq_u16(half, vdupq_n_u16(0x3f80));
    uint16x8_t is_nan = vceqq_u16(magnitude, vdupq_n_u16(0x3f80));
    half = vandq_u16(half, vdupq_n_u16(0xbf80));
    return vbslq_u16(is_nan, vdupq_n_u16(MXFS_NAN_F16), half);
}

/* E5M2 is the upper octet of an F16. */
MXFS_INLINE uint16x8_t as_f16(uint8x8_t codes, enum mxfs_fp8 format)
{
    return format == MXFS_FP8_E5M2 ? vshll_n_u8(codes, 8) : e4m3_as_f16(vreinterpret_s8_u8(codes));
}

MXFS_INLINE void fp8_step(uint8_t *dst, const uint8_t *codes, float32x4_t scale,
                          enum mxfs_fp8 format, enum mxfs_out out)
{
    uint8x16_t octets = vld1q_u8(codes);
    store_products(dst, as_f16(vget_low_u8(octets), format), scale, scale, out);
    store_products(dst + 8 * mxfs_out_size(out), as_f16(vget_high_u8(octets), format), scale, scale,
                   out);
}

MXFS_INLINE void fp8_format(uint8_t *dst, const uint8_t *codes, size_t n, float scale,
                            enum mxfs_fp8 format, enum mxfs_out out)
{
    const float32x4_t factor = vdupq_n_f32(scale);
    size_t size = mxfs_out_size(out);
    for (size_t i = 0; i <= n - CODES; i += CODES)
        fp8_step(dst + i * size, codes + i, factor, format, out);
    if (n % CODES)
        fp8_step(dst + (n - CODES) * size, codes + n - CODES, factor, format, out);
}

/*
 * E4M3's factor 2^8 is moved to the scale, which is exact unless it overflows: then, and for short
 * runs, scalar code does it.
 */
MXFS_INLINE void fp8_run(const struct mxfs_tables *t, void *dst, const uint8_t *codes, size_t n,
                         enum mxfs_fp8 format, float scale, enum mxfs_out out)
{
    if (n < CODES || (format == MXFS_FP8_E4M3 && isinf(scale * 256)))
        mxfs_kernel_scalar.fp8_run[out](t, dst, codes, n, format, scale);
    else if (format == MXFS_FP8_E4M3)
        fp8_format(dst, codes, n, scale * 256, MXFS_FP8_E4M3, out);
    else
        fp8_format(dst, codes, n, scale, MXFS_FP8_E5M2, out);
}

MXFS_INLINE void mxfp8_block(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                             enum mxfs_fp8 format, uint8_t scale, enum mxfs_out out)
{
    fp8_run(t, dst, codes, MXFS_MX_BLOCK, format, mxfs_e8m0_value(scale), out);
}

MXFS_DEFINE_FP8_RUN(, mxfs_neon_fp8_run, fp8_run)
MXFS_DEFINE_FP8_BLOCKS(, mxfs_neon_fp8_blocks, fp8_run)
MXFS_DEFINE_MXFP8_BLOCKS(, mxfs_neon_mxfp8, mxfp8_block)

#else
typedef int mxfs_neon_fp8_is_for_arm64; /* ISO C wants a declaration */
#endif
