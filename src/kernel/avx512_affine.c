/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Codes of 16 values with AVX-512.
 *
 * A group has 16 possible results. They are computed once and fit a register; decoding permutes
 * them, as for MXFP4 blocks. Tails use masked loads and stores.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"

enum { ROWS = 32 }; /* groups whose results are computed before codes are looked up */

/* The 16 results of each of ROWS groups, as elements of the output type. */
union rows {
    _Alignas(64) uint16_t words[ROWS][CODES];
    _Alignas(64) float floats[ROWS][CODES];
};

/* Groups [first, first + n), whose results are computed. */
struct groups {
    const struct mxfs_affine *affine;
    size_t first, n;
};

AVX512_INLINE void fill_by_steps(union rows *rows, __m512 values, const struct groups *g,
                                 const struct steps *s, enum mxfs_out out)
{
    for (size_t i = 0; i < g->n; i += 2) {
        struct entries e = entries_of(g->affine, g->first + i);
        struct entries f = entries_of(g->affine, g->first + (i + 1 < g->n ? i + 1 : i));
        __m512 v = affine_lanes(values, &e, s);
        __m512 w = affine_lanes(values, &f, s);
        store_two(out == MXFS_OUT_F32 ? (uint8_t *)rows->floats[i] : (uint8_t *)rows->words[i], v,
                  w, out);
    }
}

/* The common steps are constants, each with its own loop. */
AVX512_INLINE void fill(union rows *rows, __m512 values, const struct groups *g,
                        const struct steps *s, enum mxfs_out out)
{
    const struct steps plain = common_steps(false, false, out);
    const struct steps zeros = common_steps(true, false, out);
    const struct steps biases = common_steps(false, true, out);

    if (!are_common(s, out) || (s->zeros && s->biases))
        fill_by_steps(rows, values, g, s, out);
    else if (s->zeros)
        fill_by_steps(rows, values, g, &zeros, out);
    else if (s->biases)
        fill_by_steps(rows, values, g, &biases, out);
    else
        fill_by_steps(rows, values, g, &plain, out);
}

/* Not inlined, so that all orders of nibbles share the code. */
AVX512 static void fill_rows(union rows *rows, __m512 values, const struct groups *g,
                             const struct steps *s, enum mxfs_out out)
{
    if (out == MXFS_OUT_BF16)
        fill(rows, values, g, s, MXFS_OUT_BF16);
    else if (out == MXFS_OUT_F16)
        fill(rows, values, g, s, MXFS_OUT_F16);
    else
        fill(rows, values, g, s, MXFS_OUT_F32);
}

/* The 16 results of a group. */
struct results {
    __m256i words; /* 16-bit outputs */
    __m512 floats; /* float32 outputs */
};

AVX512_INLINE struct results results_of(const union rows *rows, size_t row, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32)
        return (struct results){.floats = _mm512_load_ps(rows->floats[row])};
    return (struct results){.words =
                                _mm256_load_si256((const __m256i *)(const void *)rows->words[row])};
}

/*
 * 16 codes as 16-bit indices. Permutes use only the lowest four bits, so each code just has to
 * start at the lowest bit: VPMULTISHIFTQB selects any eight bits of a 64-bit lane, and every lane
 * holds the same eight bytes.
 */
AVX512_INLINE __m256i index_16(__m128i bytes, enum mxfs_nibbles nibbles)
{
    const __m256i low_first = _mm256_setr_epi64x(0x000c000800040000, 0x001c001800140010,
                                                 0x002c002800240020, 0x003c003800340030);
    const __m256i high_first = _mm256_setr_epi64x(0x0008000c00000004, 0x0018001c00100014,
                                                  0x0028002c00200024, 0x0038003c00300034);
    if (!kernel_nibbles_paired(nibbles)) {
        __m256i words = _mm256_cvtepu8_epi16(bytes);
        return nibbles == MXFS_NIBBLES_HIGH ? _mm256_srli_epi16(words, 4) : words;
    }
    return _mm256_multishift_epi64_epi8(nibbles == MXFS_NIBBLES_LOW_FIRST ? low_first : high_first,
                                        _mm256_broadcastq_epi64(bytes));
}

