/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Codes of 4 bits in groups by column with AVX-512: permutes choose each code's entries.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"
#include "define.h"

enum { PICKED_GROUPS = 256 };

/* Entries that permutes choose from, 32 at a time. */
struct picked {
    _Alignas(64) float scales[PICKED_GROUPS], zeros[PICKED_GROUPS], biases[PICKED_GROUPS];
};

static inline void copy_entries(float *dst, const float *src, size_t groups)
{
    if (src)
        memcpy(dst, src, groups * sizeof(*dst));
}

AVX512_INLINE __m512 pick(const float *table, size_t groups, __m512i index)
{
    __m512 v = _mm512_permutex2var_ps(_mm512_load_ps(table), index, _mm512_load_ps(table + 16));
    for (size_t at = TWO; at < groups; at += TWO) {
        __mmask16 here = _mm512_cmpge_epu32_mask(index, _mm512_set1_epi32((int)at));
        __m512 a = _mm512_load_ps(table + at), b = _mm512_load_ps(table + at + 16);
        v = _mm512_mask_mov_ps(v, here, _mm512_permutex2var_ps(a, index, b));
    }
    return v;
}

/* 16 codes that begin at a whole octet, of which those of `live` are wanted. */
AVX512_INLINE __m512 picked_values(__m512 values, const uint8_t *codes, const uint16_t *group_of,
                                   __mmask16 live, const struct picked *p, size_t groups,
                                   const struct steps *s)
{
    __mmask16 octets = (__mmask16)(1u << (__builtin_popcount(live) + 1) / 2) - 1;
    __m512i index = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, group_of));
    __m512i code = index_32(_mm_maskz_loadu_epi8(octets, codes), MXFS_NIBBLES_LOW_FIRST);
    __m512 scale = pick(p->scales, groups, index), zero = scale, bias = scale;
    if (s->zeros)
        zero = pick(p->zeros, groups, index);
    if (s->biases)
        bias = pick(p->biases, groups, index);
    return affine_lanes(_mm512_permutexvar_ps(code, values), scale, zero, bias, s);
}

/*
 * Entries that all are numbers of 16 bits, as they nearly always are stored, can be chosen 64 at a
 * time for 32 codes.
 */
struct halves {
    _Alignas(64) uint16_t scales[PICKED_GROUPS], zeros[PICKED_GROUPS], biases[PICKED_GROUPS];
};

/* Entries as elements of a 16-bit type; false when they are not. */
AVX512_INLINE bool halve(uint16_t *dst, const float *src, size_t groups, enum mxfs_out type)
{
    for (size_t i = 0; src && i < groups; i += CODES) {
        __mmask16 live = groups - i < CODES ? first_codes(groups - i) : 0xffff;
        __m512 v = _mm512_maskz_loadu_ps(live, src + i);
        if (_mm512_cmpneq_epi32_mask(_mm512_castps_si512(through(v, type)), _mm512_castps_si512(v)))
            return false;
        _mm256_store_si256((__m256i *)(void *)(dst + i), words_of_16(v, type));
    }
    return true;
}

AVX512_INLINE bool halve_all(struct halves *h, const struct mxfs_affine *a, size_t groups,
                             enum mxfs_out type)
{
    return halve(h->scales, a->scales, groups, type) && halve(h->zeros, a->zeros, groups, type) &&
           halve(h->biases, a->biases, groups, type);
}

/* Of 32 codes. */
struct two {
    __m512 first, second;
};

AVX512_INLINE struct two widen(__m512i words, enum mxfs_out type)
{
    __m256i low = _mm512_castsi512_si256(words), high = _mm512_extracti64x4_epi64(words, 1);
    if (type == MXFS_OUT_F16)
        return (struct two){_mm512_cvtph_ps(low), _mm512_cvtph_ps(high)};
    __m512i a = _mm512_slli_epi32(_mm512_cvtepu16_epi32(low), 16);
    __m512i b = _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16);
    return (struct two){_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)};
}

AVX512_INLINE struct two pick_two(const uint16_t *table, size_t groups, __m512i index,
                                  enum mxfs_out type)
{
    __m512i v =
        _mm512_permutex2var_epi16(_mm512_load_si512(table), index, _mm512_load_si512(table + TWO));
    for (size_t at = 2 * TWO; at < groups; at += 2 * TWO) {
        __mmask32 here = _mm512_cmpge_epu16_mask(index, _mm512_set1_epi16((short)at));
        __m512i w = _mm512_permutex2var_epi16(_mm512_load_si512(table + at), index,
                                              _mm512_load_si512(table + at + TWO));
        v = _mm512_mask_mov_epi16(v, here, w);
    }
    return widen(v, type);
}

