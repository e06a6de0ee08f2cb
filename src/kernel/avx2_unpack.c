/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Streams of narrow codes as octets with AVX2: eight codes fill whole octets, which go to a 64-bit
 * lane each; there halves of four codes move apart, then pairs, then codes, as in the scalar
 * variant.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx2_round.h"
#include "unpack.h"

enum { CODES = 32 }; /* of one step */

/* What a width of codes fixes. */
struct width {
    __m256i octets;               /* those of the codes of each lane, as VPSHUFB wants them */
    __m256i halves, pairs, codes; /* masks of the lowest in lanes of 64, 32 and 16 bits */
    unsigned bits;
};

AVX2_INLINE struct width width_of(unsigned bits)
{
    uint8_t octets[16];
    for (unsigned i = 0; i < 16; i++)
        octets[i] = i % 8 < bits ? (uint8_t)(i / 8 * bits + i % 8) : 0x80;
    __m128i lane = _mm_loadu_si128((const __m128i *)octets);
    return (struct width){
        .octets = _mm256_setr_m128i(lane, lane),
        .halves = _mm256_set1_epi64x((long long)((UINT64_C(1) << 4 * bits) - 1)),
        .pairs = _mm256_set1_epi32((int)((UINT32_C(1) << 2 * bits) - 1)),
        .codes = _mm256_set1_epi16((short)((1u << bits) - 1)),
        .bits = bits,
    };
}

/* In each lane, what lies above the mask moves up. */
#define MOVE_APART(v, mask, distance, lane) \
    _mm256_or_si256(                        \
        _mm256_and_si256(v, mask),          \
        _mm256_sll_epi##lane(_mm256_andnot_si256(mask, v), _mm_cvtsi32_si128((int)(distance))))

/* Reads 16 octets at src and at the middle of the step. */
AVX2_INLINE __m256i codes_of(const struct width *w, const uint8_t *src)
{
    __m128i low = _mm_loadu_si128((const __m128i *)src);
    __m128i high = _mm_loadu_si128((const __m128i *)(src + 2 * w->bits));
    __m256i v = _mm256_shuffle_epi8(_mm256_setr_m128i(low, high), w->octets);
    v = MOVE_APART(v, w->halves, 32 - 4 * w->bits, 64);
    v = MOVE_APART(v, w->pairs, 16 - 2 * w->bits, 32);
    return MOVE_APART(v, w->codes, 8 - w->bits, 16);
}

/* How many octets a step may read. */
static inline size_t reach(unsigned bits)
{
    return 2 * bits + 16;
}

AVX2 void mxfs_avx2_unpack(uint8_t *dst, const uint8_t *src, size_t n, unsigned bits,
                           uint8_t offset)
{
    const struct width w = width_of(bits);
    const __m256i offsets = _mm256_set1_epi8((char)offset);
    const uint8_t *end = src + mxfs_code_octets(n, bits);

    for (; n >= CODES && (size_t)(end - src) >= reach(bits);
         n -= CODES, src += 4 * bits, dst += CODES)
        store(dst, _mm256_sub_epi8(codes_of(&w, src), offsets));
    mxfs_scalar_unpack(dst, src, n, bits, offset);
}

AVX2_INLINE __m256i as_e4m3(__m256i codes)
{
    const __m128i lane = _mm_setr_epi8(MXFS_E2M3_FIRST_16);
    const __m256i first = _mm256_setr_m128i(lane, lane);
    __m256i magnitude = _mm256_and_si256(codes, _mm256_set1_epi8(31));
    __m256i sign = _mm256_slli_epi16(_mm256_and_si256(codes, _mm256_set1_epi8(32)), 2);
    __m256i upper = _mm256_add_epi8(magnitude, _mm256_set1_epi8(MXFS_E2M3_NORMAL));
    __m256i is_upper = _mm256_slli_epi16(magnitude, 3); /* bit 4 is where a blend looks */
    __m256i value = _mm256_blendv_epi8(_mm256_shuffle_epi8(first, magnitude), upper, is_upper);
    return _mm256_or_si256(value, sign);
}

AVX2 void mxfs_avx2_e2m3(uint8_t *dst, const uint8_t *src, size_t n)
{
    const struct width w = width_of(6);
    const uint8_t *end = src + mxfs_code_octets(n, 6);

    for (; n >= CODES && (size_t)(end - src) >= reach(6); n -= CODES, src += 24, dst += CODES)
        store(dst, as_e4m3(codes_of(&w, src)));
    mxfs_scalar_e2m3(dst, src, n);
}

#else
typedef int mxfs_avx2_unpack_is_for_x86_64; /* ISO C wants a declaration */
#endif
