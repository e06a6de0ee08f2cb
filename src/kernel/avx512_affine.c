/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes and codes of 16 values with AVX-512.
 *
 * A group of 4-bit codes has 16 possible results: they are computed once, in one register, and
 * decoding is a permute of them, as in the blocks of MXFP4. Codes of 8 bits are computed one by
 * one. Tails use masked loads and stores.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "affine.h"
#include "avx512_round.h"
#include "define.h"

enum { CODES = 16 }; /* of a vector */

AVX512_INLINE __m512 canonical(__m512 v)
{
    __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    return _mm512_mask_mov_ps(v, is_nan, _mm512_castsi512_ps(_mm512_set1_epi32(MXFS_NAN_F32)));
}

/* Rounded to `via` and back; NaN is canonical before and after. */
AVX512_INLINE __m512 through(__m512 v, enum mxfs_out via)
{
    if (via == MXFS_OUT_BF16)
        return _mm512_castsi512_ps(
            _mm512_and_si512(round_bf16(v), _mm512_set1_epi32((int)0xffff0000)));
    if (via == MXFS_OUT_F16)
        return _mm512_cvtph_ps(_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    return v;
}

/* How results come about, found out once for a run. */
struct steps {
    bool zeros, biases, nan;           /* nan: there may be some that are not canonical */
    enum mxfs_out of_product, of_last; /* what the product, or the sum, is rounded to */
};

/* The last result needs no rounding of its own where the output has the same type. Numbers give NaN
 * only with entries that are none: a product overflows, but a finite bias keeps it infinite. */
AVX512_INLINE struct steps steps_of(const struct mxfs_affine *a, size_t groups, enum mxfs_out out,
                                    bool finite_values)
{
    enum mxfs_out last = a->via == out ? MXFS_OUT_F32 : a->via;
    return (struct steps){
        .zeros = a->zeros != NULL,
        .biases = a->biases != NULL,
        .nan = !finite_values || !mxfs_all_finite(a->scales, groups) ||
               (a->zeros && !mxfs_all_finite(a->zeros, groups)) ||
               (a->biases && !mxfs_all_finite(a->biases, groups)),
        .of_product = a->biases ? a->via : last,
        .of_last = last,
    };
}

/* As mxfs_affine_value, but for the rounding to the output type. */
AVX512_INLINE __m512 affine_lanes(__m512 v, __m512 scale, __m512 zero, __m512 bias,
                                  const struct steps *s)
{
    if (s->zeros)
        v = _mm512_sub_ps(v, zero);
    v = _mm512_mul_ps(v, scale);
    if (MXFS_UNLIKELY(s->nan))
        v = canonical(v);
    v = through(v, s->of_product);
    if (s->biases) {
        v = _mm512_add_ps(v, bias);
        if (MXFS_UNLIKELY(s->nan))
            v = canonical(v);
        v = through(v, s->of_last);
    }
    return v;
}

/* Of n codes one behind the other. */
static inline size_t groups_of(const struct mxfs_affine *a, size_t n)
{
    return n ? (a->skip + n - 1) / a->group + 1 : 0;
}

AVX512_INLINE __m512 broadcast(const float *entries, size_t group)
{
    return entries ? _mm512_set1_ps(entries[group]) : _mm512_setzero_ps();
}

/* Entries of one group in all lanes. */
struct entries {
    __m512 scale, zero, bias;
};

AVX512_INLINE struct entries entries_of(const struct mxfs_affine *a, size_t group)
{
    return (struct entries){broadcast(a->scales, group), broadcast(a->zeros, group),
                            broadcast(a->biases, group)};
}

/* 16 float32 values as elements of a 16-bit output. */
AVX512_INLINE __m256i words_of_16(__m512 v, enum mxfs_out out)
{
    if (out == MXFS_OUT_BF16)
        return _mm512_cvtepi32_epi16(_mm512_srli_epi32(round_bf16(v), 16));
    return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
}

AVX512_INLINE void store_live(uint8_t *dst, __m512 v, __mmask16 live, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32)
        _mm512_mask_storeu_ps(dst, live, v);
    else
        _mm256_mask_storeu_epi16(dst, live, words_of_16(v, out));
}

AVX512_INLINE __mmask16 first_codes(size_t n)
{
    return (__mmask16)((1u << n) - 1); /* n < 16 */
}

/* Codes of 4 bits. */

/* The 16 results of a group: of a 16-bit type, or float32. */
struct results {
    __m256i words;
    __m512 floats;
};

AVX512_INLINE struct results results_of(__m512 values, size_t group, const struct mxfs_affine *a,
                                        const struct steps *s, enum mxfs_out out)
{
    struct entries e = entries_of(a, group);
    struct results r;
    r.floats = affine_lanes(values, e.scale, e.zero, e.bias, s);
    r.words = words_of_16(r.floats, out);
    return r;
}

