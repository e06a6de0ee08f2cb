/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 and narrowing with AVX2: float32 products, rounded to the output type.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx2_round.h"
#include "float.h"

/*
 * 16 codes (bytes 0..15) as F16. The low byte of every E2M1 value is 0 as F16, so only the high
 * byte is looked up: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
 */
AVX2_INLINE __m256i e2m1_as_f16(__m128i codes)
{
    const __m128i upper =
        _mm_setr_epi8(0x00, 0x38, 0x3c, 0x3e, 0x40, 0x42, 0x44, 0x46, (char)0x80, (char)0xb8,
                      (char)0xbc, (char)0xbe, (char)0xc0, (char)0xc2, (char)0xc4, (char)0xc6);
    return _mm256_slli_epi16(_mm256_cvtepu8_epi16(_mm_shuffle_epi8(upper, codes)), 8);
}

/* Decodes one block. The caller has checked that all scales are finite, so no product is NaN. */
AVX2_INLINE void block_step(uint8_t *dst, const uint8_t *codes, const float *scale,
                            enum mxfs_out out)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)codes);
    __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
    __m256i halves = e2m1_as_f16(_mm_unpacklo_epi8(low, high));
    __m256 factor = _mm256_broadcast_ss(scale);
    __m256 a = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
    __m256 b = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
    store_rounded(dst, _mm256_mul_ps(a, factor), _mm256_mul_ps(b, factor), out);
}

AVX2_INLINE void lanes_step(uint8_t *dst, const uint8_t *codes, const float *scales, __m128i shift,
                            enum mxfs_out out)
{
    __m128i bytes = _mm_srl_epi16(_mm_loadu_si128((const __m128i *)codes), shift);
    __m256i halves = e2m1_as_f16(_mm_and_si128(bytes, _mm_set1_epi8(15)));
    __m256 a = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
    __m256 b = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
    a = _mm256_mul_ps(a, _mm256_loadu_ps(scales));
    b = _mm256_mul_ps(b, _mm256_loadu_ps(scales + 8));
    store_rounded(dst, canonical(a), canonical(b), out);
}

AVX2_INLINE void narrow_step(uint8_t *dst, const float *src, const float *factors,
                             enum mxfs_out via, enum mxfs_out out)
{
    __m256 a = _mm256_loadu_ps(src), b = _mm256_loadu_ps(src + 8);
    if (factors) {
        a = _mm256_mul_ps(a, _mm256_loadu_ps(factors));
        b = _mm256_mul_ps(b, _mm256_loadu_ps(factors + 8));
    }
    store_rounded(dst, through(a, via), through(b, via), out);
}

AVX2_INLINE void nvfp4_blocks(uint8_t *dst, const struct mxfs_nvfp4_blocks *in, enum mxfs_out out)
{
    const struct mxfs_nvfp4_blocks b = *in;

    if (!kernel_all_finite(b.scales, b.blocks)) {
        kernel_scalar.nvfp4_blocks[out](dst, in);
        return;
    }
    for (size_t i = 0; i < b.blocks; i++)
        block_step(dst + i * MXFS_NVFP4_BLOCK * mxfs_out_size(out), b.codes + i * MXFS_NVFP4_BYTES,
                   b.scales + i, out);
}

AVX2_INLINE void nvfp4_lanes(uint8_t *dst, const struct mxfs_nvfp4_lanes *in, enum mxfs_out out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)in->shift);
    const struct mxfs_nvfp4_lanes l = *in;
    size_t size = mxfs_out_size(out), i = 0;

    for (; l.n - i >= 16; i += 16)
        lanes_step(dst + i * size, l.codes + i, l.scales + i, shift, out);
    if (i < l.n)
        kernel_scalar.nvfp4_lanes[out](
            dst + i * size,
            &(struct mxfs_nvfp4_lanes){l.codes + i, l.scales + i, l.n - i, l.shift});
}

/* Inlined where the compiler knows whether `factors` is NULL. */
AVX2_INLINE size_t narrow_steps(uint8_t *dst, const struct mxfs_narrow *in, const float *factors,
                                enum mxfs_out out)
{
    const struct mxfs_narrow run = *in;
    size_t i = 0;

    for (; run.n - i >= 16; i += 16)
        narrow_step(dst + i * mxfs_out_size(out), run.src + i, factors ? factors + i : NULL,
                    run.via, out);
    return i;
}

AVX2_INLINE void narrow(uint8_t *dst, const struct mxfs_narrow *in, enum mxfs_out out)
{
    size_t i =
        in->factors ? narrow_steps(dst, in, in->factors, out) : narrow_steps(dst, in, NULL, out);

    if (i < in->n)
        kernel_scalar.narrow[out](dst + i * mxfs_out_size(out),
                                  &(struct mxfs_narrow){in->src + i,
                                                        in->factors ? in->factors + i : NULL,
                                                        in->n - i, in->via});
}

KERNEL_DEFINE(AVX2, avx2, nvfp4_blocks)
KERNEL_DEFINE(AVX2, avx2, nvfp4_lanes)
KERNEL_DEFINE(AVX2, avx2, narrow)

#else
typedef int kernel_avx2_nvfp4_is_for_x86_64; /* ISO C requires a declaration */
#endif
