/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * 8-bit codes with AVX-512: computed one by one, except in long groups.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"

/* A run, its steps, and how its codes become float32. */
struct run {
    const uint8_t *codes;
    const struct mxfs_affine *affine;
    const struct steps *steps;
    struct bytes bytes;
};

AVX512_INLINE __m512 lanes(const float *entries, size_t at, __mmask16 live)
{
    return entries ? _mm512_maskz_loadu_ps(live, entries + at) : _mm512_setzero_ps();
}

/* 16 codes from `at` on, with the entries `fixed` or, if that is NULL, one group per code. */
AVX512_INLINE __m512 code8_values(__m512 v, size_t at, __mmask16 live, const struct entries *fixed,
                                  const struct run *run)
{
    const struct mxfs_affine *a = run->affine;
    struct entries e;

    if (fixed)
        return affine_lanes(v, fixed, run->steps);
    e = (struct entries){lanes(a->scales, at, live), lanes(a->zeros, at, live),
                         lanes(a->biases, at, live)};
    return affine_lanes(v, &e, run->steps);
}

/* Decodes codes [at, end), with entries as above. */
AVX512_INLINE void code8_span(uint8_t *dst, const struct run *run, size_t at, size_t end,
                              const struct entries *fixed, enum mxfs_out out)
{
    const struct bytes *o = &run->bytes;
    size_t size = mxfs_out_size(out);

    for (; end - at >= TWO; at += TWO) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)(run->codes + at));
        bytes = _mm256_xor_si256(bytes, o->flip);
        __m512 v = code8_values(as_floats(bytes, 0, o), at, 0xffff, fixed, run);
        __m512 w = code8_values(as_floats(bytes, 1, o), at + CODES, 0xffff, fixed, run);
        store_two(dst + at * size, v, w, out);
    }
    for (__mmask16 live = 0xffff; at < end; at += CODES) {
        if (end - at < CODES)
            live = first_codes(end - at);
        __m256i bytes = _mm256_castsi128_si256(_mm_maskz_loadu_epi8(live, run->codes + at));
        bytes = _mm256_xor_si256(bytes, o->flip);
        __m512 v = code8_values(as_floats(bytes, 0, o), at, live, fixed, run);
        store_live(dst + at * size, v, live, out);
        if (end - at <= CODES)
            break;
    }
}

/*
 * Long runs of one group: all 256 results are computed, and codes are looked up in them. The low
 * and the high bytes of the results have separate tables, each in two halves, since VPERMI2B uses
 * only the lowest seven bits of an index.
 */
enum { RESULTS = 256, STEP = 64 };

struct table {
    __m512i low[RESULTS / STEP], high[RESULTS / STEP];
};

AVX512_INLINE struct table table_of(const struct entries *e, const struct run *run,
                                    enum mxfs_out out)
{
    _Alignas(64) uint8_t all[RESULTS], words[2 * RESULTS];
    struct run of_all = *run;
    struct table t;

    for (int i = 0; i < RESULTS; i++)
        all[i] = (uint8_t)i;
    of_all.codes = all;
    code8_span(words, &of_all, 0, RESULTS, e, out);
    for (int i = 0; i < RESULTS / STEP; i++) {
        __m512i v = _mm512_load_si512(words + 128 * i), w = _mm512_load_si512(words + 128 * i + 64);
        t.low[i] = even_bytes(v, w);
        t.high[i] = odd_bytes(v, w);
    }
    return t;
}

AVX512_INLINE __m512i look_up(const __m512i table[RESULTS / STEP], __m512i codes)
{
    __m512i v = _mm512_permutex2var_epi8(table[0], codes, table[1]);
    __m512i w = _mm512_permutex2var_epi8(table[2], codes, table[3]);
    return _mm512_mask_mov_epi8(v, _mm512_movepi8_mask(codes), w);
}

/* Decodes the whole steps in codes [at, end); returns where they end. */
AVX512_INLINE size_t code8_long(uint8_t *dst, const struct run *run, size_t at, size_t end,
                                const struct entries *e, enum mxfs_out out)
{
    const struct table t = table_of(e, run, out);

    for (; end - at >= STEP; at += STEP) {
        __m512i codes = unpack_order(_mm512_loadu_si512(run->codes + at));
        __m512i low = look_up(t.low, codes), high = look_up(t.high, codes);
        _mm512_storeu_si512(dst + at * 2, _mm512_unpacklo_epi8(low, high));
        _mm512_storeu_si512(dst + at * 2 + 64, _mm512_unpackhi_epi8(low, high));
    }
    return at;
}

AVX512_INLINE void code8_groups(uint8_t *dst, const struct mxfs_code8_run *in,
                                const struct steps *s, enum mxfs_out out)
{
    const struct mxfs_affine *a = in->affine;
    const struct run run = {in->codes, a, s, bytes_by(in->meaning)};
    const size_t n = in->n;
    size_t left = a->group - a->skip;

    if (a->group == 1) {
        code8_span(dst, &run, 0, n, NULL, out);
        return;
    }
    for (size_t at = 0, group = 0; at < n; group++) {
        size_t end = kernel_group_end(at, left, n);
        struct entries e = entries_of(a, group);
        if (out != MXFS_OUT_F32 && end - at >= CODE8_LONG)
            at = code8_long(dst, &run, at, end, &e, out);
        code8_span(dst, &run, at, end, &e, out);
        at = end;
        left = a->group;
    }
}

/* The common steps are constants, each with its own loop. */
AVX512_INLINE void code8_run(uint8_t *dst, const struct mxfs_code8_run *in, enum mxfs_out out)
{
    const struct steps steps = steps_of(in->affine, groups_of(in->affine, in->n), out, true);
    const struct steps plain = common_steps(false, false, out);
    const struct steps zeros = common_steps(true, false, out);
    const struct steps biases = common_steps(false, true, out);

    if (!are_common(&steps, out) || (steps.zeros && steps.biases))
        code8_groups(dst, in, &steps, out);
    else if (steps.zeros)
        code8_groups(dst, in, &zeros, out);
    else if (steps.biases)
        code8_groups(dst, in, &biases, out);
    else
        code8_groups(dst, in, &plain, out);
}

KERNEL_DEFINE(AVX512, avx512, code8_run)

#else
typedef int kernel_avx512_code8_is_for_x86_64; /* ISO C requires a declaration */
#endif