AVX512_INLINE __m512 values_at(__m512 values, const uint8_t *codes)
{
    __m128i octets = _mm_loadl_epi64((const __m128i *)codes);
    return _mm512_permutexvar_ps(index_32(octets, MXFS_NIBBLES_LOW_FIRST), values);
}

/* Codes [at, ..) of the run as long as 32 are left; returns where they end. `at` is at a whole
 * octet: `codes` are those of the octets from there on. */
AVX512_INLINE size_t pick_halves(uint8_t *dst, const uint8_t *codes, size_t at, size_t n,
                                 __m512 values, const struct halves *h, const uint16_t *group_of,
                                 size_t groups, const struct steps *s, enum mxfs_out type,
                                 enum mxfs_out out)
{
    for (; n - at >= TWO; at += TWO, codes += CODES) {
        __m512i index = _mm512_loadu_si512(group_of + at);
        struct two scales = pick_two(h->scales, groups, index, type);
        struct two zeros = scales, biases = scales;
        if (s->zeros)
            zeros = pick_two(h->zeros, groups, index, type);
        if (s->biases)
            biases = pick_two(h->biases, groups, index, type);
        __m512 v =
            affine_lanes(values_at(values, codes), scales.first, zeros.first, biases.first, s);
        __m512 w = affine_lanes(values_at(values, codes + CODES / 2), scales.second, zeros.second,
                                biases.second, s);
        store_two(dst + at * mxfs_out_size(out), v, w, out);
    }
    return at;
}

/* The same for entries of any type: where they are not halves, or NaN may come of them, no codes.
 */
AVX512_INLINE size_t pick_by_type(uint8_t *dst, const uint8_t *codes, size_t at, size_t n,
                                  __m512 values, const struct mxfs_affine *a,
                                  const uint16_t *group_of, size_t groups, const struct steps *s,
                                  enum mxfs_out out)
{
    struct steps steps = *s;
    struct halves h;

    steps.nan = false; /* known to the compiler */
    if (s->nan)
        return at;
    if (halve_all(&h, a, groups, MXFS_OUT_BF16))
        return pick_halves(dst, codes, at, n, values, &h, group_of, groups, &steps, MXFS_OUT_BF16,
                           out);
    if (halve_all(&h, a, groups, MXFS_OUT_F16))
        return pick_halves(dst, codes, at, n, values, &h, group_of, groups, &steps, MXFS_OUT_F16,
                           out);
    return at;
}

AVX512_INLINE void code4_pick(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                              const float *values, const struct mxfs_affine *a,
                              const uint16_t *group_of, size_t groups, enum mxfs_out out)
{
    const struct steps steps = steps_of(a, groups, out, all_finite(values, CODES));
    const __m512 v = _mm512_loadu_ps(values);
    size_t size = mxfs_out_size(out), head = n < first ? n : first;
    struct picked p;

    if (head || groups > PICKED_GROUPS)
        mxfs_kernel_scalar.code4_pick[out](dst, codes, first, groups > PICKED_GROUPS ? n : head,
                                           values, a, group_of, groups);
    if (groups > PICKED_GROUPS)
        return;
    copy_entries(p.scales, a->scales, groups);
    copy_entries(p.zeros, a->zeros, groups);
    copy_entries(p.biases, a->biases, groups);
    size_t start =
        pick_by_type(dst, codes + (first + head) / 2, head, n, v, a, group_of, groups, &steps, out);
    for (size_t at = start; at < n; at += CODES) {
        __mmask16 live = n - at < CODES ? first_codes(n - at) : 0xffff;
        __m512 w =
            picked_values(v, codes + (first + at) / 2, group_of + at, live, &p, groups, &steps);
        store_live(dst + at * size, w, live, out);
    }
}

MXFS_DEFINE_CODE4_PICK(AVX512, mxfs_avx512_code4_pick, code4_pick)

#else
typedef int mxfs_avx512_pick_is_for_x86_64; /* ISO C wants a declaration */
#endif
