/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with AVX-512: float32 products of what F16C converts, as in the AVX2 variant.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_round.h"
#include "define.h"
#include "float.h"

enum { CODES = 32 }; /* of one step */

/* Where a step reads and writes; `live` has a bit for each of its codes, all of them but in tails.
 */
struct step {
    uint8_t *dst;
    const uint8_t *codes;
    __mmask32 live;
    __m512 scale;
};

/*
 * 32 codes as F16, E4M3 divided by 2^8, NaN canonical (see the AVX2 variant).
 */
AVX512_INLINE __m512i codes_as_f16(__m256i codes, enum mxfs_fp8 format)
{
    const __m512i nan = _mm512_set1_epi16(MXFS_NAN_F16);
    __m256i magnitude = _mm256_and_si256(codes, _mm256_set1_epi8(0x7f));
    if (format == MXFS_FP8_E5M2) {
        __mmask32 is_nan = _mm256_cmpgt_epu8_mask(magnitude, _mm256_set1_epi8(0x7c));
        __m512i half = _mm512_slli_epi16(_mm512_cvtepu8_epi16(codes), 8);
        return _mm512_mask_mov_epi16(half, is_nan, nan);
    }
    __mmask32 is_nan = _mm256_cmpeq_epi8_mask(magnitude, _mm256_set1_epi8(0x7f));
    __m512i half = _mm512_slli_epi16(_mm512_cvtepi8_epi16(codes), 7);
    half = _mm512_and_si512(half, _mm512_set1_epi16((short)0xbf80));
    return _mm512_mask_mov_epi16(half, is_nan, nan);
}

AVX512_INLINE void store_step(const struct step *s, __m512 a, __m512 b, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32) {
        _mm512_mask_storeu_ps(s->dst, (__mmask16)s->live, a);
        _mm512_mask_storeu_ps(s->dst + 64, (__mmask16)(s->live >> 16), b);
    } else {
        _mm512_mask_storeu_epi16(s->dst, s->live, words_of(a, b, out));
    }
}

AVX512_INLINE void fp8_step(const struct step *s, enum mxfs_fp8 format, enum mxfs_out out)
{
    __m512i halves = codes_as_f16(_mm256_maskz_loadu_epi8(s->live, s->codes), format);
    __m512 a = _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
    __m512 b = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(halves, 1));
    store_step(s, _mm512_mul_ps(a, s->scale), _mm512_mul_ps(b, s->scale), out);
}

AVX512_INLINE void fp8_walk(struct step s, size_t n, enum mxfs_fp8 format, enum mxfs_out out)
{
    for (; n >= CODES; n -= CODES) {
        s.live = UINT32_MAX; /* a constant, so that the compiler drops the masks */
        fp8_step(&s, format, out);
        s.dst += CODES * mxfs_out_size(out);
        s.codes += CODES;
    }
    s.live = (1u << n) - 1;
    if (n)
        fp8_step(&s, format, out);
}

/*
 * E4M3's factor 2^8 is moved to the scale, which is exact unless it overflows; scalar code takes
 * that case too.
 */
AVX512_INLINE void fp8_run(const struct mxfs_tables *t, void *dst, const uint8_t *codes, size_t n,
                           enum mxfs_fp8 format, float scale, enum mxfs_out out)
{
    float factor = format == MXFS_FP8_E4M3 ? scale * 256 : scale;
    struct step s = {dst, codes, 0, _mm512_set1_ps(factor)};
    if (!mxfs_fp8_nan_from_codes(format, factor))
        mxfs_kernel_scalar.fp8_run[out](t, dst, codes, n, format, scale);
    else if (format == MXFS_FP8_E4M3)
        fp8_walk(s, n, MXFS_FP8_E4M3, out);
    else
        fp8_walk(s, n, MXFS_FP8_E5M2, out);
}

MXFS_DEFINE_FP8_RUN(AVX512, mxfs_avx512_fp8_run, fp8_run)
MXFS_DEFINE_FP8_BLOCKS(AVX512, mxfs_avx512_fp8_blocks, fp8_run)

#else
typedef int mxfs_avx512_fp8_is_for_x86_64; /* ISO C wants a declaration */
#endif