/*
 * 16 codes as indices of 16 bits, and of 32 bits. Permutes look at the lowest four bits alone, so
 * it is enough that each code begins at the lowest bit: VPMULTISHIFTQB takes any eight bits of a
 * 64-bit lane, here of eight octets in all lanes.
 */
AVX512_INLINE __m256i index_16(__m128i octets, enum mxfs_nibbles nibbles)
{
    const __m256i low_first = _mm256_setr_epi64x(0x000c000800040000, 0x001c001800140010,
                                                 0x002c002800240020, 0x003c003800340030);
    const __m256i high_first = _mm256_setr_epi64x(0x0008000c00000004, 0x0018001c00100014,
                                                  0x0028002c00200024, 0x0038003c00300034);
    if (!mxfs_nibbles_paired(nibbles)) {
        __m256i words = _mm256_cvtepu8_epi16(octets);
        return nibbles == MXFS_NIBBLES_HIGH ? _mm256_srli_epi16(words, 4) : words;
    }
    return _mm256_multishift_epi64_epi8(nibbles == MXFS_NIBBLES_LOW_FIRST ? low_first : high_first,
                                        _mm256_broadcastq_epi64(octets));
}

AVX512_INLINE __m512i index_32(__m128i octets, enum mxfs_nibbles nibbles)
{
    const __m512i low_first =
        _mm512_set_epi32(60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4, 0);
    const __m512i high_first =
        _mm512_set_epi32(56, 60, 48, 52, 40, 44, 32, 36, 24, 28, 16, 20, 8, 12, 0, 4);
    if (!mxfs_nibbles_paired(nibbles)) {
        __m512i words = _mm512_cvtepu8_epi32(octets);
        return nibbles == MXFS_NIBBLES_HIGH ? _mm512_srli_epi32(words, 4) : words;
    }
    return _mm512_multishift_epi64_epi8(nibbles == MXFS_NIBBLES_LOW_FIRST ? low_first : high_first,
                                        _mm512_broadcastq_epi64(octets));
}

/* The octets of n codes, n <= 16; `whole` is a constant that says n is 16. */
AVX512_INLINE __m128i octets_of(const uint8_t *codes, size_t n, bool whole,
                                enum mxfs_nibbles nibbles)
{
    if (!whole)
        return _mm_maskz_loadu_epi8(first_codes(mxfs_nibbles_paired(nibbles) ? (n + 1) / 2 : n),
                                    codes);
    return mxfs_nibbles_paired(nibbles) ? _mm_loadl_epi64((const __m128i *)codes)
                                        : _mm_loadu_si128((const __m128i *)codes);
}

/* n <= 16 codes that begin at a whole octet. */
AVX512_INLINE void code4_step(uint8_t *dst, const uint8_t *codes, size_t n, bool whole,
                              enum mxfs_nibbles nibbles, const struct results *r, enum mxfs_out out)
{
    __m128i octets = octets_of(codes, n, whole, nibbles);
    if (out == MXFS_OUT_F32) {
        __m512 v = _mm512_permutexvar_ps(index_32(octets, nibbles), r->floats);
        _mm512_mask_storeu_ps(dst, whole ? 0xffff : first_codes(n), v);
    } else {
        __m256i v = _mm256_permutexvar_epi16(index_16(octets, nibbles), r->words);
        _mm256_mask_storeu_epi16(dst, whole ? 0xffff : first_codes(n), v);
    }
}

/* One code that does not begin at a whole octet. */
AVX512_INLINE void code4_single(uint8_t *dst, unsigned code, const struct results *r,
                                enum mxfs_out out)
{
    const __m512i index = _mm512_set1_epi32((int)code);
    if (out == MXFS_OUT_F32)
        _mm512_mask_storeu_ps(dst, 1, _mm512_permutexvar_ps(index, r->floats));
    else
        _mm256_mask_storeu_epi16(dst, 1,
                                 _mm256_permutexvar_epi16(_mm512_castsi512_si256(index), r->words));
}

/* Codes [at, end) of one group. */
AVX512_INLINE void code4_group(uint8_t *dst, const uint8_t *codes, size_t first, size_t at,
                               size_t end, enum mxfs_nibbles nibbles, const struct results *r,
                               enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), share = mxfs_nibbles_paired(nibbles) ? 2 : 1;

    if ((first + at) % share && at < end) {
        code4_single(dst + at * size, mxfs_nibble(codes, first + at, nibbles), r, out);
        at++;
    }
    for (; end - at >= CODES; at += CODES)
        code4_step(dst + at * size, codes + (first + at) / share, CODES, true, nibbles, r, out);
    if (at < end)
        code4_step(dst + at * size, codes + (first + at) / share, end - at, false, nibbles, r, out);
}

