/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes and codes of 16 values with AVX2.
 *
 * A group of 4-bit codes has 16 possible results: they are computed once, and with 16-bit outputs
 * decoding is a byte shuffle of the table of low octets and one of the table of high octets.
 * VPSHUFB and the unpack instructions work inside 16-byte lanes, so codes come in the order 0-7
 * 16-23 | 8-15 24-31 (lane 0 | lane 1), which unpacking makes contiguous.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "affine.h"
#include "avx2_round.h"
#include "define.h"

/* As mxfs_affine_value, with the entries of the lanes' groups given. */
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

/* The 16 results of a group: whole, and as octets in both lanes. */
struct results {
    _Alignas(32) uint8_t bits[64]; /* elements of the output type */
    __m256i low, high;             /* 16-bit outputs */
    __m256 first, second;          /* float32 */
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
        __m256i octets = _mm256_packus_epi16(low, _mm256_srli_epi16(words, 8));
        octets = _mm256_permute4x64_epi64(octets, 0xd8);
        r.low = _mm256_permute2x128_si256(octets, octets, 0x00);
        r.high = _mm256_permute2x128_si256(octets, octets, 0x11);
    }
    return r;
}

/* 32 codes, an octet each, in the order of 16-bit outputs. */
AVX2_INLINE __m256i codes_of(const uint8_t *codes, enum mxfs_nibbles nibbles)
{
    const __m256i order =
        _mm256_setr_epi8(0, -1, 1, -1, 2, -1, 3, -1, 8, -1, 9, -1, 10, -1, 11, -1, /**/
                         4, -1, 5, -1, 6, -1, 7, -1, 12, -1, 13, -1, 14, -1, 15, -1);
    const __m256i mask = _mm256_set1_epi8(15);
    if (nibbles == MXFS_NIBBLES_LOW || nibbles == MXFS_NIBBLES_HIGH) {
        __m256i octets = _mm256_loadu_si256((const __m256i *)codes);
        octets = _mm256_permute4x64_epi64(octets, 0xd8);
        if (nibbles == MXFS_NIBBLES_HIGH)
            octets = _mm256_srli_epi16(octets, 4);
        return _mm256_and_si256(octets, mask);
    }
    __m128i octets = _mm_loadu_si128((const __m128i *)codes);
    __m256i words = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(octets), order);
    /* c | c << 4 has the low half of c in the low octet and the high half in the high one; c >> 4 |
     * c << 8 the other way round. */
    __m256i pairs = nibbles == MXFS_NIBBLES_LOW_FIRST
                        ? _mm256_or_si256(words, _mm256_slli_epi16(words, 4))
                        : _mm256_or_si256(_mm256_srli_epi16(words, 4), _mm256_slli_epi16(words, 8));
    return _mm256_and_si256(pairs, mask);
}

/* 8 codes of 32 bits each as results. */
AVX2_INLINE __m256 look_up_f32(const struct results *r, __m256i index)
{
    __m256 first = _mm256_permutevar8x32_ps(r->first, index);
    __m256 second = _mm256_permutevar8x32_ps(r->second, index);
    __m256 sign = _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)); /* bit 3 chooses */
    return _mm256_blendv_ps(first, second, sign);
}

AVX2_INLINE void store_f32(uint8_t *dst, const struct results *r, __m128i codes)
{
    _mm256_storeu_ps((float *)dst, look_up_f32(r, _mm256_cvtepu8_epi32(codes)));
    codes = _mm_srli_si128(codes, 8);
    _mm256_storeu_ps((float *)(dst + 32), look_up_f32(r, _mm256_cvtepu8_epi32(codes)));
}

AVX2_INLINE void step32(uint8_t *dst, const uint8_t *codes, enum mxfs_nibbles nibbles,
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

/* Codes [at, end) of one group; vectors begin at whole octets. */
AVX2_INLINE void code4_group(uint8_t *dst, const uint8_t *codes, size_t first, size_t at,
                             size_t end, enum mxfs_nibbles nibbles, const struct results *r,
                             enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), share = mxfs_nibbles_paired(nibbles) ? 2 : 1;

    if ((first + at) % share && at < end) {
        memcpy(dst + at * size, r->bits + mxfs_nibble(codes, first + at, nibbles) * size, size);
        at++;
    }
    for (; end - at >= 32; at += 32)
        step32(dst + at * size, codes + (first + at) / share, nibbles, r, out);
    for (; at < end; at++)
        memcpy(dst + at * size, r->bits + mxfs_nibble(codes, first + at, nibbles) * size, size);
}

