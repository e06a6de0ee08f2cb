/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 with AVX2.
 *
 * A block's scale leaves 16 possible outputs, so decoding shuffles the bytes of a table row
 * (VPSHUFB): once for the low and once for the high bytes of 16-bit outputs. VPSHUFB and the unpack
 * instructions work within 16-byte lanes; below, an order of elements is written "0-7 16-23 | 8-15
 * 24-31" (lane 0 | lane 1). Orders are chosen so that unpacking leaves each register contiguous.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx2_round.h"
#include "float.h"
#include "mxfp4_lanes.h"

AVX2_INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* The same 16 bytes in both lanes. */
AVX2_INLINE __m256i load_twice(const void *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

/*
 * The low and the high bytes of 32 elements, 16-bit ones or BF16 that will be widened to float32.
 */
struct planes {
    __m256i low, high;
};

/*
 * Contiguous blocks.
 *
 * `order` zero-extends each code byte c to a 16-bit word; c | c << 4 then has the low nibble in the
 * low half of the low byte and the high nibble in the low half of the high byte.
 */
AVX2_INLINE struct planes look_up_block(const uint8_t *row, const uint8_t *codes, __m256i order)
{
    __m256i word = _mm256_shuffle_epi8(load_twice(codes), order);
    __m256i nibbles = _mm256_or_si256(word, _mm256_slli_epi16(word, 4));
    nibbles = _mm256_and_si256(nibbles, _mm256_set1_epi8(15));
    return (struct planes){
        _mm256_shuffle_epi8(load_twice(row), nibbles),
        _mm256_shuffle_epi8(load_twice(row + 16), nibbles),
    };
}

/* Elements 0-7 16-23 | 8-15 24-31. */
AVX2_INLINE __m256i block_order_16(void)
{
    return _mm256_setr_epi8(0, -1, 1, -1, 2, -1, 3, -1, 8, -1, 9, -1, 10, -1, 11, -1, /**/
                            4, -1, 5, -1, 6, -1, 7, -1, 12, -1, 13, -1, 14, -1, 15, -1);
}

/* Elements 0-3 8-11 16-19 24-27 | 4-7 12-15 20-23 28-31. */
AVX2_INLINE __m256i block_order_32(void)
{
    return _mm256_setr_epi8(0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13, -1, /**/
                            2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15, -1);
}

/* Takes words in the order 0-7 | 8-15, 16-23 | 24-31. */
AVX2_INLINE void store_16(uint8_t *dst, __m256i words0, __m256i words1)
{
    store(dst, words0);
    store(dst + 32, words1);
}

/*
 * Takes BF16 words in the order 0-3 8-11 | 4-7 12-15, 16-19 24-27 | 20-23 28-31 and stores them as
 * float32, zero bits below.
 */
AVX2_INLINE void store_32(uint8_t *dst, __m256i words0, __m256i words1)
{
    const __m256i zero = _mm256_setzero_si256();
    store(dst, _mm256_unpacklo_epi16(zero, words0));
    store(dst + 32, _mm256_unpackhi_epi16(zero, words0));
    store(dst + 64, _mm256_unpacklo_epi16(zero, words1));
    store(dst + 96, _mm256_unpackhi_epi16(zero, words1));
}

AVX2_INLINE void mxfp4_blocks(uint8_t *dst, const struct mxfs_mxfp4_blocks *in, enum mxfs_out out)
{
    const __m256i order = out == MXFS_OUT_F32 ? block_order_32() : block_order_16();
    const struct mxfs_mxfp4_blocks b = *in;
    enum mxfs_out table = out == MXFS_OUT_F32 ? MXFS_OUT_BF16 : out;

    for (size_t i = 0; i < b.blocks; i++) {
        const uint8_t *row = b.tables->mxfp4.half[table][b.scales[i]][0];
        struct planes p = look_up_block(row, b.codes + MXFS_MXFP4_BYTES * i, order);
        __m256i words0 = _mm256_unpacklo_epi8(p.low, p.high);
        __m256i words1 = _mm256_unpackhi_epi8(p.low, p.high);
        if (out == MXFS_OUT_F32)
            store_32(dst + 128 * i, words0, words1);
        else
            store_16(dst + 64 * i, words0, words1);
    }
}

KERNEL_DEFINE(AVX2, avx2, mxfp4_blocks)

/* Lanes, by addition: see mxfp4_lanes.h. */

/* 32 elements as bytes: the looked-up bits, and the scale to add to each. */
struct lanes {
    struct planes base;
    __m256i scale;
};

AVX2_INLINE struct lanes look_up_lanes(const struct kernel_lane_rule *rule, __m256i nibbles,
                                       __m256i scale)
{
    return (struct lanes){
        .base = {_mm256_shuffle_epi8(load_twice(rule->low), nibbles),
                 _mm256_shuffle_epi8(load_twice(rule->high), nibbles)},
        .scale =
            _mm256_and_si256(scale, _mm256_shuffle_epi8(load_twice(kernel_nonzero_codes), nibbles)),
    };
}

/* Whether all scales are in the rule's range. The first subtraction wraps, the second saturates. */
AVX2_INLINE int in_range(const struct kernel_lane_rule *rule, __m256i scale)
{
    __m256i above = _mm256_sub_epi8(scale, _mm256_set1_epi8((char)rule->first));
    above = _mm256_subs_epu8(above, _mm256_set1_epi8((char)(rule->last - rule->first)));
    return _mm256_testz_si256(above, above);
}

/* Lanes whose scale is outside the BF16 rule get their bits from the tables; nothing is added. */
AVX2_INLINE struct lanes patch_extremes(const struct mxfs_tables *t, struct lanes lanes,
                                        __m256i nibbles, __m256i scale)
{
    for (size_t i = 0; i < sizeof(kernel_bf16_extremes); i++) {
        const uint8_t *row = t->mxfp4.half[MXFS_OUT_BF16][kernel_bf16_extremes[i]][0];
        __m256i is = _mm256_cmpeq_epi8(scale, _mm256_set1_epi8((char)kernel_bf16_extremes[i]));
        __m256i low = _mm256_shuffle_epi8(load_twice(row), nibbles);
        __m256i high = _mm256_shuffle_epi8(load_twice(row + 16), nibbles);
        lanes.base.low = _mm256_blendv_epi8(lanes.base.low, low, is);
        lanes.base.high = _mm256_blendv_epi8(lanes.base.high, high, is);
        lanes.scale = _mm256_andnot_si256(is, lanes.scale);
    }
    return lanes;
}

AVX2_INLINE struct lanes bf16_lanes(const struct mxfs_tables *t, __m256i nibbles, __m256i scale)
{
    struct lanes lanes = look_up_lanes(&kernel_bf16_rule, nibbles, scale);
    if (MXFS_UNLIKELY(!in_range(&kernel_bf16_rule, scale)))
        lanes = patch_extremes(t, lanes, nibbles, scale);
    return lanes;
}

/* Bytes of the table as words, plus scale << 7: a scale in the high byte is scale << 8. */
AVX2_INLINE __m256i bf16_words_low(struct lanes v)
{
    __m256i scale = _mm256_unpacklo_epi8(_mm256_setzero_si256(), v.scale);
    return _mm256_add_epi16(_mm256_unpacklo_epi8(v.base.low, v.base.high),
                            _mm256_srli_epi16(scale, 1));
}

AVX2_INLINE __m256i bf16_words_high(struct lanes v)
{
    __m256i scale = _mm256_unpackhi_epi8(_mm256_setzero_si256(), v.scale);
    return _mm256_add_epi16(_mm256_unpackhi_epi8(v.base.low, v.base.high),
                            _mm256_srli_epi16(scale, 1));
}

AVX2_INLINE __m256i nibbles_of(const uint8_t *codes, __m128i shift)
{
    return _mm256_and_si256(_mm256_srl_epi16(load(codes), shift), _mm256_set1_epi8(15));
}

/* Quarters 0 2 | 1 3, for outputs of 16 bits: the order of store_16. */
AVX2_INLINE __m256i order_16(__m256i v)
{
    return _mm256_permute4x64_epi64(v, 0xd8);
}

/* Eighths 0 2 4 6 | 1 3 5 7, for outputs of 32 bits: the order of store_32. */
AVX2_INLINE __m256i order_32(__m256i v)
{
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
}

AVX2_INLINE void bf16_step(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                           const uint8_t *scales, __m128i shift)
{
    struct lanes v = bf16_lanes(t, order_16(nibbles_of(codes, shift)), order_16(load(scales)));
    store_16(dst, bf16_words_low(v), bf16_words_high(v));
}

AVX2_INLINE void f32_step(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                          const uint8_t *scales, __m128i shift)
{
    struct lanes v = bf16_lanes(t, order_32(nibbles_of(codes, shift)), order_32(load(scales)));
    store_32(dst, bf16_words_low(v), bf16_words_high(v));
}

/* BF16 words in the order 0-3 8-11 | 4-7 12-15, rounded to F16 in the order 0-7 | 8-15. */
AVX2_INLINE __m256i f16_from_bf16(__m256i words)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256 a = _mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, words));
    __m256 b = _mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, words));
    return _mm256_setr_m128i(_mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT),
                             _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT));
}

