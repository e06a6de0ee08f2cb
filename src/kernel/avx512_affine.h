/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Shared by the affine operations with AVX-512.
 */
#ifndef MXFS_KERNEL_AVX512_AFFINE_H
#define MXFS_KERNEL_AVX512_AFFINE_H

#include "affine.h"
#include "avx512_round.h"

/* Codes in one vector and in two. */
enum { CODES = 16, TWO = 2 * CODES };

/* A mask of the first n < 16 codes. */
AVX512_INLINE __mmask16 first_codes(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

/* Makes every NaN canonical. */
AVX512_INLINE __m512 canonical(__m512 v)
{
    __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(v, is_nan, _mm512_castsi512_ps(_mm512_set1_epi32(KERNEL_NAN_F32)));
}

/* Rounds to `via` and back; NaN must be canonical and stays so. */
AVX512_INLINE __m512 through(__m512 v, enum mxfs_out via)
{
    if (via == MXFS_OUT_BF16)
        return _mm512_castsi512_ps(
            _mm512_and_si512(round_bf16(v), _mm512_set1_epi32((int)0xffff0000)));
    if (via == MXFS_OUT_F16)
        return _mm512_cvtph_ps(_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    return v;
}

/* The steps from a value to a result, decided once per run. */
struct steps {
    bool zeros, biases;         /* whether there are any */
    bool nan;                   /* whether NaN may occur that is not canonical */
    enum mxfs_out product_type; /* type that the product is rounded to */
    enum mxfs_out last_type;    /* type that the sum is rounded to */
};

/* Whether no entry is infinite or NaN. */
AVX512_INLINE bool all_finite(const float *entries, size_t n)
{
    enum { NAN_OR_INFINITE = 0x99 }; /* both signs, quiet and signalling */
    __mmask16 found = 0;

    for (size_t i = 0; entries && i < n; i += CODES) {
        __mmask16 live = n - i < CODES ? first_codes(n - i) : 0xffff;
        found |= _mm512_fpclass_ps_mask(_mm512_maskz_loadu_ps(live, entries + i), NAN_OR_INFINITE);
    }
    return !found;
}

/*
 * The last result needs no rounding of its own if the output has that type. Finite values and
 * entries never give NaN: a product may overflow, but adding a finite bias leaves it infinite.
 */
AVX512_INLINE struct steps steps_of(const struct mxfs_affine *a, size_t groups, enum mxfs_out out,
                                    bool finite_values)
{
    enum mxfs_out last = a->via == out ? MXFS_OUT_F32 : a->via;
    return (struct steps){
        .zeros = a->zeros != NULL,
        .biases = a->biases != NULL,
        .nan = !finite_values || !all_finite(a->scales, groups) || !all_finite(a->zeros, groups) ||
               !all_finite(a->biases, groups),
        .product_type = a->biases ? a->via : last,
        .last_type = last,
    };
}

/*
 * The common case: no NaN, and no rounding except to the output type. With constant arguments, the
 * result is constant.
 */
AVX512_INLINE struct steps common_steps(bool zeros, bool biases, enum mxfs_out out)
{
    return (struct steps){zeros, biases, false, biases ? out : MXFS_OUT_F32, MXFS_OUT_F32};
}

AVX512_INLINE bool are_common(const struct steps *s, enum mxfs_out out)
{
    struct steps common = common_steps(s->zeros, s->biases, out);
    return !s->nan && s->product_type == common.product_type && s->last_type == common.last_type;
}

/* The entries of the groups that 16 lanes belong to. */
struct entries {
    __m512 scale, zero, bias; /* one per lane */
};

/* As kernel_affine_value(), without rounding to the output type. */
AVX512_INLINE __m512 affine_lanes(__m512 v, const struct entries *e, const struct steps *s)
{
    if (s->zeros)
        v = _mm512_sub_ps(v, e->zero);
    v = _mm512_mul_ps(v, e->scale);
    if (MXFS_UNLIKELY(s->nan))
        v = canonical(v);
    v = through(v, s->product_type);
    if (s->biases) {
        v = _mm512_add_ps(v, e->bias);
        if (MXFS_UNLIKELY(s->nan))
            v = canonical(v);
        v = through(v, s->last_type);
    }
    return v;
}

/* Number of groups in a run of n codes. */
static inline size_t groups_of(const struct mxfs_affine *a, size_t n)
{
    return n ? (a->skip + n - 1) / a->group + 1 : 0;
}

AVX512_INLINE __m512 broadcast(const float *entries, size_t group)
{
    return entries ? _mm512_set1_ps(entries[group]) : _mm512_setzero_ps();
}

/* The entries of one group, in all lanes. */
AVX512_INLINE struct entries entries_of(const struct mxfs_affine *a, size_t group)
{
    return (struct entries){broadcast(a->scales, group), broadcast(a->zeros, group),
                            broadcast(a->biases, group)};
}

/* Converts 16 float32 values to a 16-bit output type. */
AVX512_INLINE __m256i words_of_16(__m512 v, enum mxfs_out out)
{
    if (out == MXFS_OUT_BF16)
        return _mm512_cvtepi32_epi16(_mm512_srli_epi32(round_bf16(v), 16));
    return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
}

/* Stores the elements in `live`. */
AVX512_INLINE void store_live(uint8_t *dst, __m512 v, __mmask16 live, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32)
        _mm512_mask_storeu_ps(dst, live, v);
    else
        _mm256_mask_storeu_epi16(dst, live, words_of_16(v, out));
}

/* Stores 32 elements. */
AVX512_INLINE void store_two(uint8_t *dst, __m512 v, __m512 w, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32) {
        _mm512_storeu_ps(dst, v);
        _mm512_storeu_ps(dst + 64, w);
    } else {
        _mm512_storeu_si512(dst, words_of(v, w, out));
    }
}