AVX512_INLINE void code4_run(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                             enum mxfs_nibbles nibbles, const float *values,
                             const struct mxfs_affine *a, enum mxfs_out out)
{
    const struct steps steps = steps_of(a, groups_of(a, n), out, mxfs_all_finite(values, 16));
    const __m512 v = _mm512_loadu_ps(values);
    size_t left = a->group - a->skip;

    for (size_t at = 0, group = 0; at < n; group++) {
        struct results r = results_of(v, group, a, &steps, out);
        size_t end = n - at < left ? n : at + left;
        code4_group(dst, codes, first, at, end, nibbles, &r, out);
        at = end;
        left = a->group;
    }
}

/* Codes of 4 bits in groups by column. */

enum { PICKED_GROUPS = 256, TWO = 2 * CODES };

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

AVX512_INLINE void code4_pick(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                              const float *values, const struct mxfs_affine *a,
                              const uint16_t *group_of, size_t groups, enum mxfs_out out)
{
    const struct steps steps = steps_of(a, groups, out, mxfs_all_finite(values, 16));
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
    for (size_t at = head; at < n; at += CODES) {
        __mmask16 live = n - at < CODES ? first_codes(n - at) : 0xffff;
        __m512 w =
            picked_values(v, codes + (first + at) / 2, group_of + at, live, &p, groups, &steps);
        store_live(dst + at * size, w, live, out);
    }
}

/* Codes of 8 bits. */

AVX512_INLINE __m512 as_floats(__m128i octets)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(octets));
}

AVX512_INLINE __m512 lanes(const float *entries, size_t at, __mmask16 live)
{
    return entries ? _mm512_maskz_loadu_ps(live, entries + at) : _mm512_setzero_ps();
}

/* 16 codes from `at` on, of which those of `live` are wanted; they are of the group of `fixed`, or
 * where that is NULL of a group each. */
AVX512_INLINE __m512 code8_values(const uint8_t *codes, size_t at, __mmask16 live,
                                  const struct entries *fixed, const struct mxfs_affine *a,
                                  const struct steps *s)
{
    __m512 v = as_floats(_mm_maskz_loadu_epi8(live, codes + at));
    if (fixed)
        return affine_lanes(v, fixed->scale, fixed->zero, fixed->bias, s);
    return affine_lanes(v, lanes(a->scales, at, live), lanes(a->zeros, at, live),
                        lanes(a->biases, at, live), s);
}

AVX512_INLINE void code8_span(uint8_t *dst, const uint8_t *codes, size_t at, size_t end,
                              const struct entries *fixed, const struct mxfs_affine *a,
                              const struct steps *s, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out);

    for (; out != MXFS_OUT_F32 && end - at >= 2 * CODES; at += 2 * CODES) {
        __m512 v = code8_values(codes, at, 0xffff, fixed, a, s);
        __m512 w = code8_values(codes, at + CODES, 0xffff, fixed, a, s);
        _mm512_storeu_si512(dst + at * size, words_of(v, w, out));
    }
    for (; end - at >= CODES; at += CODES)
        store_live(dst + at * size, code8_values(codes, at, 0xffff, fixed, a, s), 0xffff, out);
    if (at < end) {
        __mmask16 live = first_codes(end - at);
        store_live(dst + at * size, code8_values(codes, at, live, fixed, a, s), live, out);
    }
}

AVX512_INLINE void code8_run(uint8_t *dst, const uint8_t *codes, size_t n,
                             const struct mxfs_affine *a, enum mxfs_out out)
{
    const struct steps steps = steps_of(a, groups_of(a, n), out, true);
    size_t left = a->group - a->skip;

    if (a->group == 1) {
        code8_span(dst, codes, 0, n, NULL, a, &steps, out);
        return;
    }
    for (size_t at = 0, group = 0; at < n; group++) {
        size_t end = n - at < left ? n : at + left;
        struct entries e = entries_of(a, group);
        code8_span(dst, codes, at, end, &e, a, &steps, out);
        at = end;
        left = a->group;
    }
}

MXFS_DEFINE_CODE4_RUN(AVX512, mxfs_avx512_code4, code4_run)
MXFS_DEFINE_CODE4_PICK(AVX512, mxfs_avx512_code4_pick, code4_pick)
MXFS_DEFINE_CODE8_RUN(AVX512, mxfs_avx512_code8, code8_run)

#else
typedef int mxfs_avx512_affine_is_for_x86_64; /* ISO C wants a declaration */
#endif
