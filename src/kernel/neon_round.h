/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Float32 lanes rounded to the output types with NEON (Advanced SIMD of arm64).
 *
 * Conversions and products rely on the state in which Linux starts threads (FPCR 0): rounding to
 * nearest even, subnormals kept, NaN operands propagated. canonical() replaces whichever NaN a
 * product gives.
 */
#ifndef MXFS_KERNEL_NEON_ROUND_H
#define MXFS_KERNEL_NEON_ROUND_H

#include <arm_neon.h>

#include "float.h"
#include "mxfs/compiler.h"
#include "mxfs/kernel.h"

/* Replaces NaN lanes, the only ones that differ from themselves, by the canonical NaN. */
MXFS_INLINE float32x4_t canonical(float32x4_t v)
{
    const float32x4_t nan = vreinterpretq_f32_u32(vdupq_n_u32(KERNEL_NAN_F32));
    return vbslq_f32(vceqq_f32(v, v), v, nan);
}

/*
 * As kernel_f32_to_bf16(), in the upper half of each lane; the bits below it must be dropped. A
 * canonical NaN stays one.
 */
MXFS_INLINE uint32x4_t round_bf16(float32x4_t v)
{
    uint32x4_t bits = vreinterpretq_u32_f32(v);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    return vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
}

/* Eight words of a 16-bit output type. NaN must already be canonical. */
MXFS_INLINE uint16x8_t words_of(float32x4_t a, float32x4_t b, enum mxfs_out out)
{
    if (out == MXFS_OUT_BF16)
        return vshrn_high_n_u32(vshrn_n_u32(round_bf16(a), 16), round_bf16(b), 16);
    return vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(a), b));
}

/* Stores bytes, since destinations may be unaligned. */
MXFS_INLINE void store_words(uint8_t *dst, uint16x8_t words)
{
    vst1q_u8(dst, vreinterpretq_u8_u16(words));
}

/* Stores eight elements of the output type and makes NaN canonical. */
MXFS_INLINE void store_rounded(uint8_t *dst, float32x4_t a, float32x4_t b, enum mxfs_out out)
{
    a = canonical(a);
    b = canonical(b);
    if (out == MXFS_OUT_F32) {
        vst1q_u8(dst, vreinterpretq_u8_f32(a));
        vst1q_u8(dst + 16, vreinterpretq_u8_f32(b));
    } else {
        store_words(dst, words_of(a, b, out));
    }
}

/* Rounds to `via` and back and makes NaN canonical. */
MXFS_INLINE float32x4_t through(float32x4_t v, enum mxfs_out via)
{
    v = canonical(v);
    if (via == MXFS_OUT_BF16)
        return vreinterpretq_f32_u32(vandq_u32(round_bf16(v), vdupq_n_u32(0xffff0000)));
    if (via == MXFS_OUT_F16)
        return vcvt_f32_f16(vcvt_f16_f32(v));
    return v;
}

/* Stores eight F16 words times a and b. */
MXFS_INLINE void store_products(uint8_t *dst, uint16x8_t halves, float32x4_t a, float32x4_t b,
                                enum mxfs_out out)
{
    float16x8_t v = vreinterpretq_f16_u16(halves);
    store_rounded(dst, vmulq_f32(vcvt_f32_f16(vget_low_f16(v)), a),
                  vmulq_f32(vcvt_high_f32_f16(v), b), out);
}

#endif
