/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 with AVX-512: one permute of 16 float32 values gives a block.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_round.h"
#include "define.h"
#include "float.h"

/* The 16 codes of a block, as octets, times its scale. */
AVX512_INLINE __m512 block_values(__m128i codes, const float *scale)
{
    const __m512 e2m1 = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f,
                                       -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f);
    __m512 values = _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(codes), e2m1);
    return _mm512_mul_ps(values, _mm512_set1_ps(*scale));
}

/* Two blocks; no scale is infinite or NaN here, so no product is NaN. */
AVX512_INLINE void pair_step(uint8_t *dst, const uint8_t *codes, const float *scales,
                             enum mxfs_out out)
{
    __m128i octets = _mm_loadu_si128((const __m128i *)codes);
    __m128i low = _mm_and_si128(octets, _mm_set1_epi8(15));
    __m128i high = _mm_and_si128(_mm_srli_epi16(octets, 4), _mm_set1_epi8(15));
    __m512 a = block_values(_mm_unpacklo_epi8(low, high), scales);
    __m512 b = block_values(_mm_unpackhi_epi8(low, high), scales + 1);
    if (out == MXFS_OUT_F32) {
        _mm512_storeu_ps(dst, a);
        _mm512_storeu_ps(dst + 64, b);
    } else {
        _mm512_storeu_si512(dst, words_of(a, b, out));
    }
}

AVX512_INLINE void nvfp4_blocks(uint8_t *dst, const uint8_t *codes, const float *scales,
                                size_t blocks, enum mxfs_out out)
{
    size_t i = 0;

    if (mxfs_all_finite(scales, blocks)) {
        for (; i + 2 <= blocks; i += 2)
            pair_step(dst + i * MXFS_NVFP4_BLOCK * mxfs_out_size(out), codes + i * MXFS_NVFP4_BYTES,
                      scales + i, out);
    }
    mxfs_kernel_scalar.nvfp4_blocks[out](dst + i * MXFS_NVFP4_BLOCK * mxfs_out_size(out),
                                         codes + i * MXFS_NVFP4_BYTES, scales + i, blocks - i);
}

MXFS_DEFINE_NVFP4_BLOCKS(AVX512, mxfs_avx512_nvfp4_blocks, nvfp4_blocks)

#else
typedef int mxfs_avx512_nvfp4_is_for_x86_64; /* ISO C wants a declaration */
#endif
