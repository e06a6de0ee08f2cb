/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Unpacks streams of narrow codes with AVX-512. Eight codes fill whole bytes, which go to one
 * 64-bit lane; VPMULTISHIFTQB then extracts eight bits of the lane from the start of each code.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_round.h"
#include "unpack.h"

enum { CODES = 64 }; /* per step */

/* Constants for a width of codes. */
struct width {
    __m512i bytes;  /* permute that gives each lane the bytes of its codes */
    __m512i starts; /* bit at which each code starts in its lane */
    __mmask64 live; /* mask of the bytes in a step */
    size_t step;    /* number of these bytes */
};

AVX512_INLINE struct width width_of(unsigned bits)
{
    const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i every = _mm512_set1_epi64(0x0101010101010101);
    const __m512i count = _mm512_set1_epi64(0x0706050403020100);
    /* No product of bytes here reaches 256, so they can be multiplied in wider lanes. */
    __m512i first = _mm512_mullo_epi64(lane, _mm512_set1_epi64(bits));
    return (struct width){
        .bytes = _mm512_add_epi8(_mm512_mullo_epi64(first, every), count),
        .starts = _mm512_mullo_epi16(count, _mm512_set1_epi16((short)bits)),
        .live = UINT64_MAX >> (CODES - 8 * bits),
        .step = 8 * bits,
    };
}

/* 64 codes; the bits of a byte above its code belong to the next code. */
AVX512_INLINE __m512i codes_of(const struct width *w, const uint8_t *src, __mmask64 live)
{
    __m512i bytes = _mm512_maskz_loadu_epi8(live, src);
    return _mm512_multishift_epi64_epi8(w->starts, _mm512_permutexvar_epi8(w->bytes, bytes));
}

AVX512_INLINE __mmask64 first_bytes(size_t n)
{
    return ((__mmask64)1 << n) - 1; /* n < 64 */
}

AVX512 void kernel_avx512_unpack(void *out, const struct mxfs_unpack *in)
{
    const struct width w = width_of(in->bits);
    const __m512i mask = _mm512_set1_epi8((char)((1u << in->bits) - 1));
    const __m512i offsets = _mm512_set1_epi8((char)in->offset);
    const uint8_t *src = in->src;
    uint8_t *dst = out;
    size_t n = in->n, tail = kernel_code_bytes(n % CODES, in->bits);

    for (; n >= CODES; n -= CODES, src += w.step, dst += CODES) {
        __m512i codes = _mm512_and_si512(codes_of(&w, src, w.live), mask);
        _mm512_storeu_si512(dst, _mm512_sub_epi8(codes, offsets));
    }
    if (n) {
        __m512i codes = codes_of(&w, src, first_bytes(tail));
        codes = _mm512_sub_epi8(_mm512_and_si512(codes, mask), offsets);
        _mm512_mask_storeu_epi8(dst, first_bytes(n), codes);
    }
}

/* E4M3 codes for the 64 E2M3 codes: VPERMB uses only the lowest six bits of an index. */
AVX512_INLINE __m512i e4m3_table(void)
{
    const __m128i first = _mm_setr_epi8(KERNEL_E2M3_FIRST_16);
    const __m128i count =
        _mm_setr_epi8(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    __m256i half = _mm256_setr_m128i(first, _mm_add_epi8(count, _mm_set1_epi8(KERNEL_E2M3_NORMAL)));
    __m256i negative = _mm256_or_si256(half, _mm256_set1_epi8((char)0x80));
    return _mm512_inserti64x4(_mm512_castsi256_si512(half), negative, 1);
}

AVX512 void kernel_avx512_e2m3(void *out, const struct mxfs_e2m3 *in)
{
    const struct width w = width_of(6);
    const __m512i table = e4m3_table();
    const uint8_t *src = in->src;
    uint8_t *dst = out;
    size_t n = in->n;

    for (; n >= CODES; n -= CODES, src += w.step, dst += CODES)
        _mm512_storeu_si512(dst, _mm512_permutexvar_epi8(codes_of(&w, src, w.live), table));
    if (n) {
        __m512i codes = codes_of(&w, src, first_bytes(kernel_code_bytes(n, 6)));
        _mm512_mask_storeu_epi8(dst, first_bytes(n), _mm512_permutexvar_epi8(codes, table));
    }
}

#else
typedef int kernel_avx512_unpack_is_for_x86_64; /* ISO C requires a declaration */
#endif
