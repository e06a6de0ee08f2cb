/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The AVX2 variant.
 *
 * A block's scale picks 16 possible outputs, so its decoding is a byte shuffle (VPSHUFB) of a table
 * row: one for the low bytes, one for the high bytes of 16-bit outputs. VPSHUFB and the unpack
 * instructions work inside 16-byte lanes; below, an order of elements is written "0-7 16-23 | 8-15
 * 24-31" (lane 0 | lane 1), chosen so that unpacking leaves every 32-byte register contiguous.
 */
#if defined(__x86_64__)

#include "variants.h"

#include <immintrin.h>

#include "float.h"
#include "mxfs/cpu.h"

#define AVX2 MXFS_TARGET("avx2,f16c")
#define AVX2_INLINE MXFS_INLINE AVX2

AVX2_INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

AVX2_INLINE void store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

/* 16 bytes in both lanes. */
AVX2_INLINE __m256i load_twice(const void *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

/* Low and high bytes of 32 16-bit elements, or of 32 BF16 elements that become float32. */
struct planes {
    __m256i low, high;
};

/*
 * Contiguous blocks.
 *
 * `order` puts each code byte c into one 16-bit word, zero-extended; c | c << 4 then has the low
 * nibble in the low half of the low byte and the high nibble in the low half of the high byte.
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

/* A pair of words is in the order 0-7 | 8-15, 16-23 | 24-31. */
AVX2_INLINE void store_16(uint8_t *dst, __m256i words0, __m256i words1)
{
    store(dst, words0);
    store(dst + 32, words1);
}

/* BF16 words in the order 0-3 8-11 | 4-7 12-15, 16-19 24-27 | 20-23 28-31, as float32: zero bits go
 * below. */
AVX2_INLINE void store_32(uint8_t *dst, __m256i words0, __m256i words1)
{
    const __m256i zero = _mm256_setzero_si256();
    store(dst, _mm256_unpacklo_epi16(zero, words0));
    store(dst + 32, _mm256_unpackhi_epi16(zero, words0));
    store(dst + 64, _mm256_unpacklo_epi16(zero, words1));
    store(dst + 96, _mm256_unpackhi_epi16(zero, words1));
}

AVX2_INLINE void blocks_16(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                           const uint8_t *scales, size_t count, enum mxfs_out out)
{
    const __m256i order = block_order_16();
    for (size_t i = 0; i < count; i++) {
        struct planes p = look_up_block(t->mxfp4.half[out][scales[i]][0], codes + 16 * i, order);
        store_16(dst + 64 * i, _mm256_unpacklo_epi8(p.low, p.high),
                 _mm256_unpackhi_epi8(p.low, p.high));
    }
}

AVX2 static void blocks_bf16(const struct mxfs_tables *t, void *dst, const uint8_t *codes,
                             const uint8_t *scales, size_t count)
{
    blocks_16(t, dst, codes, scales, count, MXFS_OUT_BF16);
}

AVX2 static void blocks_f16(const struct mxfs_tables *t, void *dst, const uint8_t *codes,
                            const uint8_t *scales, size_t count)
{
    blocks_16(t, dst, codes, scales, count, MXFS_OUT_F16);
}

/* Every MXFP4 value is a BF16 or overflows in both types, so float32 is BF16 with zero bits below.
 */
AVX2 static void blocks_f32(const struct mxfs_tables *t, void *dst, const uint8_t *codes,
                            const uint8_t *scales, size_t count)
{
    const __m256i order = block_order_32();
    for (size_t i = 0; i < count; i++) {
        struct planes p =
            look_up_block(t->mxfp4.half[MXFS_OUT_BF16][scales[i]][0], codes + 16 * i, order);
        store_32((uint8_t *)dst + 128 * i, _mm256_unpacklo_epi8(p.low, p.high),
                 _mm256_unpackhi_epi8(p.low, p.high));
    }
}

/*
 * Lanes: the scale varies, so one constant table holds the bits for "scale 0" modulo 2^16 and the
 * scale is added to the exponent field. For code c with value (1 + m/2) * 2^d, d = -1..2:
 *
 *   BF16: sign << 15 | (scale + d) << 7 | m << 6               exact for 1 <= scale + d <= 254:
 * scale 2..252 F16:  sign << 15 | (scale - 112 + d) << 10 | m << 9        exact for 1 <= scale -
 * 112 + d <= 30: scale 114..140
 *
 * Zeros have no exponent: their scale is masked away.
 */
struct lane_rule {
    uint8_t low[16], high[16]; /* bytes of the 16-bit bits at scale 0 */
    uint8_t first, last;       /* scales for which adding is exact */
};

static const struct lane_rule bf16_rule = {
    /* codes            0     0.5   1     1.5   2     3     4     6 */
    .low = {0x00, 0x80, 0x00, 0x40, 0x80, 0xc0, 0x00, 0x40, /**/
            0x00, 0x80, 0x00, 0x40, 0x80, 0xc0, 0x00, 0x40},
    .high = {0x00, 0xff, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, /**/
             0x80, 0x7f, 0x80, 0x80, 0x80, 0x80, 0x81, 0x81},
    .first = 2,
    .last = 252,
};

/* -112 << 10 is 0x4000 modulo 2^16. */
static const struct lane_rule f16_rule = {
    .low = {0},
    .high = {0x00, 0x3c, 0x40, 0x42, 0x44, 0x46, 0x48, 0x4a, /**/
             0x80, 0xbc, 0xc0, 0xc2, 0xc4, 0xc6, 0xc8, 0xca},
    .first = 114,
    .last = 140,
};

/* All ones for codes that are not zero. */
AVX2_INLINE __m256i nonzero_codes(void)
{
    return _mm256_setr_epi8(0, -1, -1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1, /**/
                            0, -1, -1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1);
}

/* 32 lanes in byte form: table bytes, and the scale to add to each. */
struct lanes {
    struct planes base;
    __m256i scale;
};

AVX2_INLINE struct lanes look_up_lanes(const struct lane_rule *rule, __m256i nibbles, __m256i scale)
{
    return (struct lanes){
        .base = {_mm256_shuffle_epi8(load_twice(rule->low), nibbles),
                 _mm256_shuffle_epi8(load_twice(rule->high), nibbles)},
        .scale = _mm256_and_si256(scale, _mm256_shuffle_epi8(nonzero_codes(), nibbles)),
    };
}

/* Whether all scales are in the range of the rule; the first subtraction wraps, the second
 * saturates at 0. */
AVX2_INLINE int in_range(const struct lane_rule *rule, __m256i scale)
{
    __m256i above = _mm256_sub_epi8(scale, _mm256_set1_epi8((char)rule->first));
    above = _mm256_subs_epu8(above, _mm256_set1_epi8((char)(rule->last - rule->first)));
    return _mm256_testz_si256(above, above);
}

/* Replaces the lanes whose scale is outside the BF16 rule by their table rows, whole, with nothing
 * to add. */
AVX2_INLINE struct lanes patch_extremes(const struct mxfs_tables *t, struct lanes lanes,
                                        __m256i nibbles, __m256i scale)
{
    static const uint8_t extremes[] = {0, 1, 253, 254, 255};
    for (size_t i = 0; i < sizeof(extremes); i++) {
        const uint8_t *row = t->mxfp4.half[MXFS_OUT_BF16][extremes[i]][0];
        __m256i is = _mm256_cmpeq_epi8(scale, _mm256_set1_epi8((char)extremes[i]));
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
    struct lanes lanes = look_up_lanes(&bf16_rule, nibbles, scale);
    if (MXFS_UNLIKELY(!in_range(&bf16_rule, scale)))
        lanes = patch_extremes(t, lanes, nibbles, scale);
    return lanes;
}

/* Table bytes to words, plus scale << 7: the scale as high byte is scale << 8. */
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

/*
 * F16 for any scale: through exact BF16 values, converted and rounded. Scales up to 90 give zeros
 * (at most 6 * 2^-37) and from 160 infinities (at least 2^32), so clamping them changes nothing and
 * keeps BF16 in its range; only NaN is put back.
 */
AVX2 static __attribute__((noinline)) void f16_any_scale(uint8_t *dst, __m256i nibbles,
                                                         __m256i scale)
{
    __m256i is_nan = order_16(_mm256_cmpeq_epi8(scale, _mm256_set1_epi8(-1)));
    __m256i clamped = _mm256_max_epu8(scale, _mm256_set1_epi8(90));
    clamped = _mm256_min_epu8(clamped, _mm256_set1_epi8((char)160));
    struct lanes v = look_up_lanes(&bf16_rule, order_32(nibbles), order_32(clamped));
    __m256i low = f16_from_bf16(bf16_words_low(v)), high = f16_from_bf16(bf16_words_high(v));
    const __m256i nan = _mm256_set1_epi16(MXFS_NAN_F16);
    store_16(dst, _mm256_blendv_epi8(low, nan, _mm256_unpacklo_epi8(is_nan, is_nan)),
             _mm256_blendv_epi8(high, nan, _mm256_unpackhi_epi8(is_nan, is_nan)));
}

AVX2_INLINE void f16_step(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                          const uint8_t *scales, __m128i shift)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i nibbles = nibbles_of(codes, shift), scale = load(scales);
    (void)t;
    if (MXFS_UNLIKELY(!in_range(&f16_rule, scale))) {
        f16_any_scale(dst, nibbles, scale);
        return;
    }
    /* The low bytes are all zero. The scale as high byte is scale << 8, and << 2 makes it scale <<
     * 10, so adding it four times to the high byte alone is the same. */
    struct lanes v = look_up_lanes(&f16_rule, order_16(nibbles), order_16(scale));
    __m256i twice = _mm256_add_epi8(v.scale, v.scale);
    __m256i high = _mm256_add_epi8(v.base.high, _mm256_add_epi8(twice, twice));
    store_16(dst, _mm256_unpacklo_epi8(zero, high), _mm256_unpackhi_epi8(zero, high));
}

/* Whole vectors; the last one may overlap the one before, since the same bytes are written again.
 */
#define DEFINE_LANES(name, out)                                                                 \
    AVX2 static void lanes_##name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, \
                                  const uint8_t *scales, size_t n, unsigned shift)              \
    {                                                                                           \
        const __m128i count = _mm_cvtsi32_si128((int)shift);                                    \
        uint8_t *bytes = dst;                                                                   \
        size_t size = mxfs_out_size(out);                                                       \
        if (n < 32) {                                                                           \
            mxfs_kernel_scalar.mxfp4_lanes[out](t, dst, codes, scales, n, shift);               \
            return;                                                                             \
        }                                                                                       \
        for (size_t i = 0; i <= n - 32; i += 32)                                                \
            name##_step(t, bytes + i * size, codes + i, scales + i, count);                     \
        if (n % 32)                                                                             \
            name##_step(t, bytes + (n - 32) * size, codes + n - 32, scales + n - 32, count);    \
    }

