/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Float32 lanes rounded to the output types with AVX2. NaN must already be canonical unless stated
 * otherwise.
 */
#ifndef MXFS_KERNEL_AVX2_ROUND_H
#define MXFS_KERNEL_AVX2_ROUND_H

#include <immintrin.h>

#include "mxfs/compiler.h"
#include "mxfs/kernel.h"

#include "float.h"

#define AVX2 MXFS_TARGET("avx2,f16c")
#define AVX2_INLINE MXFS_INLINE AVX2

AVX2_INLINE void store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

/* As kernel_f32_to_bf16(), in the lower half of each 32-bit lane; a canonical NaN stays one. */
AVX2_INLINE __m256i round_bf16(__m256 v)
{
    __m256i bits = _mm256_castps_si256(v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    bits = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    return _mm256_srli_epi32(bits, 16);
}

/* Makes every NaN canonical. */
AVX2_INLINE __m256 canonical(__m256 v)
{
    __m256 is_nan = _mm256_cmp_ps(v, v, _CMP_UNORD_Q);
    return _mm256_blendv_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(KERNEL_NAN_F32)), is_nan);
}

/* Rounds to `via` and back and makes NaN canonical. */
AVX2_INLINE __m256 through(__m256 v, enum mxfs_out via)
{
    v = canonical(v);
    if (via == MXFS_OUT_BF16)
        return _mm256_castsi256_ps(_mm256_slli_epi32(round_bf16(v), 16));
    if (via == MXFS_OUT_F16)
        return _mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    return v;
}

/* Stores 16 elements of the output type. */
AVX2_INLINE void store_rounded(uint8_t *dst, __m256 a, __m256 b, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32) {
        store(dst, _mm256_castps_si256(a));
        store(dst + 32, _mm256_castps_si256(b));
    } else if (out == MXFS_OUT_BF16) {
        __m256i words = _mm256_packus_epi32(round_bf16(a), round_bf16(b));
        store(dst, _mm256_permute4x64_epi64(words, 0xd8));
    } else {
        store(dst, _mm256_setr_m128i(_mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT),
                                     _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT)));
    }
}

#endif
