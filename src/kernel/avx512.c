/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 with AVX-512, for processors with VBMI.
 *
 * A table row fits a register (16 entries of 16 or 32 bits), so decoding takes one permute (VPERMW,
 * VPERMD). Permutes use only the low bits of an index: 4 for a row of 16 entries, 5 for a row of
 * 16-bit entries stored twice, where the fifth bit does not matter. So nibbles need no masking: one
 * just has to start at bit 0 of each index, whatever lies above it. VPMULTISHIFTQB does that: each
 * of its result bytes is any 8 consecutive bits of a 64-bit lane.
 *
 * Tails use masked loads and stores, which do not touch the bytes that are masked out.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_round.h"
#include "float.h"
#include "mxfp4_lanes.h"

/* 16 entries of 16 bits, stored twice. */
AVX512_INLINE __m512i load_row(const uint16_t *row)
{
    return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)row));
}

/*
 * Contiguous blocks, 16-bit outputs: every 64-bit lane holds the same eight code bytes, and lane q
 * selects the elements 4q..4q+3, from bit 16q on. This takes half a block at a time: with 64-byte
 * registers (a whole block after VPMOVZXWQ, or two broadcasts) it was 0.85 times as fast on Zen 4,
 * with shifts for indices 0.77 times, and with one constant row plus the scale 0.65 times.
 */
AVX512_INLINE __m256i index_16(const uint8_t *codes)
{
    const __m256i starts = _mm256_setr_epi64x(0x000c000800040000, 0x001c001800140010,
                                              0x002c002800240020, 0x003c003800340030);
    __m128i packed = _mm_loadl_epi64((const __m128i *)codes);
    return _mm256_multishift_epi64_epi8(starts, _mm256_broadcastq_epi64(packed));
}

AVX512_INLINE void blocks_16(const uint16_t rows[256][16], uint8_t *dst, const uint8_t *codes,
                             const uint8_t *scales, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        __m256i row = _mm256_loadu_si256((const __m256i *)rows[scales[i]]);
        __m256i low = _mm256_permutexvar_epi16(index_16(codes + 16 * i), row);
        __m256i high = _mm256_permutexvar_epi16(index_16(codes + 16 * i + 8), row);
        _mm256_storeu_si256((__m256i *)(dst + 64 * i), low);
        _mm256_storeu_si256((__m256i *)(dst + 64 * i + 32), high);
    }
}

/* 32-bit outputs: lane q selects the elements 2q and 2q + 1, from bits 8q and 8q + 4 on. */
AVX512_INLINE __m512i index_32(const uint8_t *codes)
{
    const __m512i starts =
        _mm512_set_epi32(60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4, 0);
    __m128i packed = _mm_loadl_epi64((const __m128i *)codes);
    return _mm512_multishift_epi64_epi8(starts, _mm512_broadcastq_epi64(packed));
}

AVX512_INLINE void blocks_32(const uint32_t rows[256][16], uint8_t *dst, const uint8_t *codes,
                             const uint8_t *scales, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        __m512i row = _mm512_loadu_si512(rows[scales[i]]);
        __m512i low = _mm512_permutexvar_epi32(index_32(codes + 16 * i), row);
        __m512i high = _mm512_permutexvar_epi32(index_32(codes + 16 * i + 8), row);
        _mm512_storeu_si512(dst + 128 * i, low);
        _mm512_storeu_si512(dst + 128 * i + 64, high);
    }
}

AVX512_INLINE void mxfp4_blocks(uint8_t *dst, const struct mxfs_mxfp4_blocks *in, enum mxfs_out out)
{
    const struct mxfs_mxfp4_tables *t = &in->tables->mxfp4;

    if (out == MXFS_OUT_F32)
        blocks_32(t->f32, dst, in->codes, in->scales, in->blocks);
    else
        blocks_16(t->half16[out], dst, in->codes, in->scales, in->blocks);
}

