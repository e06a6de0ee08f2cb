/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 with AVX-512: one permute of 16 float32 values decodes a block.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_round.h"
#include "float.h"

/* The 16 codes of a block, one per byte, times its scale. */
AVX512_INLINE __m512 block_values(__m128i codes, const float *scale)
{
    const __m512 e2m1 = _mm512_setr_ps(0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f,
                                       -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f);
    __m512 values = _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(codes), e2m1);
    return _mm512_mul_ps(values, _mm512_set1_ps(*scale));
}

/* Decodes two blocks. The caller has checked that all scales are finite, so no product is NaN. */
AVX512_INLINE void pair_step(uint8_t *dst, const uint8_t *codes, const float *scales,
                             enum mxfs_out out)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)codes);
    __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
    __m512 a = block_values(_mm_unpacklo_epi8(low, high), scales);
    __m512 b = block_values(_mm_unpackhi_epi8(low, high), scales + 1);
    if (out == MXFS_OUT_F32) {
        _mm512_storeu_ps(dst, a);
        _mm512_storeu_ps(dst + 64, b);
    } else {
        _mm512_storeu_si512(dst, words_of(a, b, out));
    }
}

AVX512_INLINE void nvfp4_blocks(uint8_t *dst, const struct mxfs_nvfp4_blocks *in, enum mxfs_out out)
{
    struct mxfs_nvfp4_blocks rest = *in;
    size_t pairs = kernel_all_finite(rest.scales, rest.blocks) ? rest.blocks / 2 : 0;

    for (size_t i = 0; i < pairs; i++) {
        pair_step(dst, rest.codes, rest.scales, out);
        dst += 2 * MXFS_NVFP4_BLOCK * mxfs_out_size(out);
        rest.codes += 2 * MXFS_NVFP4_BYTES;
        rest.scales += 2;
    }
    rest.blocks -= 2 * pairs;
    if (rest.blocks)
        kernel_scalar.nvfp4_blocks[out](
            dst, &(struct mxfs_nvfp4_blocks){rest.codes, rest.scales, rest.blocks});
}

KERNEL_DEFINE(AVX512, avx512, nvfp4_blocks)

#else
typedef int kernel_avx512_nvfp4_is_for_x86_64; /* ISO C requires a declaration */
#endif