/* The bytes of 16 codes, or of the first n < 16. */
AVX512_INLINE __m128i load_16(const uint8_t *codes, enum mxfs_nibbles nibbles)
{
    return kernel_nibbles_paired(nibbles) ? _mm_loadl_epi64((const __m128i *)codes)
                                          : _mm_loadu_si128((const __m128i *)codes);
}

AVX512_INLINE __m128i load_first(const uint8_t *codes, size_t n, enum mxfs_nibbles nibbles)
{
    return _mm_maskz_loadu_epi8(first_codes(kernel_nibbles_paired(nibbles) ? (n + 1) / 2 : n),
                                codes);
}

/* Decodes the codes of `bytes`, the first of which starts on a byte; stores those in `live`. */
AVX512_INLINE void code4_step(uint8_t *dst, __m128i bytes, __mmask16 live,
                              enum mxfs_nibbles nibbles, const struct results *r, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32) {
        __m512 v = _mm512_permutexvar_ps(index_32(bytes, nibbles), r->floats);
        _mm512_mask_storeu_ps(dst, live, v);
    } else {
        __m256i v = _mm256_permutexvar_epi16(index_16(bytes, nibbles), r->words);
        _mm256_mask_storeu_epi16(dst, live, v);
    }
}

/* One code that does not start on a byte. */
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

/* n codes of one group that start on a byte. */
AVX512_INLINE void code4_whole(uint8_t *dst, const uint8_t *codes, size_t n,
                               enum mxfs_nibbles nibbles, const struct results *r,
                               enum mxfs_out out)
{
    size_t step = CODES * mxfs_out_size(out);
    size_t bytes = kernel_nibbles_paired(nibbles) ? CODES / 2 : CODES;

    for (; n >= TWO; n -= TWO, dst += 2 * step, codes += 2 * bytes) {
        code4_step(dst, load_16(codes, nibbles), 0xffff, nibbles, r, out);
        code4_step(dst + step, load_16(codes + bytes, nibbles), 0xffff, nibbles, r, out);
    }
    if (n >= CODES) {
        code4_step(dst, load_16(codes, nibbles), 0xffff, nibbles, r, out);
        n -= CODES;
        dst += step;
        codes += bytes;
    }
    if (n > 0)
        code4_step(dst, load_first(codes, n, nibbles), first_codes(n), nibbles, r, out);
}

/* Codes [at, end) of one group. */
AVX512_INLINE void code4_group(uint8_t *dst, const struct mxfs_code4_run *in, size_t at, size_t end,
                               const struct results *r, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), per_byte = kernel_nibbles_paired(in->nibbles) ? 2 : 1;

    if ((in->first + at) % per_byte && at < end) {
        code4_single(dst + at * size, kernel_nibble(in->codes, in->first + at, in->nibbles), r,
                     out);
        at++;
    }
    code4_whole(dst + at * size, in->codes + (in->first + at) / per_byte, end - at, in->nibbles, r,
                out);
}

AVX512_INLINE void code4_groups(uint8_t *dst, const struct mxfs_code4_run *in, enum mxfs_out out)
{
    const struct mxfs_affine *a = in->affine;
    const size_t groups = groups_of(a, in->n);
    const struct steps steps = steps_of(a, groups, out, all_finite(in->values, CODES));
    const __m512 values = _mm512_loadu_ps(in->values);
    size_t left = a->group - a->skip;
    union rows rows;

    for (size_t at = 0, group = 0; at < in->n; group++) {
        if (group % ROWS == 0) {
            struct groups next = {a, group, groups - group < ROWS ? groups - group : ROWS};
            fill_rows(&rows, values, &next, &steps, out);
        }
        struct results r = results_of(&rows, group % ROWS, out);
        size_t end = kernel_group_end(at, left, in->n);
        code4_group(dst, in, at, end, &r, out);
        at = end;
        left = a->group;
    }
}

KERNEL_DEFINE_CODE4_RUN(AVX512_INLINE, code4_groups)
KERNEL_DEFINE(AVX512, avx512, code4_run)

#else
typedef int kernel_avx512_affine_is_for_x86_64; /* ISO C requires a declaration */
#endif
