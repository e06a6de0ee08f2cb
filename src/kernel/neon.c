/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 with NEON (Advanced SIMD of arm64).
 *
 * A block's scale leaves 16 possible outputs, and TBL looks up 16 bytes in a table of 16: once for
 * the low and once for the high bytes of 16-bit outputs, which ZIP combines. Float32 is BF16
 * followed by zero bits, so there ZIP puts zeros below each word.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "mxfp4_lanes.h"
#include "neon_round.h"

enum { LANES = 16 }; /* per step */

/* 16 bytes, low and high, as words: elements 0-7, then 8-15. */
MXFS_INLINE uint16x8x2_t zip_bytes(uint8x16_t low, uint8x16_t high)
{
    return (uint16x8x2_t){{
        vreinterpretq_u16_u8(vzip1q_u8(low, high)),
        vreinterpretq_u16_u8(vzip2q_u8(low, high)),
    }};
}

MXFS_INLINE uint16x8x2_t look_up(const uint8_t *low, const uint8_t *high, uint8x16_t nibbles)
{
    return zip_bytes(vqtbl1q_u8(vld1q_u8(low), nibbles), vqtbl1q_u8(vld1q_u8(high), nibbles));
}

/* Eight BF16 words as float32. */
MXFS_INLINE void store_wide(uint8_t *dst, uint16x8_t words)
{
    const uint16x8_t zero = vdupq_n_u16(0);
    store_words(dst, vzip1q_u16(zero, words));
    store_words(dst + 16, vzip2q_u16(zero, words));
}

/* Stores 16 elements: words of the output type, or BF16 words that become float32. */
MXFS_INLINE void store_elements(uint8_t *dst, uint16x8x2_t words, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32) {
        store_wide(dst, words.val[0]);
        store_wide(dst + 32, words.val[1]);
    } else {
        store_words(dst, words.val[0]);
        store_words(dst + 16, words.val[1]);
    }
}

/* Contiguous blocks. */
MXFS_INLINE void mxfp4_blocks(uint8_t *dst, const struct mxfs_mxfp4_blocks *in, enum mxfs_out out)
{
    const struct mxfs_mxfp4_blocks b = *in;
    enum mxfs_out table = out == MXFS_OUT_F32 ? MXFS_OUT_BF16 : out;
    size_t half = MXFS_MX_BLOCK / 2 * mxfs_out_size(out);

    for (size_t i = 0; i < b.blocks; i++, dst += 2 * half) {
        const uint8_t(*row)[16] = b.tables->mxfp4.half[table][b.scales[i]];
        uint8x16_t bytes = vld1q_u8(b.codes + MXFS_MXFP4_BYTES * i);
        uint8x16_t even = vandq_u8(bytes, vdupq_n_u8(15)), odd = vshrq_n_u8(bytes, 4);
        store_elements(dst, look_up(row[0], row[1], vzip1q_u8(even, odd)), out);
        store_elements(dst + half, look_up(row[0], row[1], vzip2q_u8(even, odd)), out);
    }
}

/* Lanes, by addition: see mxfp4_lanes.h. */

/*
 * Whether all scales are in the rule's range. The subtraction wraps, so scales below the range end
 * up above it.
 */
MXFS_INLINE int in_range(const struct kernel_lane_rule *rule, uint8x16_t scales)
{
    uint8x16_t above = vsubq_u8(scales, vdupq_n_u8(rule->first));
    return vmaxvq_u8(above) <= rule->last - rule->first;
}

/* The scales of codes that are not zero; 0 for the others. */
MXFS_INLINE uint8x16_t scales_to_add(uint8x16_t nibbles, uint8x16_t scales)
{
    return vandq_u8(scales, vqtbl1q_u8(vld1q_u8(kernel_nonzero_codes), nibbles));
}

/* 16 BF16 words whose scales are in the rule's range. */
MXFS_INLINE uint16x8x2_t add_bf16(uint8x16_t nibbles, uint8x16_t scales)
{
    uint16x8x2_t words = look_up(kernel_bf16_rule.low, kernel_bf16_rule.high, nibbles);
    uint8x16_t added = scales_to_add(nibbles, scales);
    words.val[0] = vaddq_u16(words.val[0], vshll_n_u8(vget_low_u8(added), 7));
    words.val[1] = vaddq_u16(words.val[1], vshll_high_n_u8(added, 7));
    return words;
}

/* `those` where the bytes of `is` are all ones, `words` elsewhere. */
MXFS_INLINE uint16x8x2_t blend(uint16x8x2_t words, uint8x16_t is, uint16x8x2_t those)
{
    uint16x8x2_t mask = zip_bytes(is, is);
    words.val[0] = vbslq_u16(mask.val[0], those.val[0], words.val[0]);
    words.val[1] = vbslq_u16(mask.val[1], those.val[1], words.val[1]);
    return words;
}

