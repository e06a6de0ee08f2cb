/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * 4-bit codes whose columns are reordered, with AVX-512: permutes pick the entries of each code.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"

enum { PICKED_GROUPS = 256 };

/* The entries that permutes pick from, 32 at a time. */
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

/* A run: its description, the values of the codes in a register, and its steps. */
struct run {
    const struct mxfs_code4_pick *in;
    __m512 values;
    const struct steps *steps;
};

/* The codes from `at` on, which start on a byte; only those in `live` are read. */
AVX512_INLINE __m512 picked_values(const struct run *run, const struct picked *p, size_t at,
                                   __mmask16 live)
{
    const struct mxfs_code4_pick *in = run->in;
    const uint8_t *codes = in->codes + (in->first + at) / 2;
    __mmask16 bytes = (__mmask16)(1u << (__builtin_popcount(live) + 1) / 2) - 1;
    __m512i index = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(live, in->group_of + at));
    __m512i code = index_32(_mm_maskz_loadu_epi8(bytes, codes), MXFS_NIBBLES_LOW_FIRST);
    struct entries e = {.scale = pick(p->scales, in->groups, index)};

    e.zero = run->steps->zeros ? pick(p->zeros, in->groups, index) : e.scale;
    e.bias = run->steps->biases ? pick(p->biases, in->groups, index) : e.scale;
    return affine_lanes(_mm512_permutexvar_ps(code, run->values), &e, run->steps);
}

/*
 * If all entries fit a 16-bit type, as they nearly always do, 64 can be picked at a time, for 32
 * codes.
 */
struct halves {
    _Alignas(64) uint16_t scales[PICKED_GROUPS], zeros[PICKED_GROUPS], biases[PICKED_GROUPS];
};

/* Converts entries to a 16-bit type; false if one does not fit. */
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

/* One number for each of 32 codes. */
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
    __m128i bytes = _mm_loadl_epi64((const __m128i *)codes);
    return _mm512_permutexvar_ps(index_32(bytes, MXFS_NIBBLES_LOW_FIRST), values);
}

/* The entries of 32 codes. */
struct two_entries {
    struct entries first, second;
};

AVX512_INLINE struct two_entries pick_halves(const struct run *run, const struct halves *h,
                                             __m512i index, enum mxfs_out type)
{
    size_t groups = run->in->groups;
    struct two scales = pick_two(h->scales, groups, index, type);
    struct two zeros = scales, biases = scales;

    if (run->steps->zeros)
        zeros = pick_two(h->zeros, groups, index, type);
    if (run->steps->biases)
        biases = pick_two(h->biases, groups, index, type);
    return (struct two_entries){{scales.first, zeros.first, biases.first},
                                {scales.second, zeros.second, biases.second}};
}

/* Decodes codes from `at` on, which start on a byte, while 32 are left; returns where they end. */
AVX512_INLINE size_t halves_run(uint8_t *dst, const struct run *run, size_t at,
                                const struct halves *h, enum mxfs_out type, enum mxfs_out out)
{
    const struct mxfs_code4_pick in = *run->in;
    const uint8_t *codes = in.codes + (in.first + at) / 2;

    for (; in.n - at >= TWO; at += TWO, codes += CODES) {
        __m512i index = _mm512_loadu_si512(in.group_of + at);
        struct two_entries e = pick_halves(run, h, index, type);
        __m512 v = affine_lanes(values_at(run->values, codes), &e.first, run->steps);
        __m512 w = affine_lanes(values_at(run->values, codes + CODES / 2), &e.second, run->steps);
        store_two(dst + at * mxfs_out_size(out), v, w, out);
    }
    return at;
}

/* Chooses a 16-bit type that fits all entries; decodes nothing if none does or if NaN may occur. */
AVX512_INLINE size_t run_by_type(uint8_t *dst, const struct run *run, size_t at, enum mxfs_out out)
{
    const struct mxfs_code4_pick *in = run->in;
    struct steps steps = *run->steps;
    struct run without_nan = {in, run->values, &steps};
    struct halves h;

    if (steps.nan)
        return at;
    steps.nan = false; /* tells the compiler */
    if (halve_all(&h, in->affine, in->groups, MXFS_OUT_BF16))
        return halves_run(dst, &without_nan, at, &h, MXFS_OUT_BF16, out);
    if (halve_all(&h, in->affine, in->groups, MXFS_OUT_F16))
        return halves_run(dst, &without_nan, at, &h, MXFS_OUT_F16, out);
    return at;
}

AVX512_INLINE void code4_pick(uint8_t *dst, const struct mxfs_code4_pick *in, enum mxfs_out out)
{
    const struct mxfs_code4_pick p = *in;
    const struct mxfs_affine *a = p.affine;
    const struct steps steps = steps_of(a, p.groups, out, all_finite(p.values, CODES));
    const struct run run = {&p, _mm512_loadu_ps(p.values), &steps};
    struct mxfs_code4_pick head = *in; /* all codes, or those before the first whole byte */
    struct picked entries;

    if (p.groups <= PICKED_GROUPS)
        head.n = p.n < p.first ? p.n : p.first;
    if (head.n)
        kernel_scalar.code4_pick[out](dst, &head);
    if (p.groups > PICKED_GROUPS)
        return;
    copy_entries(entries.scales, a->scales, p.groups);
    copy_entries(entries.zeros, a->zeros, p.groups);
    copy_entries(entries.biases, a->biases, p.groups);
    for (size_t at = run_by_type(dst, &run, head.n, out); at < p.n; at += CODES) {
        __mmask16 live = p.n - at < CODES ? first_codes(p.n - at) : 0xffff;
        __m512 v = picked_values(&run, &entries, at, live);
        store_live(dst + at * mxfs_out_size(out), v, live, out);
    }
}

KERNEL_DEFINE(AVX512, avx512, code4_pick)

#else
typedef int kernel_avx512_pick_is_for_x86_64; /* ISO C requires a declaration */
#endif
