/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Float32 to the output types in integer arithmetic: one rounding, to nearest even, and NaN always
 * the canonical one. These are the definitions; the vector variants give the same bits.
 */
#ifndef MXFS_KERNEL_FLOAT_H
#define MXFS_KERNEL_FLOAT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/kernel.h"

/** The canonical NaN of each output type. */
#define MXFS_NAN_BF16 0x7fc0u
#define MXFS_NAN_F16 0x7e00u
#define MXFS_NAN_F32 0x7fc00000u

/** float32: sign 31 | exponent 30..23 (bias 127) | mantissa 22..0. */
#define MXFS_F32_SIGN 0x80000000u
#define MXFS_F32_INF 0x7f800000u

MXFS_INLINE uint32_t mxfs_f32_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

MXFS_INLINE float mxfs_f32_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

MXFS_INLINE int mxfs_f32_is_nan(uint32_t bits)
{
    return (bits & ~MXFS_F32_SIGN) > MXFS_F32_INF;
}

/** The bits of f, a NaN replaced by the canonical one. */
MXFS_INLINE uint32_t mxfs_f32_canonical(float f)
{
    uint32_t bits = mxfs_f32_bits(f);
    return mxfs_f32_is_nan(bits) ? MXFS_NAN_F32 : bits;
}

/**
 * f rounded to bfloat16: the upper half of its bits. Adding 0x7fff, and one more where the last
 * kept bit is odd, carries exactly when the dropped half is above a half, or is a half and the kept
 * part odd. The carry may walk into the exponent, which is right for subnormals and for overflow to
 * infinity alike.
 */
MXFS_INLINE uint16_t mxfs_f32_to_bf16(float f)
{
    uint32_t bits = mxfs_f32_bits(f);
    if (mxfs_f32_is_nan(bits))
        return MXFS_NAN_BF16;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/** v >> n for 1 <= n <= 31, rounded to nearest even. */
MXFS_INLINE uint32_t mxfs_shift_rne(uint32_t v, unsigned n)
{
    return (v + (1u << (n - 1)) - 1 + (v >> n & 1)) >> n;
}

/**
 * f rounded to float16: sign 15 | exponent 14..10 (bias 15) | mantissa 9..0.
 * From 2^-14 up, the magnitude's bits are re-biased by 112 (127 - 15) and 13 mantissa bits are
 * rounded away; the carry takes care of the next exponent. Below, the result counts units of 2^-24:
 * the mantissa with its leading one, worth 2^(e-150), is shifted by 126 - e. From 2^16 on the
 * result is infinite, as it is when rounding carries to 0x7c00.
 */
MXFS_INLINE uint16_t mxfs_f32_to_f16(float f)
{
    uint32_t bits = mxfs_f32_bits(f);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & ~MXFS_F32_SIGN;
    uint32_t exponent = magnitude >> 23;
    if (magnitude > MXFS_F32_INF)
        return MXFS_NAN_F16;
    if (exponent >= 127 + 16)
        return (uint16_t)(sign | 0x7c00);
    if (exponent >= 127 - 14)
        return (uint16_t)(sign | mxfs_shift_rne(magnitude - (112u << 23), 13));
    if (exponent < 127 - 25)
        return (uint16_t)sign; /* below 2^-25, half of the smallest subnormal */
    return (uint16_t)(sign | mxfs_shift_rne((magnitude & 0x7fffff) | 0x800000, 126 - exponent));
}

/** The value of a float16, exact; of any NaN, the canonical one. */
MXFS_INLINE float mxfs_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fffu;
    if (magnitude > 0x7c00)
        return mxfs_f32_from_bits(MXFS_NAN_F32);
    if (magnitude == 0x7c00)
        return mxfs_f32_from_bits(sign | MXFS_F32_INF);
    if (magnitude < 0x400) /* subnormal: counts units of 2^-24 */
        return mxfs_f32_from_bits(sign | mxfs_f32_bits((float)magnitude * 0x1p-24f));
    return mxfs_f32_from_bits(sign | ((magnitude << 13) + (112u << 23)));
}

/** The value of a bfloat16: its bits are the upper half of a float32's. */
MXFS_INLINE float mxfs_bf16_to_f32(uint16_t half)
{
    return mxfs_f32_from_bits((uint32_t)half << 16);
}

/** f rounded to `via`; a NaN becomes the canonical one unless that is float32. */
MXFS_INLINE float mxfs_f32_through(float f, enum mxfs_out via)
{
    if (via == MXFS_OUT_BF16)
        return mxfs_bf16_to_f32(mxfs_f32_to_bf16(f));
    if (via == MXFS_OUT_F16)
        return mxfs_f16_to_f32(mxfs_f32_to_f16(f));
    return f;
}

/** Bits of f in the output type, NaN canonical. */
MXFS_INLINE uint32_t mxfs_f32_out_bits(float f, enum mxfs_out out)
{
    return out == MXFS_OUT_F32    ? mxfs_f32_canonical(f)
           : out == MXFS_OUT_BF16 ? mxfs_f32_to_bf16(f)
                                  : mxfs_f32_to_f16(f);
}

/** Whether no scale is infinite or NaN: then no product with a finite code is NaN. */
MXFS_INLINE int mxfs_all_finite(const float *scales, size_t n)
{
    uint32_t infinite = 0;
    for (size_t i = 0; i < n; i++)
        infinite |= (mxfs_f32_bits(scales[i]) & MXFS_F32_INF) == MXFS_F32_INF;
    return !infinite;
}

/**
 * Whether every NaN among the float32 products of FP8 codes and `scale` comes from a code that is
 * NaN. Then it is enough to make those codes canonical, and the product of a NaN with a number is
 * that NaN. Otherwise infinity times 0 or a NaN scale makes others, of the processor's choosing.
 */
MXFS_INLINE int mxfs_fp8_nan_from_codes(enum mxfs_fp8 format, float scale)
{
    return isfinite(scale) && (scale != 0 || format == MXFS_FP8_E4M3);
}

#endif
