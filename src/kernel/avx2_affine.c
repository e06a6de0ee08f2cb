/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes and codes of 16 values with AVX2.
 *
 * A group of 4-bit codes has 16 possible results. They are computed once; decoding to a 16-bit type
 * then shuffles the bytes of two tables, one of their low bytes and one of their high bytes.
 * VPSHUFB and the unpack instructions work within 16-byte lanes, so codes are put in the order 0-7
 * 16-23 | 8-15 24-31 (lane 0 | lane 1), which unpacking makes contiguous.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "affine.h"
#include "avx2_round.h"

/* As kernel_affine_value(); each lane has its own scale, zero and bias. */
AVX2_INLINE __m256 affine_lanes(__m256 v, __m256 scale, __m256 zero, __m256 bias,
                                const struct mxfs_affine *a)
{
    if (a->zeros)
        v = _mm256_sub_ps(v, zero);
    v = through(_mm256_mul_ps(v, scale), a->via);
    if (a->biases)
        v = through(_mm256_add_ps(v, bias), a->via);
    return v;
}

AVX2_INLINE __m256 broadcast(const float *entries, size_t group)
{
    return entries ? _mm256_broadcast_ss(entries + group) : _mm256_setzero_ps();
}

AVX2_INLINE __m256 affine_group(__m256 v, size_t group, const struct mxfs_affine *a)
{
    return affine_lanes(v, broadcast(a->scales, group), broadcast(a->zeros, group),
                        broadcast(a->biases, group), a);
}

/* The 16 results of a group. */
struct results {
    _Alignas(32) uint8_t bits[64]; /* elements of the output type */
    __m256i low, high;             /* 16-bit outputs: their bytes, the same in both lanes */
    __m256 first, second;          /* float32 outputs */
};

AVX2_INLINE struct results results_of(const float *values, size_t group,
                                      const struct mxfs_affine *a, enum mxfs_out out)
{
    struct results r;
    r.first = affine_group(_mm256_loadu_ps(values), group, a);
    r.second = affine_group(_mm256_loadu_ps(values + 8), group, a);
    store_rounded(r.bits, r.first, r.second, out);
    if (out != MXFS_OUT_F32) {
        __m256i words = _mm256_load_si256((const __m256i *)r.bits);
        __m256i low = _mm256_and_si256(words, _mm256_set1_epi16(0xff));
        __m256i bytes = _mm256_packus_epi16(low, _mm256_srli_epi16(words, 8));
        bytes = _mm256_permute4x64_epi64(bytes, 0xd8);
        r.low = _mm256_permute2x128_si256(bytes, bytes, 0x00);
        r.high = _mm256_permute2x128_si256(bytes, bytes, 0x11);
    }
    return r;
}

/* 32 codes, one per byte, in the order for 16-bit outputs. */
AVX2_INLINE __m256i codes_of(const uint8_t *codes, enum mxfs_nibbles nibbles)
{
    const __m256i order =
        _mm256_setr_epi8(0, -1, 1, -1, 2, -1, 3, -1, 8, -1, 9, -1, 10, -1, 11, -1, /**/
                         4, -1, 5, -1, 6, -1, 7, -1, 12, -1, 13, -1, 14, -1, 15, -1);
    const __m256i mask = _mm256_set1_epi8(15);
    if (nibbles == MXFS_NIBBLES_LOW || nibbles == MXFS_NIBBLES_HIGH) {
        __m256i bytes = _mm256_loadu_si256((const __m256i *)codes);
        bytes = _mm256_permute4x64_epi64(bytes, 0xd8);
        if (nibbles == MXFS_NIBBLES_HIGH)
            bytes = _mm256_srli_epi16(bytes, 4);
        return _mm256_and_si256(bytes, mask);
    }
    __m128i bytes = _mm_loadu_si128((const __m128i *)codes);
    __m256i words = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), order);
    /*
     * c | c << 4 has the low half of c in the low byte and the high half in the high byte; c >> 4 |
     * c << 8 has them swapped.
     */
    __m256i pairs = nibbles == MXFS_NIBBLES_LOW_FIRST
                        ? _mm256_or_si256(words, _mm256_slli_epi16(words, 4))
                        : _mm256_or_si256(_mm256_srli_epi16(words, 4), _mm256_slli_epi16(words, 8));
    return _mm256_and_si256(pairs, mask);
}

/* Results of eight 32-bit codes. */
AVX2_INLINE __m256 look_up_f32(const struct results *r, __m256i index)
{
    __m256 first = _mm256_permutevar8x32_ps(r->first, index);
    __m256 second = _mm256_permutevar8x32_ps(r->second, index);
    __m256 sign = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)); /* bit 3 selects */
    return _mm256_blendv_ps(first, second, sign);
}

