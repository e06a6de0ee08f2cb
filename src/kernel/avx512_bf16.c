/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * 8-bit codes for processors that round to BF16: one instruction for 32 numbers in place of seven.
 * VCVTNE2PS2BF16 treats subnormal numbers as 0 and keeps the payload of NaN, so it is used only
 * where neither can occur.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"

#define AVX512_BF16 \
    MXFS_TARGET("avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bf16")
#define AVX512_BF16_INLINE MXFS_INLINE AVX512_BF16

/*
 * Whether each entry is 0, or finite and at least 2^-40. Codes are whole numbers, so differences
 * are multiples of 2^(-40-23) and products are 0 or at least 2^-103; rounded ones, and their sums
 * with biases, are multiples of 2^-110: nothing is subnormal.
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

/* The steps of a run; all constants. */
struct kind {
    bool zeros, biases; /* whether there are any */
    bool once;          /* whether products are not rounded before biases are added */
};

/* Decodes 32 codes of a group. */
AVX512_BF16_INLINE __m512i step(__m256i codes, const struct entries *e, const struct bytes *o,
                                struct kind kind)
{
    codes = _mm256_xor_si256(codes, o->flip);
    __m512 v = as_floats(codes, 0, o), w = as_floats(codes, 1, o);
    if (kind.zeros) {
        v = _mm512_sub_ps(v, e->zero);
        w = _mm512_sub_ps(w, e->zero);
    }
    v = _mm512_mul_ps(v, e->scale);
    w = _mm512_mul_ps(w, e->scale);
    if (!kind.biases)
        return rounded(v, w);
    if (!kind.once) {
        __m512i words = rounded(v, w);
        v = widened(words, 0);
        w = widened(words, CODES);
    }
    return rounded(_mm512_add_ps(v, e->bias), _mm512_add_ps(w, e->bias));
}

/* Decodes n codes of one group. */
AVX512_BF16_INLINE void one_group(uint8_t *dst, const uint8_t *codes, size_t n,
                                  const struct entries *e, const struct bytes *o, struct kind kind)
{
    for (; n >= TWO; n -= TWO, codes += TWO, dst += 2 * TWO) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)codes);
        _mm512_storeu_si512(dst, step(bytes, e, o, kind));
    }
    if (n > 0) {
        __mmask32 live = (1u << n) - 1;
        __m256i bytes = _mm256_maskz_loadu_epi8(live, codes);
        _mm512_mask_storeu_epi16(dst, live, step(bytes, e, o, kind));
    }
}

AVX512_BF16_INLINE void groups(uint8_t *dst, const struct mxfs_code8_run *in, struct kind kind)
{
    const struct mxfs_code8_run run = *in;
    const struct bytes o = bytes_by(run.meaning);
    size_t left = run.affine->group - run.affine->skip;

    for (size_t at = 0, group = 0; at < run.n; group++) {
        struct entries e = entries_of(run.affine, group);
        size_t end = kernel_group_end(at, left, run.n);
        one_group(dst + 2 * at, run.codes + at, end - at, &e, &o, kind);
        at = end;
        left = run.affine->group;
    }
}

AVX512_BF16 void kernel_avx512bf16_code8_run_bf16(void *dst, const struct mxfs_code8_run *in)
{
    const struct mxfs_affine *a = in->affine;
    size_t count = groups_of(a, in->n);
    bool once = a->via == MXFS_OUT_F32;

    if (a->group == 1 || a->group >= CODE8_LONG || a->via == MXFS_OUT_F16 ||
        !are_tame(a->scales, count) || !are_tame(a->zeros, count) || !are_tame(a->biases, count))
        kernel_avx512_code8_run_bf16(dst, in);
    else if (a->biases && a->zeros)
        groups(dst, in, (struct kind){true, true, once});
    else if (a->biases)
        groups(dst, in, (struct kind){false, true, once});
    else if (a->zeros)
        groups(dst, in, (struct kind){true, false, true});
    else
        groups(dst, in, (struct kind){false, false, true});
}

#else
typedef int kernel_avx512_bf16_is_for_x86_64; /* ISO C requires a declaration */
#endif
