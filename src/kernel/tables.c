/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The constant tables, from the definitions of the formats (OCP Microscaling Formats v1.0, section
 * 5; OCP 8-bit Floating Point Specification v1.0).
 *
 * Every entry starts as an exact float32. An MXFP4 value has at most two significant bits and,
 * unless it is zero, a magnitude of at least 2^-128, so float32 holds it exactly (subnormals reach
 * 2^-149) unless it is 2^128 or more, where every output type has infinity. The only rounding is
 * the one to the output type.
 */
#include "mxfs/kernel.h"

#include <math.h>

#include "float.h"

/*
 * E2M1: sign 3 | exponent 2..1 (bias 1) | mantissa 0. In units of one half, the magnitude is m
 * (exponent 0) or (2 + m) * 2^(e - 1).
 */
static double e2m1_value(unsigned code)
{
    static const int halves[8] = {0, 1, 2, 3, 4, 6, 8, 12};
    double magnitude = halves[code & 7] * 0.5;
    return code & 8 ? -magnitude : magnitude;
}

/* E8M0: 2^(scale - 127); 255 is NaN. */
static float mxfp4_value(unsigned scale, unsigned code)
{
    if (scale == 255)
        return kernel_f32_from_bits(KERNEL_NAN_F32);
    return (float)ldexp(e2m1_value(code), (int)scale - 127);
}

static void fill_mxfp4(struct mxfs_mxfp4_tables *t, unsigned scale, unsigned code)
{
    float value = mxfp4_value(scale, code);
    uint16_t half[2] = {
        [MXFS_OUT_BF16] = kernel_f32_to_bf16(value),
        [MXFS_OUT_F16] = kernel_f32_to_f16(value),
    };
    for (int out = 0; out < 2; out++) {
        t->half[out][scale][0][code] = (uint8_t)half[out];
        t->half[out][scale][1][code] = (uint8_t)(half[out] >> 8);
        t->half16[out][scale][code] = half[out];
    }
    t->f32[scale][code] = kernel_f32_canonical(value);
}

/*
 * An 8-bit float with `mantissa_bits` M: (1 + m / 2^M) * 2^(e - bias), or m / 2^M * 2^(1 - bias)
 * for e = 0.
 */
static float fp8_finite(unsigned code, int mantissa_bits, int bias)
{
    int m = (int)code & ((1 << mantissa_bits) - 1);
    int e = (int)(code & 127) >> mantissa_bits;
    double magnitude = e ? ldexp(m + (1 << mantissa_bits), e - bias - mantissa_bits)
                         : ldexp(m, 1 - bias - mantissa_bits);
    return (float)(code & 128 ? -magnitude : magnitude);
}

/* E4M3 "FN": no infinities; only 0x7F and 0xFF are NaN. */
static float e4m3_value(unsigned code)
{
    if ((code & 127) == 127)
        return kernel_f32_from_bits(KERNEL_NAN_F32);
    return fp8_finite(code, 3, 7);
}

/* E5M2: as in IEEE 754, the largest exponent is reserved for infinity and NaN. */
static float e5m2_value(unsigned code)
{
    if ((code & 127) > 0x7c)
        return kernel_f32_from_bits(KERNEL_NAN_F32);
    if ((code & 127) == 0x7c)
        return code & 128 ? -INFINITY : INFINITY;
    return fp8_finite(code, 2, 15);
}

void mxfs_tables_init(struct mxfs_tables *tables)
{
    for (unsigned scale = 0; scale < 256; scale++)
        for (unsigned code = 0; code < 16; code++)
            fill_mxfp4(&tables->mxfp4, scale, code);
    for (unsigned code = 0; code < 256; code++) {
        tables->fp8[MXFS_FP8_E4M3][code] = e4m3_value(code);
        tables->fp8[MXFS_FP8_E5M2][code] = e5m2_value(code);
    }
}