AVX2_INLINE void store_f32(uint8_t *dst, const struct results *r, __m128i codes)
{
    _mm256_storeu_ps((float *)dst, look_up_f32(r, _mm256_cvtepu8_epi32(codes)));
    codes = _mm_srli_si128(codes, 8);
    _mm256_storeu_ps((float *)(dst + 32), look_up_f32(r, _mm256_cvtepu8_epi32(codes)));
}

/* Decodes 32 codes. */
AVX2_INLINE void code4_step(uint8_t *dst, const uint8_t *codes, enum mxfs_nibbles nibbles,
                            const struct results *r, enum mxfs_out out)
{
    __m256i index = codes_of(codes, nibbles);
    if (out == MXFS_OUT_F32) {
        index = _mm256_permute4x64_epi64(index, 0xd8);
        store_f32(dst, r, _mm256_castsi256_si128(index));
        store_f32(dst + 64, r, _mm256_extracti128_si256(index, 1));
    } else {
        __m256i low = _mm256_shuffle_epi8(r->low, index);
        __m256i high = _mm256_shuffle_epi8(r->high, index);
        store(dst, _mm256_unpacklo_epi8(low, high));
        store(dst + 32, _mm256_unpackhi_epi8(low, high));
    }
}

#define INLINED AVX2_INLINE
#define STEP_BYTES(nibbles) (kernel_nibbles_paired(nibbles) ? 16u : 32u)
#include "code4.h"

/* Codes of 8 bits. */

/* The numbers that 16 codes stand for, as words. */
AVX2_INLINE __m256i words_at(const uint8_t *codes, enum mxfs_code8 meaning)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)codes);
    bytes = _mm_xor_si128(bytes, _mm_set1_epi8((char)kernel_code8_flip(meaning)));
    return _mm256_add_epi16(_mm256_cvtepi8_epi16(bytes),
                            _mm256_set1_epi16((short)kernel_code8_less(meaning)));
}

AVX2_INLINE __m256 as_floats(__m128i words)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(words));
}

/* Code `at` of the run, which is in `group`. */
AVX2_INLINE void code8_one(uint8_t *dst, const struct mxfs_code8_run *in, size_t at, size_t group,
                           enum mxfs_out out)
{
    float v = kernel_code8_value(in->codes[at], in->meaning);
    kernel_put(dst, at, kernel_affine_value(in->affine, group, v), out);
}

/* Codes [at, end), all in `group`. */
AVX2_INLINE void code8_group(uint8_t *dst, const struct mxfs_code8_run *in, size_t at, size_t end,
                             size_t group, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out);

    for (; end - at >= 16; at += 16) {
        __m256i words = words_at(in->codes + at, in->meaning);
        __m256 v = affine_group(as_floats(_mm256_castsi256_si128(words)), group, in->affine);
        __m256 w = affine_group(as_floats(_mm256_extracti128_si256(words, 1)), group, in->affine);
        store_rounded(dst + at * size, v, w, out);
    }
    for (; at < end; at++)
        code8_one(dst, in, at, group, out);
}

AVX2_INLINE __m256 lanes(const float *entries, size_t at)
{
    return entries ? _mm256_loadu_ps(entries + at) : _mm256_setzero_ps();
}

AVX2_INLINE __m256 affine_at(__m256 v, size_t at, const struct mxfs_affine *a)
{
    return affine_lanes(v, lanes(a->scales, at), lanes(a->zeros, at), lanes(a->biases, at), a);
}

/* Every code is a group of its own. */
AVX2_INLINE void code8_lanes(uint8_t *dst, const struct mxfs_code8_run *in, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), at = 0;

    for (; in->n - at >= 16; at += 16) {
        __m256i words = words_at(in->codes + at, in->meaning);
        __m256 v = affine_at(as_floats(_mm256_castsi256_si128(words)), at, in->affine);
        __m256 w = affine_at(as_floats(_mm256_extracti128_si256(words, 1)), at + 8, in->affine);
        store_rounded(dst + at * size, v, w, out);
    }
    for (; at < in->n; at++)
        code8_one(dst, in, at, at, out);
}

AVX2_INLINE void code8_run(uint8_t *dst, const struct mxfs_code8_run *in, enum mxfs_out out)
{
    const struct mxfs_code8_run run = *in;
    size_t left = run.affine->group - run.affine->skip;

    if (run.affine->group == 1) {
        code8_lanes(dst, &run, out);
        return;
    }
    for (size_t at = 0, group = 0; at < run.n; group++) {
        size_t end = kernel_group_end(at, left, run.n);
        code8_group(dst, &run, at, end, group, out);
        at = end;
        left = run.affine->group;
    }
}

KERNEL_DEFINE(AVX2, avx2, code4_run)
KERNEL_DEFINE(AVX2, avx2, code8_run)

#else
typedef int kernel_avx2_affine_is_for_x86_64; /* ISO C requires a declaration */
#endif
