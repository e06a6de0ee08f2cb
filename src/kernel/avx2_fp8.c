/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with AVX2: float32 products of what F16C converts.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx2_round.h"
#include "define.h"
#include "float.h"
#include "mxfs/dtype.h"

/*
 * FP8. E5M2 is the upper byte of an F16. E4M3, sign-extended and shifted by 7, has its sign at 15
 * and its other bits at 13..7 (the copy of the sign at 14 is cleared), which an F16 reads as the
 * same number divided by 2^8 (biases 7 and 15), subnormals included. NaN is made the canonical one
 * here: it then stays so in the product, whose operand it is.
 */
AVX2_INLINE __m256i fp8_as_f16(__m128i codes, enum mxfs_fp8 format)
{
    const __m256i nan = _mm256_set1_epi16(MXFS_NAN_F16);
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

AVX2_INLINE void fp8_format(uint8_t *dst, const uint8_t *codes, size_t n, __m256 scale,
                            enum mxfs_fp8 format, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out);
    for (size_t i = 0; i <= n - 16; i += 16)
        fp8_step(dst + i * size, codes + i, scale, format, out);
    if (n % 16)
        fp8_step(dst + (n - 16) * size, codes + n - 16, scale, format, out);
}

/*
 * E4M3's factor 2^8 is moved to the scale, which is exact unless it overflows; scalar code takes
 * that case too.
 */
AVX2_INLINE void fp8_run(const struct mxfs_tables *t, void *dst, const uint8_t *codes, size_t n,
                         enum mxfs_fp8 format, float scale, enum mxfs_out out)
{
    float factor = format == MXFS_FP8_E4M3 ? scale * 256 : scale;
    if (n < 16 || !mxfs_fp8_nan_from_codes(format, factor))
        mxfs_kernel_scalar.fp8_run[out](t, dst, codes, n, format, scale);
    else if (format == MXFS_FP8_E4M3)
        fp8_format(dst, codes, n, _mm256_set1_ps(factor), MXFS_FP8_E4M3, out);
    else
        fp8_format(dst, codes, n, _mm256_set1_ps(factor), MXFS_FP8_E5M2, out);
}

AVX2_INLINE void mxfp8_block(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                             enum mxfs_fp8 format, uint8_t scale, enum mxfs_out out)
{
    fp8_run(t, dst, codes, MXFS_MX_BLOCK, format, mxfs_e8m0_value(scale), out);
}

MXFS_DEFINE_FP8_RUN(AVX2, mxfs_avx2_fp8_run, fp8_run)
MXFS_DEFINE_FP8_BLOCKS(AVX2, mxfs_avx2_fp8_blocks, fp8_run)
MXFS_DEFINE_MXFP8_BLOCKS(AVX2, mxfs_avx2_mxfp8, mxfp8_block)

#else
typedef int mxfs_avx2_fp8_is_for_x86_64; /* ISO C wants a declaration */
#endif