DEFINE_LANES(bf16, MXFS_OUT_BF16)
DEFINE_LANES(f16, MXFS_OUT_F16)
DEFINE_LANES(f32, MXFS_OUT_F32)

const struct mxfs_kernel mxfs_kernel_avx2 = {
    .name = "avx2",
    .requires = MXFS_CPU_AVX2,
    .mxfp4_blocks = {blocks_bf16, blocks_f16, blocks_f32},
    .mxfp4_lanes = {lanes_bf16, lanes_f16, lanes_f32},
    .fp8_run = {mxfs_avx2_fp8_bf16, mxfs_avx2_fp8_f16, mxfs_avx2_fp8_f32},
    .fp8_blocks = {mxfs_avx2_fp8_blocks_bf16, mxfs_avx2_fp8_blocks_f16, mxfs_avx2_fp8_blocks_f32},
    .nvfp4_blocks = {mxfs_avx2_nvfp4_blocks_bf16, mxfs_avx2_nvfp4_blocks_f16,
                     mxfs_avx2_nvfp4_blocks_f32},
    .nvfp4_lanes = {mxfs_avx2_nvfp4_lanes_bf16, mxfs_avx2_nvfp4_lanes_f16,
                    mxfs_avx2_nvfp4_lanes_f32},
    .code4_run = {mxfs_avx2_code4_bf16, mxfs_avx2_code4_f16, mxfs_avx2_code4_f32},
    .code8_run = {mxfs_avx2_code8_bf16, mxfs_avx2_code8_f16, mxfs_avx2_code8_f32},
    .narrow = {mxfs_avx2_narrow_bf16, mxfs_avx2_narrow_f16, mxfs_avx2_narrow_f32},
    .transpose = mxfs_avx2_transpose,
    .widen_bf16 = mxfs_avx2_widen_bf16,
};

#else
typedef int mxfs_kernel_avx2_is_for_x86_64; /* ISO C wants a declaration */
#endif
