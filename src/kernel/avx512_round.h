/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Float32 lanes rounded to the output types with AVX-512. NaN must already be canonical.
 */
#ifndef MXFS_KERNEL_AVX512_ROUND_H
#define MXFS_KERNEL_AVX512_ROUND_H

#include <immintrin.h>

#include "mxfs/compiler.h"
#include "mxfs/kernel.h"

#define AVX512 MXFS_TARGET("avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")
#define AVX512_INLINE MXFS_INLINE AVX512

/* As kernel_f32_to_bf16(); the result is in the upper half of each 32-bit lane. */
AVX512_INLINE __m512i round_bf16(__m512 v)
{
    __m512i bits = _mm512_castps_si512(v);
    __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
    __m512i rounded = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff));
    return _mm512_mask_sub_epi32(rounded, odd, rounded, _mm512_set1_epi32(-1));
}

/* The upper halves of the lanes of a, then of b. */
AVX512_INLINE __m512i upper_halves(__m512i a, __m512i b)
{
    const __m512i odd_words =
        _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                         25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    return _mm512_permutex2var_epi16(a, odd_words, b);
}

/* 0, 2 .. 126: each lane starts 16 after the one before. */
AVX512_INLINE __m512i even_numbers(void)
{
    const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_add_epi64(_mm512_set1_epi64(0x0e0c0a0806040200),
                            _mm512_mullo_epi64(lane, _mm512_set1_epi64(0x1010101010101010)));
}

/* The low bytes of the words of a, then of b. */
AVX512_INLINE __m512i even_bytes(__m512i a, __m512i b)
{
    return _mm512_permutex2var_epi8(a, even_numbers(), b);
}

/* The high bytes of the words of a, then of b. */
AVX512_INLINE __m512i odd_bytes(__m512i a, __m512i b)
{
    return _mm512_permutex2var_epi8(a, _mm512_add_epi8(even_numbers(), _mm512_set1_epi8(1)), b);
}

/* Orders 64 bytes so that unpacking the low halves of 16-byte lanes gives the first 32. */
AVX512_INLINE __m512i unpack_order(__m512i bytes)
{
    return _mm512_permutexvar_epi64(_mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0), bytes);
}

/* The elements of a, then those of b, in a 16-bit output type. */
AVX512_INLINE __m512i words_of(__m512 a, __m512 b, enum mxfs_out out)
{
    if (out == MXFS_OUT_BF16)
        return upper_halves(round_bf16(a), round_bf16(b));
    __m256i low = _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT);
    __m256i high = _mm512_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

#endif
