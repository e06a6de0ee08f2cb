/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Unpacks streams of narrow codes with AVX2. Eight codes fill whole bytes, which go to one 64-bit
 * lane; there halves of four codes move apart, then pairs, then codes, as in the scalar variant.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx2_round.h"
#include "unpack.h"

enum { CODES = 32 }; /* per step */

/* Constants for a width of codes. */
struct width {
    __m256i bytes;                /* shuffle that gives each lane the bytes of its codes */
    __m256i halves, pairs, codes; /* masks of the lowest part of each 64, 32 and 16 bits */
    unsigned bits;
};

AVX2_INLINE struct width width_of(unsigned bits)
{
    uint8_t bytes[16];
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = i % 8 < bits ? (uint8_t)(i / 8 * bits + i % 8) : 0x80;
    __m128i lane = _mm_loadu_si128((const __m128i *)bytes);
    return (struct width){
        .bytes = _mm256_setr_m128i(lane, lane),
        .halves = _mm256_set1_epi64x((long long)((UINT64_C(1) << 4 * bits) - 1)),
        .pairs = _mm256_set1_epi32((int)((UINT32_C(1) << 2 * bits) - 1)),
        .codes = _mm256_set1_epi16((short)((1u << bits) - 1)),
        .bits = bits,
    };
}

/* Moves up the bits above the mask, in each lane. */
#define MOVE_APART(v, mask, distance, lane) \
    _mm256_or_si256(                        \
        _mm256_and_si256(v, mask),          \
        _mm256_sll_epi##lane(_mm256_andnot_si256(mask, v), _mm_cvtsi32_si128((int)(distance))))

/* Reads 16 bytes at src and 16 from the middle of the step. */
AVX2_INLINE __m256i codes_of(const struct width *w, const uint8_t *src)
{
    __m128i low = _mm_loadu_si128((const __m128i *)src);
    __m128i high = _mm_loadu_si128((const __m128i *)(src + 2 * w->bits));
    __m256i v = _mm256_shuffle_epi8(_mm256_setr_m128i(low, high), w->bytes);
    v = MOVE_APART(v, w->halves, 32 - 4 * w->bits, 64);
    v = MOVE_APART(v, w->pairs, 16 - 2 * w->bits, 32);
    return MOVE_APART(v, w->codes, 8 - w->bits, 16);
}

/* Bytes that a step may read. */
static inline size_t reach(unsigned bits)
{
    return 2 * bits + 16;
}

AVX2 void kernel_avx2_unpack(void *dst, const struct mxfs_unpack *in)
{
    const unsigned bits = in->bits;
    const struct width w = width_of(bits);
    const __m256i offsets = _mm256_set1_epi8((char)in->offset);
    struct mxfs_unpack rest = *in;
    const uint8_t *end = rest.src + kernel_code_bytes(rest.n, bits);
    uint8_t *to = dst;

    for (; rest.n >= CODES && (size_t)(end - rest.src) >= reach(bits); rest.n -= CODES) {
        store(to, _mm256_sub_epi8(codes_of(&w, rest.src), offsets));
        rest.src += 4 * bits;
        to += CODES;
    }
    if (rest.n)
        kernel_scalar.unpack(to, &(struct mxfs_unpack){rest.src, rest.n, bits, rest.offset});
}

AVX2_INLINE __m256i as_e4m3(__m256i codes)
{
    const __m128i lane = _mm_setr_epi8(KERNEL_E2M3_FIRST_16);
    const __m256i first = _mm256_setr_m128i(lane, lane);
    __m256i magnitude = _mm256_and_si256(codes, _mm256_set1_epi8(31));
    __m256i sign = _mm256_slli_epi16(_mm256_and_si256(codes, _mm256_set1_epi8(32)), 2);
    __m256i upper = _mm256_add_epi8(magnitude, _mm256_set1_epi8(KERNEL_E2M3_NORMAL));
    __m256i is_upper =
        _mm256_slli_epi16(magnitude, 3); /* moves bit 4 to the bit that a blend tests */
    __m256i value = _mm256_blendv_epi8(_mm256_shuffle_epi8(first, magnitude), upper, is_upper);
    return _mm256_or_si256(value, sign);
}

AVX2 void kernel_avx2_e2m3(void *dst, const struct mxfs_e2m3 *in)
{
    const struct width w = width_of(6);
    struct mxfs_e2m3 rest = *in;
    const uint8_t *end = rest.src + kernel_code_bytes(rest.n, 6);
    uint8_t *to = dst;

    for (; rest.n >= CODES && (size_t)(end - rest.src) >= reach(6); rest.n -= CODES) {
        store(to, as_e4m3(codes_of(&w, rest.src)));
        rest.src += 24;
        to += CODES;
    }
    if (rest.n)
        kernel_scalar.e2m3(to, &(struct mxfs_e2m3){rest.src, rest.n});
}

#else
typedef int kernel_avx2_unpack_is_for_x86_64; /* ISO C requires a declaration */
#endif