KERNEL_DEFINE(AVX512, avx512, mxfp4_blocks)

/* Lanes, by addition: see mxfp4_lanes.h, but with whole words. */
static const uint16_t bf16_row[16] = {
    0x0000, 0xff80, 0x0000, 0x0040, 0x0080, 0x00c0, 0x0100, 0x0140,
    0x8000, 0x7f80, 0x8000, 0x8040, 0x8080, 0x80c0, 0x8100, 0x8140,
};
static const uint16_t f16_row[16] = {
    0x0000, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4600, 0x4800, 0x4a00,
    0x8000, 0xbc00, 0xc000, 0xc200, 0xc400, 0xc600, 0xc800, 0xca00,
};

enum { LANES = 32 }; /* per step */

/* The state of a walk over lanes. */
struct step {
    const struct mxfs_tables *tables;
    uint8_t *dst;
    const uint8_t *codes, *scales;
    __mmask32 live; /* lanes to process: all except in tails */
    unsigned shift; /* selects the nibbles, 0 or 4 */
};

/*
 * `whole` is a constant: plain loads and stores are faster than masked ones whose bits are all set.
 */
AVX512_INLINE __m256i load_bytes(const uint8_t *p, const struct step *s, int whole)
{
    return whole ? _mm256_loadu_si256((const __m256i *)p) : _mm256_maskz_loadu_epi8(s->live, p);
}

AVX512_INLINE void store_words(const struct step *s, __m512i v, int whole)
{
    if (whole)
        _mm512_storeu_si512(s->dst, v);
    else
        _mm512_mask_storeu_epi16(s->dst, s->live, v);
}

AVX512_INLINE __m512i index_of(__m256i codes, unsigned shift)
{
    __m512i index = _mm512_cvtepu8_epi16(codes);
    return shift ? _mm512_srli_epi16(index, 4) : index;
}

/* The subtraction wraps, so scales below the range end up above it. */
AVX512_INLINE int in_range(const struct step *s, const struct kernel_lane_rule *rule,
                           __m256i scales)
{
    __m256i above = _mm256_sub_epi8(scales, _mm256_set1_epi8((char)rule->first));
    __m256i limit = _mm256_set1_epi8((char)(rule->last - rule->first));
    return !(_mm256_cmpgt_epu8_mask(above, limit) & s->live);
}

/* The constant row plus scale << position. */
AVX512_INLINE __m512i add_scales_16(const uint16_t *row, __m512i index, __m512i scales,
                                    int position)
{
    __m512i base = _mm512_permutexvar_epi16(index, load_row(row));
    __mmask32 nonzero = _mm512_test_epi16_mask(index, _mm512_set1_epi16(7));
    return _mm512_mask_add_epi16(base, nonzero, base, _mm512_slli_epi16(scales, position));
}

/* The BF16 words of one step. */
AVX512_INLINE __m512i bf16_words(const struct step *s, int whole)
{
    __m512i index = index_of(load_bytes(s->codes, s, whole), s->shift);
    __m256i bytes = load_bytes(s->scales, s, whole);
    __m512i scales = _mm512_cvtepu8_epi16(bytes);
    __m512i v = add_scales_16(bf16_row, index, scales, 7);
    if (MXFS_UNLIKELY(!in_range(s, &kernel_bf16_rule, bytes))) {
        for (size_t i = 0; i < sizeof(kernel_bf16_extremes); i++) {
            __mmask32 is =
                _mm512_cmpeq_epi16_mask(scales, _mm512_set1_epi16(kernel_bf16_extremes[i]));
            __m512i row = load_row(s->tables->mxfp4.half16[MXFS_OUT_BF16][kernel_bf16_extremes[i]]);
            v = _mm512_mask_permutexvar_epi16(v, is, index, row);
        }
    }
    return v;
}

AVX512_INLINE void bf16_step(const struct step *s, int whole)
{
    store_words(s, bf16_words(s, whole), whole);
}