/* 16 codes as 32-bit indices; permutes use only the lowest four bits. */
AVX512_INLINE __m512i index_32(__m128i bytes, enum mxfs_nibbles nibbles)
{
    const __m512i low_first =
        _mm512_set_epi32(60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4, 0);
    const __m512i high_first =
        _mm512_set_epi32(56, 60, 48, 52, 40, 44, 32, 36, 24, 28, 16, 20, 8, 12, 0, 4);
    if (!kernel_nibbles_paired(nibbles)) {
        __m512i words = _mm512_cvtepu8_epi32(bytes);
        return nibbles == MXFS_NIBBLES_HIGH ? _mm512_srli_epi32(words, 4) : words;
    }
    return _mm512_multishift_epi64_epi8(nibbles == MXFS_NIBBLES_LOW_FIRST ? low_first : high_first,
                                        _mm512_broadcastq_epi64(bytes));
}

/*
 * How 8-bit codes become float32: a byte placed in the lowest byte of 2^23, whose last bit is worth
 * 1, adds its own value. Two's complement numbers first get 128 added.
 */
struct bytes {
    __m256i flip; /* bits to flip in every code */
    __m512 less;  /* excess of the resulting float */
};

AVX512_INLINE struct bytes bytes_by(enum mxfs_code8 meaning)
{
    return (struct bytes){
        .flip = _mm256_set1_epi8(meaning == MXFS_CODE8_SIGNED ? (char)0x80 : 0),
        .less = _mm512_set1_ps(meaning == MXFS_CODE8_UNSIGNED ? 0x1p23f : 0x1p23f + 128),
    };
}

/* Converts bytes 16 * half .. 16 * half + 15 of a vector that is already flipped. */
AVX512_INLINE __m512 as_floats(__m256i flipped, unsigned half, const struct bytes *o)
{
    const __m512i order = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i index = _mm512_add_epi32(order, _mm512_set1_epi32(16 * (int)half));
    __m512i v =
        _mm512_mask_permutexvar_epi8(_mm512_castps_si512(_mm512_set1_ps(0x1p23f)),
                                     0x1111111111111111, index, _mm512_castsi256_si512(flipped));
    return _mm512_sub_ps(_mm512_castsi512_ps(v), o->less);
}

enum { CODE8_LONG = 1024 }; /* 8-bit codes in one group from which on a table of results pays off */

#endif