AVX2_INLINE void code4_run(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                           enum mxfs_nibbles nibbles, const float *values,
                           const struct mxfs_affine *a, enum mxfs_out out)
{
    size_t left = a->group - a->skip;

    for (size_t at = 0, group = 0; at < n; group++) {
        struct results r = results_of(values, group, a, out);
        size_t end = n - at < left ? n : at + left;
        code4_group(dst, codes, first, at, end, nibbles, &r, out);
        at = end;
        left = a->group;
    }
}

/* Codes of 8 bits. */

/* 16 octets as signed words of the numbers that they stand for. */
AVX2_INLINE __m256i words_at(const uint8_t *codes, const struct mxfs_affine *a)
{
    __m128i octets = _mm_loadu_si128((const __m128i *)codes);
    octets = _mm_xor_si128(octets, _mm_set1_epi8((char)mxfs_octets_flip(a->octets)));
    return _mm256_add_epi16(_mm256_cvtepi8_epi16(octets),
                            _mm256_set1_epi16((short)mxfs_octets_less(a->octets)));
}

AVX2_INLINE __m256 as_floats(__m128i words)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(words));
}

AVX2_INLINE void put(uint8_t *dst, const uint8_t *code, size_t group, const struct mxfs_affine *a,
                     enum mxfs_out out)
{
    uint32_t bits =
        mxfs_f32_out_bits(mxfs_affine_value(a, group, mxfs_octet_value(*code, a->octets)), out);
    memcpy(dst, &bits, mxfs_out_size(out));
}

AVX2_INLINE void code8_group(uint8_t *dst, const uint8_t *codes, size_t at, size_t end,
                             size_t group, const struct mxfs_affine *a, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out);

    for (; end - at >= 16; at += 16) {
        __m256i words = words_at(codes + at, a);
        __m256 v = affine_group(as_floats(_mm256_castsi256_si128(words)), group, a);
        __m256 w = affine_group(as_floats(_mm256_extracti128_si256(words, 1)), group, a);
        store_rounded(dst + at * size, v, w, out);
    }
    for (; at < end; at++)
        put(dst + at * size, codes + at, group, a, out);
}

AVX2_INLINE __m256 lanes(const float *entries, size_t at)
{
    return entries ? _mm256_loadu_ps(entries + at) : _mm256_setzero_ps();
}

AVX2_INLINE __m256 affine_at(__m256 v, size_t at, const struct mxfs_affine *a)
{
    return affine_lanes(v, lanes(a->scales, at), lanes(a->zeros, at), lanes(a->biases, at), a);
}

/* A group for each code. */
AVX2_INLINE void code8_lanes(uint8_t *dst, const uint8_t *codes, size_t n,
                             const struct mxfs_affine *a, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), at = 0;

    for (; n - at >= 16; at += 16) {
        __m256i words = words_at(codes + at, a);
        __m256 v = affine_at(as_floats(_mm256_castsi256_si128(words)), at, a);
        __m256 w = affine_at(as_floats(_mm256_extracti128_si256(words, 1)), at + 8, a);
        store_rounded(dst + at * size, v, w, out);
    }
    for (; at < n; at++)
        put(dst + at * size, codes + at, at, a, out);
}

AVX2_INLINE void code8_run(uint8_t *dst, const uint8_t *codes, size_t n,
                           const struct mxfs_affine *a, enum mxfs_out out)
{
    size_t left = a->group - a->skip;

    if (a->group == 1) {
        code8_lanes(dst, codes, n, a, out);
        return;
    }
    for (size_t at = 0, group = 0; at < n; group++) {
        size_t end = n - at < left ? n : at + left;
        code8_group(dst, codes, at, end, group, a, out);
        at = end;
        left = a->group;
    }
}

MXFS_DEFINE_CODE4_RUN(AVX2, mxfs_avx2_code4, code4_run)
MXFS_DEFINE_CODE8_RUN(AVX2, mxfs_avx2_code8, code8_run)

#else
typedef int mxfs_avx2_affine_is_for_x86_64; /* ISO C wants a declaration */
#endif
