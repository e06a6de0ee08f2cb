/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Codes of 16 values with AVX-512.
 *
 * A group has 16 possible results: they are computed once, in one register, and decoding is a
 * permute of them, as in the blocks of MXFP4. Tails use masked loads and stores.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_affine.h"
#include "define.h"

enum { ROWS = 32 }; /* groups whose results are computed before any is looked up */

/* The 16 results of each of some groups, elements of the output. */
union rows {
    _Alignas(64) uint16_t words[ROWS][CODES];
    _Alignas(64) float floats[ROWS][CODES];
};

/* Those of groups [group, group + n), by steps that are constants where they are common. */
AVX512_INLINE void fill_by_steps(union rows *rows, __m512 values, const struct mxfs_affine *a,
                                 size_t group, size_t n, const struct steps *s, enum mxfs_out out)
{
    for (size_t i = 0; i < n; i += 2) {
        struct entries e = entries_of(a, group + i);
        struct entries f = entries_of(a, group + (i + 1 < n ? i + 1 : i));
        __m512 v = affine_lanes(values, e.scale, e.zero, e.bias, s);
        __m512 w = affine_lanes(values, f.scale, f.zero, f.bias, s);
        store_two(out == MXFS_OUT_F32 ? (uint8_t *)rows->floats[i] : (uint8_t *)rows->words[i], v,
                  w, out);
    }
}

AVX512_INLINE void fill(union rows *rows, __m512 values, const struct mxfs_affine *a, size_t group,
                        size_t n, const struct steps *s, enum mxfs_out out)
{
    const struct steps plain = common_steps(false, false, out);
    const struct steps zeros = common_steps(true, false, out);
    const struct steps biases = common_steps(false, true, out);

    if (!are_common(s, out) || (s->zeros && s->biases))
        fill_by_steps(rows, values, a, group, n, s, out);
    else if (s->zeros)
        fill_by_steps(rows, values, a, group, n, &zeros, out);
    else if (s->biases)
        fill_by_steps(rows, values, a, group, n, &biases, out);
    else
        fill_by_steps(rows, values, a, group, n, &plain, out);
}

/* Once for all orders of nibbles. */
AVX512 static void fill_rows(union rows *rows, __m512 values, const struct mxfs_affine *a,
                             size_t group, size_t n, const struct steps *s, enum mxfs_out out)
{
    if (out == MXFS_OUT_BF16)
        fill(rows, values, a, group, n, s, MXFS_OUT_BF16);
    else if (out == MXFS_OUT_F16)
        fill(rows, values, a, group, n, s, MXFS_OUT_F16);
    else
        fill(rows, values, a, group, n, s, MXFS_OUT_F32);
}

/* The 16 results of a group. */
struct results {
    __m256i words; /* of a 16-bit output */
    __m512 floats;
};

AVX512_INLINE struct results results_of(const union rows *rows, size_t row, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32)
        return (struct results){.floats = _mm512_load_ps(rows->floats[row])};
    return (struct results){.words =
                                _mm256_load_si256((const __m256i *)(const void *)rows->words[row])};
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
    dst += at * size;
    codes += (first + at) / share;
    size_t n = end - at;
    for (; n >= TWO; n -= TWO, dst += TWO * size, codes += TWO / share) {
        code4_step(dst, codes, CODES, true, nibbles, r, out);
        code4_step(dst + CODES * size, codes + CODES / share, CODES, true, nibbles, r, out);
    }
    if (n >= CODES) {
        code4_step(dst, codes, CODES, true, nibbles, r, out);
        n -= CODES;
        dst += CODES * size;
        codes += CODES / share;
    }
    if (n > 0)
        code4_step(dst, codes, n, false, nibbles, r, out);
}

AVX512_INLINE void code4_run(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                             enum mxfs_nibbles nibbles, const float *values,
                             const struct mxfs_affine *a, enum mxfs_out out)
{
    const size_t groups = groups_of(a, n);
    const struct steps steps = steps_of(a, groups, out, all_finite(values, CODES));
    const __m512 v = _mm512_loadu_ps(values);
    size_t left = a->group - a->skip;
    union rows rows;

    for (size_t at = 0, group = 0; at < n; group++) {
        if (group % ROWS == 0)
            fill_rows(&rows, v, a, group, groups - group < ROWS ? groups - group : ROWS, &steps,
                      out);
        struct results r = results_of(&rows, group % ROWS, out);
        size_t end = n - at < left ? n : at + left;
        code4_group(dst, codes, first, at, end, nibbles, &r, out);
        at = end;
        left = a->group;
    }
}

MXFS_DEFINE_CODE4_RUN(AVX512, mxfs_avx512_code4, code4_run)

#else
typedef int mxfs_avx512_affine_is_for_x86_64; /* ISO C wants a declaration */
#endif