AVX2 static __attribute__((noinline)) void f16_any_scale(uint8_t *dst, __m256i nibbles,
                                                         __m256i scale)
{
    __m256i is_nan = order_16(_mm256_cmpeq_epi8(scale, _mm256_set1_epi8(-1)));
    __m256i clamped = _mm256_max_epu8(scale, _mm256_set1_epi8(KERNEL_F16_CLAMP_LOW));
    clamped = _mm256_min_epu8(clamped, _mm256_set1_epi8((char)KERNEL_F16_CLAMP_HIGH));
    struct lanes v = look_up_lanes(&kernel_bf16_rule, order_32(nibbles), order_32(clamped));
    __m256i low = f16_from_bf16(bf16_words_low(v)), high = f16_from_bf16(bf16_words_high(v));
    const __m256i nan = _mm256_set1_epi16(KERNEL_NAN_F16);
    store_16(dst, _mm256_blendv_epi8(low, nan, _mm256_unpacklo_epi8(is_nan, is_nan)),
             _mm256_blendv_epi8(high, nan, _mm256_unpackhi_epi8(is_nan, is_nan)));
}

AVX2_INLINE void f16_step(uint8_t *dst, const uint8_t *codes, const uint8_t *scales, __m128i shift)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i nibbles = nibbles_of(codes, shift), scale = load(scales);
    if (MXFS_UNLIKELY(!in_range(&kernel_f16_rule, scale))) {
        f16_any_scale(dst, nibbles, scale);
        return;
    }
    /*
     * The low bytes are all zero, and scale << 10 only affects the high byte, where it is four
     * times the scale.
     */
    struct lanes v = look_up_lanes(&kernel_f16_rule, order_16(nibbles), order_16(scale));
    __m256i twice = _mm256_add_epi8(v.scale, v.scale);
    __m256i high = _mm256_add_epi8(v.base.high, _mm256_add_epi8(twice, twice));
    store_16(dst, _mm256_unpacklo_epi8(zero, high), _mm256_unpackhi_epi8(zero, high));
}

