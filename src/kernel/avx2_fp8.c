/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with AVX2: codes are converted to F16, F16C converts that to float32, which is multiplied.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx2_round.h"
#include "float.h"
#include "fp8.h"

/*
 * E5M2 is the upper byte of an F16. E4M3, sign-extended and shifted by 7, has its sign at bit 15
 * and the rest at 13..7 (the copy of the sign at 14 is cleared); read as F16 that is the same
 * number divided by 2^8 (biases 7 and 15), subnormals included. NaN becomes canonical here and
 * stays so, since a product with a NaN operand is that NaN.
 */
AVX2_INLINE __m256i fp8_as_f16(__m128i codes, enum mxfs_fp8 format)
{
    const __m256i nan = _mm256_set1_epi16(KERNEL_NAN_F16);
    __m256i half, magnitude, is_nan;
    if (format == MXFS_FP8_E5M2) {
        half = _mm256_slli_epi16(_mm256_cvtepu8_epi16(codes), 8);
        magnitude = _mm256_and_si256(half, _mm256_set1_epi16(0x7f00));
        is_nan = _mm256_cmpgt_epi16(magnitude, _mm256_set1_epi16(0x7c00));
    } else {
        half = _mm256_slli_epi16(_mm256_cvtepi8_epi16(codes), 7);
        half = _mm256_and_si256(half, _mm256_set1_epi16((short)0xbf80));
        magnitude = _mm256_and_si256(half, _mm256_set1_epi16(0x3f80));
        is_nan = _mm256_cmpeq_epi16(magnitude, _mm256_set1_epi16(0x3f80));
    }
    return _mm256_blendv_epi8(half, nan, is_nan);
}

AVX2_INLINE void fp8_step(uint8_t *dst, const uint8_t *codes, __m256 scale, enum mxfs_fp8 format,
                          enum mxfs_out out)
{
    __m256i halves = fp8_as_f16(_mm_loadu_si128((const __m128i *)codes), format);
    __m256 a = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
    __m256 b = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
    store_rounded(dst, _mm256_mul_ps(a, scale), _mm256_mul_ps(b, scale), out);
}

/* n >= 16. The last step may overlap the one before and write the same bytes again. */
AVX2_INLINE void fp8_steps(uint8_t *dst, const struct mxfs_fp8_run *in, __m256 scale,
                           enum mxfs_fp8 format, enum mxfs_out out)
{
    const struct mxfs_fp8_run run = *in;
    size_t size = mxfs_out_size(out);

    for (size_t i = 0; i <= run.n - 16; i += 16)
        fp8_step(dst + i * size, run.codes + i, scale, format, out);
    if (run.n % 16)
        fp8_step(dst + (run.n - 16) * size, run.codes + run.n - 16, scale, format, out);
}

/*
 * E4M3's factor 2^8 moves to the scale. That is exact unless the scale overflows; scalar code
 * handles that case, too.
 */
AVX2_INLINE void fp8_run(uint8_t *dst, const struct mxfs_fp8_run *in, enum mxfs_out out)
{
    float factor = in->format == MXFS_FP8_E4M3 ? in->scale * 256 : in->scale;

    if (in->n < 16 || !kernel_fp8_nan_from_codes(in->format, factor))
        kernel_fp8_scalar(dst, *in, out);
    else if (in->format == MXFS_FP8_E4M3)
        fp8_steps(dst, in, _mm256_set1_ps(factor), MXFS_FP8_E4M3, out);
    else
        fp8_steps(dst, in, _mm256_set1_ps(factor), MXFS_FP8_E5M2, out);
}

KERNEL_FP8_BLOCKS(AVX2_INLINE)
KERNEL_MXFP8_BLOCKS(AVX2_INLINE)
KERNEL_DEFINE(AVX2, avx2, fp8_run)
KERNEL_DEFINE(AVX2, avx2, fp8_blocks)
KERNEL_DEFINE(AVX2, avx2, mxfp8_blocks)

#else
typedef int kernel_avx2_fp8_is_for_x86_64; /* ISO C requires a declaration */
#endif
