/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Float32 to the output types in integer arithmetic: one rounding, to nearest even, and a canonical
 * NaN. These are the definitions; the vector variants produce the same bits.
 */
#ifndef MXFS_KERNEL_FLOAT_H
#define MXFS_KERNEL_FLOAT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/kernel.h"

/** The canonical NaN of each output type. */
#define KERNEL_NAN_BF16 0x7fc0u
#define KERNEL_NAN_F16 0x7e00u
#define KERNEL_NAN_F32 0x7fc00000u

/** float32: sign 31 | exponent 30..23 (bias 127) | mantissa 22..0. */
#define KERNEL_F32_SIGN 0x80000000u
#define KERNEL_F32_INF 0x7f800000u

/** The bits of f. */
MXFS_INLINE uint32_t kernel_f32_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

/** The float with these bits. */
MXFS_INLINE float kernel_f32_from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/** Whether these are the bits of a NaN. */
MXFS_INLINE int kernel_f32_is_nan(uint32_t bits)
{
    return (bits & ~KERNEL_F32_SIGN) > KERNEL_F32_INF;
}

/** The bits of f; NaN becomes the canonical one. */
MXFS_INLINE uint32_t kernel_f32_canonical(float f)
{
    uint32_t bits = kernel_f32_bits(f);
    return kernel_f32_is_nan(bits) ? KERNEL_NAN_F32 : bits;
}

/**
 * f rounded to bfloat16: the upper half of its bits. Adding 0x7fff, plus one if the last kept bit
 * is 1, carries exactly when the dropped part is above one half, or equals it and the kept part is
 * odd. The carry may reach the exponent, which is right for subnormals and for overflow to
 * infinity.
 */
MXFS_INLINE uint16_t kernel_f32_to_bf16(float f)
{
    uint32_t bits = kernel_f32_bits(f);
    if (kernel_f32_is_nan(bits))
        return KERNEL_NAN_BF16;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/** v >> n for 1 <= n <= 31, rounded to nearest even. */
MXFS_INLINE uint32_t kernel_shift_rne(uint32_t v, unsigned n)
{
    return (v + (1u << (n - 1)) - 1 + (v >> n & 1)) >> n;
}

/**
 * f rounded to float16: sign 15 | exponent 14..10 (bias 15) | mantissa 9..0.
 * From 2^-14 up, the exponent is re-biased by 112 (127 - 15) and 13 mantissa bits are rounded away;
 * a carry gives the next exponent. Below, the result counts units of 2^-24: the mantissa with its
 * leading one, worth 2^(e-150), is shifted right by 126 - e. From 2^16 on the result is infinite,
 * as it is when rounding carries to 0x7c00.
 */
MXFS_INLINE uint16_t kernel_f32_to_f16(float f)
{
    uint32_t bits = kernel_f32_bits(f);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & ~KERNEL_F32_SIGN;
    uint32_t exponent = magnitude >> 23;
    if (magnitude > KERNEL_F32_INF)
        return KERNEL_NAN_F16;
    if (exponent >= 127 + 16)
        return (uint16_t)(sign | 0x7c00);
    if (exponent >= 127 - 14)
        return (uint16_t)(sign | kernel_shift_rne(magnitude - (112u << 23), 13));
    if (exponent < 127 - 25)
        return (uint16_t)sign; /* below 2^-25, half of the smallest subnormal */
    return (uint16_t)(sign | kernel_shift_rne((magnitude & 0x7fffff) | 0x800000, 126 - exponent));
}

/** The value of a float16, exact; any NaN becomes the canonical one. */
MXFS_INLINE float kernel_f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fffu;
    if (magnitude > 0x7c00)
        return kernel_f32_from_bits(KERNEL_NAN_F32);
    if (magnitude == 0x7c00)
        return kernel_f32_from_bits(sign | KERNEL_F32_INF);
    if (magnitude < 0x400) /* subnormal: counts units of 2^-24 */
        return kernel_f32_from_bits(sign | kernel_f32_bits((float)magnitude * 0x1p-24f));
    return kernel_f32_from_bits(sign | ((magnitude << 13) + (112u << 23)));
}

/** The value of a bfloat16: its bits are the upper half of a float32's. */
MXFS_INLINE float kernel_bf16_to_f32(uint16_t half)
{
    return kernel_f32_from_bits((uint32_t)half << 16);
}

/** f rounded to `via`; NaN becomes the canonical one unless `via` is float32. */
MXFS_INLINE float kernel_f32_through(float f, enum mxfs_out via)
{
    if (via == MXFS_OUT_BF16)
        return kernel_bf16_to_f32(kernel_f32_to_bf16(f));
    if (via == MXFS_OUT_F16)
        return kernel_f16_to_f32(kernel_f32_to_f16(f));
    return f;
}

/** Bits of f in the output type, NaN canonical. */
MXFS_INLINE uint32_t kernel_f32_out_bits(float f, enum mxfs_out out)
{
    return out == MXFS_OUT_F32    ? kernel_f32_canonical(f)
           : out == MXFS_OUT_BF16 ? kernel_f32_to_bf16(f)
                                  : kernel_f32_to_f16(f);
}

/** Stores element i of dst, of the output type. */
MXFS_INLINE void kernel_put(uint8_t *dst, size_t i, float value, enum mxfs_out out)
{
    uint32_t bits = kernel_f32_out_bits(value, out);
    memcpy(dst + i * mxfs_out_size(out), &bits, mxfs_out_size(out));
}

/** Whether no scale is infinite or NaN: then no product with a finite code is NaN. */
MXFS_INLINE int kernel_all_finite(const float *scales, size_t n)
{
    uint32_t infinite = 0;
    for (size_t i = 0; i < n; i++)
        infinite |= (kernel_f32_bits(scales[i]) & KERNEL_F32_INF) == KERNEL_F32_INF;
    return !infinite;
}

/**
 * Whether every NaN among the float32 products of FP8 codes and `scale` comes from a NaN code. Then
 * it is enough to make those codes canonical, since a NaN times a number is that NaN. Otherwise
 * infinity times 0, or a NaN scale, gives NaNs of the processor's choosing.
 */
MXFS_INLINE int kernel_fp8_nan_from_codes(enum mxfs_fp8 format, float scale)
{
    return isfinite(scale) && (scale != 0 || format == MXFS_FP8_E4M3);
}

#endif
