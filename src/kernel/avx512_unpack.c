/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Streams of narrow codes as octets with AVX-512: eight codes fill whole octets, which go to a
 * 64-bit lane each, and VPMULTISHIFTQB takes eight bits of a lane from where each code begins.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_round.h"
#include "unpack.h"

enum { CODES = 64 }; /* of one step */

/* What a width of codes fixes. */
struct width {
    __m512i octets; /* those of the codes of each lane */
    __m512i starts; /* the bit that each code begins at in its lane */
    __mmask64 live; /* octets of a step */
    size_t step;    /* likewise, as a number */
};

AVX512_INLINE struct width width_of(unsigned bits)
{
    const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i every = _mm512_set1_epi64(0x0101010101010101);
    const __m512i count = _mm512_set1_epi64(0x0706050403020100);
    /* No product of octets here reaches 256, so they can be multiplied in larger lanes. */
    __m512i first = _mm512_mullo_epi64(lane, _mm512_set1_epi64(bits));
    return (struct width){
        .octets = _mm512_add_epi8(_mm512_mullo_epi64(first, every), count),
        .starts = _mm512_mullo_epi16(count, _mm512_set1_epi16((short)bits)),
        .live = UINT64_MAX >> (CODES - 8 * bits),
        .step = 8 * bits,
    };
}

/* 64 codes; above each, its octet has bits of the next ones. */
AVX512_INLINE __m512i codes_of(const struct width *w, const uint8_t *src, __mmask64 live)
{
    __m512i octets = _mm512_maskz_loadu_epi8(live, src);
    return _mm512_multishift_epi64_epi8(w->starts, _mm512_permutexvar_epi8(w->octets, octets));
}

AVX512_INLINE __mmask64 first_octets(size_t n)
{
    return ((__mmask64)1 << n) - 1; /* n < 64 */
}

AVX512 void mxfs_avx512_unpack(uint8_t *dst, const uint8_t *src, size_t n, unsigned bits,
                               uint8_t offset)
{
    const struct width w = width_of(bits);
    const __m512i mask = _mm512_set1_epi8((char)((1u << bits) - 1));
    const __m512i offsets = _mm512_set1_epi8((char)offset);

    for (; n >= CODES; n -= CODES, src += w.step, dst += CODES) {
        __m512i codes = _mm512_and_si512(codes_of(&w, src, w.live), mask);
        _mm512_storeu_si512(dst, _mm512_sub_epi8(codes, offsets));
    }
    if (n) {
        __m512i codes = codes_of(&w, src, first_octets(mxfs_code_octets(n, bits)));
        codes = _mm512_sub_epi8(_mm512_and_si512(codes, mask), offsets);
        _mm512_mask_storeu_epi8(dst, first_octets(n), codes);
    }
}

/* E4M3 codes of the 64 E2M3 codes: VPERMB looks only at the lowest six bits of an index. */
AVX512_INLINE __m512i e4m3_table(void)
{
    const __m128i first = _mm_setr_epi8(MXFS_E2M3_FIRST_16);
    const __m128i count =
        _mm_setr_epi8(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    __m256i half = _mm256_setr_m128i(first, _mm_add_epi8(count, _mm_set1_epi8(MXFS_E2M3_NORMAL)));
    __m256i negative = _mm256_or_si256(half, _mm256_set1_epi8((char)0x80));
    return _mm512_inserti64x4(_mm512_castsi256_si512(half), negative, 1);
}

AVX512 void mxfs_avx512_e2m3(uint8_t *dst, const uint8_t *src, size_t n)
{
    const struct width w = width_of(6);
    const __m512i table = e4m3_table();

    for (; n >= CODES; n -= CODES, src += w.step, dst += CODES)
        _mm512_storeu_si512(dst, _mm512_permutexvar_epi8(codes_of(&w, src, w.live), table));
    if (n) {
        __m512i codes = codes_of(&w, src, first_octets(mxfs_code_octets(n, 6)));
        _mm512_mask_storeu_epi8(dst, first_octets(n), _mm512_permutexvar_epi8(codes, table));
    }
}

#else
typedef int mxfs_avx512_unpack_is_for_x86_64; /* ISO C wants a declaration */
#endif
