/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Codes of 8 bits with AVX-512: computed one by one, but for long groups.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"
#include "define.h"

AVX512_INLINE __m512 lanes(const float *entries, size_t at, __mmask16 live)
{
    return entries ? _mm512_maskz_loadu_ps(live, entries + at) : _mm512_setzero_ps();
}

/* The entries of 16 codes from `at` on: those of `fixed`, or where that is NULL of a group each. */
AVX512_INLINE __m512 code8_values(__m512 v, size_t at, __mmask16 live, const struct entries *fixed,
                                  const struct mxfs_affine *a, const struct steps *s)
{
    if (fixed)
        return affine_lanes(v, fixed->scale, fixed->zero, fixed->bias, s);
    return affine_lanes(v, lanes(a->scales, at, live), lanes(a->zeros, at, live),
                        lanes(a->biases, at, live), s);
}

/* Codes [at, end), entries as above. */
AVX512_INLINE void code8_span(uint8_t *dst, const uint8_t *codes, size_t at, size_t end,
                              const struct entries *fixed, const struct mxfs_affine *a,
                              const struct steps *s, enum mxfs_out out)
{
    const struct octets o = octets_by(a->octets);
    size_t size = mxfs_out_size(out);

    for (; end - at >= TWO; at += TWO) {
        __m256i octets = _mm256_loadu_si256((const __m256i *)(codes + at));
        octets = _mm256_xor_si256(octets, o.flip);
        __m512 v = code8_values(as_floats(octets, 0, &o), at, 0xffff, fixed, a, s);
        __m512 w = code8_values(as_floats(octets, 1, &o), at + CODES, 0xffff, fixed, a, s);
        store_two(dst + at * size, v, w, out);
    }
    for (__mmask16 live = 0xffff; at < end; at += CODES) {
        if (end - at < CODES)
            live = first_codes(end - at);
        __m256i octets = _mm256_castsi128_si256(_mm_maskz_loadu_epi8(live, codes + at));
        octets = _mm256_xor_si256(octets, o.flip);
        __m512 v = code8_values(as_floats(octets, 0, &o), at, live, fixed, a, s);
        store_live(dst + at * size, v, live, out);
        if (end - at <= CODES)
            break;
    }
}

/*
 * Long runs of one group: its 256 results are computed, and octets looked up in them. Tables are of
 * octets, the low and the high ones of results apart, since VPERMI2B looks at the lowest seven bits
 * of an octet.
 */
enum { RESULTS = 256, STEP = 64 };

struct table {
    __m512i low[RESULTS / STEP], high[RESULTS / STEP];
};

AVX512_INLINE struct table table_of(const struct entries *e, const struct mxfs_affine *a,
                                    const struct steps *s, enum mxfs_out out)
{
    _Alignas(64) uint8_t octets[RESULTS], words[2 * RESULTS];
    struct table t;

    for (int i = 0; i < RESULTS; i++)
        octets[i] = (uint8_t)i;
    code8_span(words, octets, 0, RESULTS, e, a, s, out);
    for (int i = 0; i < RESULTS / STEP; i++) {
        __m512i v = _mm512_load_si512(words + 128 * i), w = _mm512_load_si512(words + 128 * i + 64);
        t.low[i] = even_octets(v, w);
        t.high[i] = odd_octets(v, w);
    }
    return t;
}

AVX512_INLINE __m512i look_up(const __m512i table[RESULTS / STEP], __m512i octets)
{
    __m512i v = _mm512_permutex2var_epi8(table[0], octets, table[1]);
    __m512i w = _mm512_permutex2var_epi8(table[2], octets, table[3]);
    return _mm512_mask_mov_epi8(v, _mm512_movepi8_mask(octets), w);
}

/* Whole steps of codes [at, end); returns where they end. */
AVX512_INLINE size_t code8_long(uint8_t *dst, const uint8_t *codes, size_t at, size_t end,
                                const struct entries *e, const struct mxfs_affine *a,
                                const struct steps *s, enum mxfs_out out)
{
    const struct table t = table_of(e, a, s, out);

    for (; end - at >= STEP; at += STEP) {
        __m512i octets = unpack_order(_mm512_loadu_si512(codes + at));
        __m512i low = look_up(t.low, octets), high = look_up(t.high, octets);
        _mm512_storeu_si512(dst + at * 2, _mm512_unpacklo_epi8(low, high));
        _mm512_storeu_si512(dst + at * 2 + 64, _mm512_unpackhi_epi8(low, high));
    }
    return at;
}

AVX512_INLINE void code8_groups(uint8_t *dst, const uint8_t *codes, size_t n,
                                const struct mxfs_affine *a, const struct steps *s,
                                enum mxfs_out out)
{
    size_t left = a->group - a->skip;

    if (a->group == 1) {
        code8_span(dst, codes, 0, n, NULL, a, s, out);
        return;
    }
    for (size_t at = 0, group = 0; at < n; group++) {
        size_t end = n - at < left ? n : at + left;
        struct entries e = entries_of(a, group);
        if (out != MXFS_OUT_F32 && end - at >= CODE8_LONG)
            at = code8_long(dst, codes, at, end, &e, a, s, out);
        code8_span(dst, codes, at, end, &e, a, s, out);
        at = end;
        left = a->group;
    }
}

AVX512_INLINE void code8_run(uint8_t *dst, const uint8_t *codes, size_t n,
                             const struct mxfs_affine *a, enum mxfs_out out)
{
    const struct steps steps = steps_of(a, groups_of(a, n), out, true);
    const struct steps plain = common_steps(false, false, out);
    const struct steps zeros = common_steps(true, false, out);
    const struct steps biases = common_steps(false, true, out);

    if (!are_common(&steps, out) || (steps.zeros && steps.biases))
        code8_groups(dst, codes, n, a, &steps, out);
    else if (steps.zeros)
        code8_groups(dst, codes, n, a, &zeros, out);
    else if (steps.biases)
        code8_groups(dst, codes, n, a, &biases, out);
    else
        code8_groups(dst, codes, n, a, &plain, out);
}

MXFS_DEFINE_CODE8_RUN(AVX512, mxfs_avx512_code8, code8_run)

#else
typedef int mxfs_avx512_code8_is_for_x86_64; /* ISO C wants a declaration */
#endif