AVX2_INLINE void lanes_step(uint8_t *dst, const struct mxfs_mxfp4_lanes *in, size_t i,
                            __m128i shift, enum mxfs_out out)
{
    dst += i * mxfs_out_size(out);
    if (out == MXFS_OUT_F32)
        f32_step(in->tables, dst, in->codes + i, in->scales + i, shift);
    else if (out == MXFS_OUT_BF16)
        bf16_step(in->tables, dst, in->codes + i, in->scales + i, shift);
    else
        f16_step(dst, in->codes + i, in->scales + i, shift);
}

/* Whole vectors; the last one may overlap the one before and write the same bytes again. */
AVX2_INLINE void mxfp4_lanes(uint8_t *dst, const struct mxfs_mxfp4_lanes *in, enum mxfs_out out)
{
    const __m128i shift = _mm_cvtsi32_si128((int)in->shift);
    const struct mxfs_mxfp4_lanes l = *in;

    if (l.n < 32) {
        kernel_scalar.mxfp4_lanes[out](dst, in);
        return;
    }
    for (size_t i = 0; i <= l.n - 32; i += 32)
        lanes_step(dst, &l, i, shift, out);
    if (l.n % 32)
        lanes_step(dst, &l, l.n - 32, shift, out);
}

KERNEL_DEFINE(AVX2, avx2, mxfp4_lanes)

#else
typedef int kernel_avx2_is_for_x86_64; /* ISO C requires a declaration */
#endif