/* BF16 words first..first+15 as float32: each in the upper half of its lane, zero bits below. */
AVX512_INLINE __m512i widen(__m512i words, int first)
{
    const __m512i upper = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7,
                                           0, 6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
    __m512i index = _mm512_add_epi16(upper, _mm512_set1_epi16((short)first));
    return _mm512_maskz_permutexvar_epi16(0xaaaaaaaa, index, words);
}

AVX512_INLINE void f32_step(const struct step *s, int whole)
{
    __m512i words = bf16_words(s, whole);
    __m512i low = widen(words, 0), high = widen(words, 16);
    if (whole) {
        _mm512_storeu_si512(s->dst, low);
        _mm512_storeu_si512(s->dst + 64, high);
    } else {
        _mm512_mask_storeu_epi32(s->dst, (__mmask16)s->live, low);
        _mm512_mask_storeu_epi32(s->dst + 64, (__mmask16)(s->live >> 16), high);
    }
}

AVX512_INLINE __m256i to_f16(__m512i floats)
{
    return _mm512_cvtps_ph(_mm512_castsi512_ps(floats), _MM_FROUND_TO_NEAREST_INT);
}

AVX512_INLINE __m512i f16_any_scale(__m512i index, __m512i scales)
{
    __mmask32 is_nan = _mm512_cmpeq_epi16_mask(scales, _mm512_set1_epi16(255));
    __m512i clamped = _mm512_max_epu16(scales, _mm512_set1_epi16(KERNEL_F16_CLAMP_LOW));
    clamped = _mm512_min_epu16(clamped, _mm512_set1_epi16(KERNEL_F16_CLAMP_HIGH));
    __m512i bf16 = add_scales_16(bf16_row, index, clamped, 7);
    __m256i low = to_f16(widen(bf16, 0)), high = to_f16(widen(bf16, 16));
    __m512i v = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    return _mm512_mask_mov_epi16(v, is_nan, _mm512_set1_epi16(KERNEL_NAN_F16));
}

AVX512_INLINE void f16_step(const struct step *s, int whole)
{
    __m512i index = index_of(load_bytes(s->codes, s, whole), s->shift);
    __m256i bytes = load_bytes(s->scales, s, whole);
    __m512i scales = _mm512_cvtepu8_epi16(bytes);
    if (MXFS_UNLIKELY(!in_range(s, &kernel_f16_rule, bytes)))
        store_words(s, f16_any_scale(index, scales), whole);
    else
        store_words(s, add_scales_16(f16_row, index, scales, 10), whole);
}

/* Mask of the first n < 32 lanes. */
static inline uint32_t first_lanes(size_t n)
{
    return (1u << n) - 1;
}

AVX512_INLINE void lanes_step(const struct step *s, int whole, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32)
        f32_step(s, whole);
    else if (out == MXFS_OUT_BF16)
        bf16_step(s, whole);
    else
        f16_step(s, whole);
}

AVX512_INLINE void walk(struct step s, size_t n, enum mxfs_out out)
{
    for (; n >= LANES; n -= LANES) {
        lanes_step(&s, 1, out);
        s.dst += LANES * mxfs_out_size(out);
        s.codes += LANES;
        s.scales += LANES;
    }
    s.live = first_lanes(n);
    if (n)
        lanes_step(&s, 0, out);
}

/* Each shift has its own loop, where it is a constant. */
AVX512_INLINE void mxfp4_lanes(uint8_t *dst, const struct mxfs_mxfp4_lanes *in, enum mxfs_out out)
{
    struct step s = {in->tables, dst, in->codes, in->scales, UINT32_MAX, 0};

    if (in->shift) {
        s.shift = 4;
        walk(s, in->n, out);
    } else {
        walk(s, in->n, out);
    }
}

KERNEL_DEFINE(AVX512, avx512, mxfp4_lanes)

#else
typedef int kernel_avx512_is_for_x86_64; /* ISO C requires a declaration */
#endif
