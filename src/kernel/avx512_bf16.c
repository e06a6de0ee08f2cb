/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The AVX-512 variant for processors that also round to BF16: one instruction for 32 numbers in
 * place of seven. VCVTNE2PS2BF16 takes subnormal numbers for 0, gives them as 0, and keeps the
 * payload of NaN; so it is used where neither can occur.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"

#define AVX512_BF16 \
    MXFS_TARGET("avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bf16")
#define AVX512_BF16_INLINE MXFS_INLINE AVX512_BF16

/*
 * Whether each entry is 0, or finite and at least 2^-40. Codes are whole numbers, so differences
 * are multiples of 2^(-40-23), products are 0 or at least 2^-103, rounded they are multiples of
 * 2^-110, and so are sums with biases: nothing is subnormal.
 */
AVX512_INLINE bool are_tame(const float *entries, size_t n)
{
    const __m512 least = _mm512_set1_ps(0x1p-40f), infinity = _mm512_set1_ps(INFINITY);
    __mmask16 wild = 0;

    for (size_t i = 0; entries && i < n; i += CODES) {
        __mmask16 live = n - i < CODES ? first_codes(n - i) : 0xffff;
        __m512 v = _mm512_abs_ps(_mm512_maskz_loadu_ps(live, entries + i));
        __mmask16 nonzero = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        wild |= _mm512_mask_cmp_ps_mask(nonzero, v, least, _CMP_NGE_UQ);
        wild |= _mm512_cmp_ps_mask(v, infinity, _CMP_NLT_UQ);
    }
    return !wild;
}

AVX512_BF16_INLINE __m512i rounded(__m512 a, __m512 b)
{
    return (__m512i)_mm512_cvtne2ps_pbh(b, a);
}

/* 16 words as the upper halves of float32; `first` is a constant, 0 or 16. */
AVX512_INLINE __m512 widened(__m512i words, int first)
{
    const __m512i order = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i index = _mm512_slli_epi32(_mm512_add_epi32(order, _mm512_set1_epi32(first)), 16);
    return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, index, words));
}

/* 32 codes of a group. `zeros`, `biases` and `once` are constants; the last says that products are
 * not rounded where sums are. */
AVX512_BF16_INLINE __m512i step(__m256i codes, const struct entries *e, const struct octets *o,
                                bool zeros, bool biases, bool once)
{
    codes = _mm256_xor_si256(codes, o->flip);
    __m512 v = as_floats(codes, 0, o), w = as_floats(codes, 1, o);
    if (zeros) {
        v = _mm512_sub_ps(v, e->zero);
        w = _mm512_sub_ps(w, e->zero);
    }
    v = _mm512_mul_ps(v, e->scale);
    w = _mm512_mul_ps(w, e->scale);
    if (!biases)
        return rounded(v, w);
    if (!once) {
        __m512i words = rounded(v, w);
        v = widened(words, 0);
        w = widened(words, CODES);
    }
    return rounded(_mm512_add_ps(v, e->bias), _mm512_add_ps(w, e->bias));
}

AVX512_BF16_INLINE void groups(uint8_t *dst, const uint8_t *codes, size_t n,
                               const struct mxfs_affine *a, bool zeros, bool biases, bool once)
{
    const struct octets o = octets_by(a->octets);
    size_t left = a->group - a->skip;

    for (size_t group = 0; n > 0; group++) {
        struct entries e = entries_of(a, group);
        size_t count = n < left ? n : left;
        n -= count;
        left = a->group;
        for (; count >= TWO; count -= TWO, codes += TWO, dst += 2 * TWO) {
            __m256i octets = _mm256_loadu_si256((const __m256i *)codes);
            _mm512_storeu_si512(dst, step(octets, &e, &o, zeros, biases, once));
        }
        if (count > 0) {
            __mmask32 live = (1u << count) - 1;
            __m256i octets = _mm256_maskz_loadu_epi8(live, codes);
            _mm512_mask_storeu_epi16(dst, live, step(octets, &e, &o, zeros, biases, once));
            codes += count;
            dst += 2 * count;
        }
    }
}

AVX512_BF16 void mxfs_avx512_bf16_code8(void *dst, const uint8_t *codes, size_t n,
                                        const struct mxfs_affine *a)
{
    size_t count = groups_of(a, n);
    bool once = a->via == MXFS_OUT_F32;

    if (a->group == 1 || a->group >= CODE8_LONG || a->via == MXFS_OUT_F16 ||
        !are_tame(a->scales, count) || !are_tame(a->zeros, count) || !are_tame(a->biases, count))
        mxfs_avx512_code8_bf16(dst, codes, n, a);
    else if (a->biases && a->zeros)
        groups(dst, codes, n, a, true, true, once);
    else if (a->biases)
        groups(dst, codes, n, a, false, true, once);
    else if (a->zeros)
        groups(dst, codes, n, a, true, false, true);
    else
        groups(dst, codes, n, a, false, false, true);
}

#else
typedef int mxfs_avx512_bf16_is_for_x86_64; /* ISO C wants a declaration */
#endif