static __attribute__((noinline)) uint16x8x2_t patch_extremes(const struct mxfs_tables *t,
                                                             uint16x8x2_t words, uint8x16_t nibbles,
                                                             uint8x16_t scales)
{
    for (size_t i = 0; i < sizeof(kernel_bf16_extremes); i++) {
        uint8_t scale = kernel_bf16_extremes[i];
        const uint8_t(*row)[16] = t->mxfp4.half[MXFS_OUT_BF16][scale];
        words = blend(words, vceqq_u8(scales, vdupq_n_u8(scale)), look_up(row[0], row[1], nibbles));
    }
    return words;
}

MXFS_INLINE uint16x8x2_t bf16_lanes(const struct mxfs_tables *t, uint8x16_t nibbles,
                                    uint8x16_t scales)
{
    uint16x8x2_t words = add_bf16(nibbles, scales);
    if (MXFS_UNLIKELY(!in_range(&kernel_bf16_rule, scales)))
        words = patch_extremes(t, words, nibbles, scales);
    return words;
}

/* Eight BF16 words, which may overflow, as F16. */
MXFS_INLINE uint16x8_t f16_from_bf16(uint16x8_t words)
{
    float32x4_t a = vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(words), 16));
    float32x4_t b = vreinterpretq_f32_u32(vshll_high_n_u16(words, 16));
    return words_of(a, b, MXFS_OUT_F16);
}

static __attribute__((noinline)) uint16x8x2_t f16_any_scale(uint8x16_t nibbles, uint8x16_t scales)
{
    const uint16x8_t nan = vdupq_n_u16(KERNEL_NAN_F16);
    uint8x16_t clamped = vmaxq_u8(scales, vdupq_n_u8(KERNEL_F16_CLAMP_LOW));
    uint16x8x2_t words = add_bf16(nibbles, vminq_u8(clamped, vdupq_n_u8(KERNEL_F16_CLAMP_HIGH)));
    words.val[0] = f16_from_bf16(words.val[0]);
    words.val[1] = f16_from_bf16(words.val[1]);
    return blend(words, vceqq_u8(scales, vdupq_n_u8(255)), (uint16x8x2_t){{nan, nan}});
}

/* The scale goes to bit 10, which is bit 2 of the high byte; all low bytes are zero. */
MXFS_INLINE uint16x8x2_t f16_lanes(uint8x16_t nibbles, uint8x16_t scales)
{
    if (MXFS_UNLIKELY(!in_range(&kernel_f16_rule, scales)))
        return f16_any_scale(nibbles, scales);
    uint8x16_t high = vqtbl1q_u8(vld1q_u8(kernel_f16_rule.high), nibbles);
    high = vaddq_u8(high, vshlq_n_u8(scales_to_add(nibbles, scales), 2));
    return zip_bytes(vdupq_n_u8(0), high);
}

/* Decodes 16 lanes from i on. Vector shifts go left, so `right` is negative. */
MXFS_INLINE void lanes_step(uint8_t *dst, const struct mxfs_mxfp4_lanes *in, size_t i,
                            int8x16_t right, enum mxfs_out out)
{
    uint8x16_t nibbles = vandq_u8(vshlq_u8(vld1q_u8(in->codes + i), right), vdupq_n_u8(15));
    uint8x16_t scales = vld1q_u8(in->scales + i);
    uint16x8x2_t words =
        out == MXFS_OUT_F16 ? f16_lanes(nibbles, scales) : bf16_lanes(in->tables, nibbles, scales);
    store_elements(dst + i * mxfs_out_size(out), words, out);
}

/* Whole vectors; the last one may overlap the one before and write the same bytes again. */
MXFS_INLINE void mxfp4_lanes(uint8_t *dst, const struct mxfs_mxfp4_lanes *in, enum mxfs_out out)
{
    const int8x16_t right = vdupq_n_s8((int8_t)-in->shift);
    const struct mxfs_mxfp4_lanes l = *in;

    if (l.n < LANES) {
        kernel_scalar.mxfp4_lanes[out](dst, in);
        return;
    }
    for (size_t i = 0; i <= l.n - LANES; i += LANES)
        lanes_step(dst, &l, i, right, out);
    if (l.n % LANES)
        lanes_step(dst, &l, l.n - LANES, right, out);
}

KERNEL_DEFINE(, neon, mxfp4_blocks)
KERNEL_DEFINE(, neon, mxfp4_lanes)

#else
typedef int kernel_neon_is_for_arm64; /* ISO C requires a declaration */
#endif
