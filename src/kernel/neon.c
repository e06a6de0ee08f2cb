/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The NEON variant (Advanced SIMD of arm64): MXFP4, and the list of its operations.
 *
 * TBL looks up 16 octets in a table of 16, which is what a block's scale leaves of MXFP4: one
 * look-up gives the low octets of 16-bit outputs, one the high octets, and ZIP makes words of them.
 * Float32 is BF16 with zero bits below, so there ZIP puts zeros in front of each word.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "define.h"
#include "mxfp4_lanes.h"
#include "mxfs/cpu.h"
#include "neon_round.h"

enum { LANES = 16 }; /* of one step */

/* 16 octets, low and high, as words: elements 0-7, then 8-15. */
MXFS_INLINE uint16x8x2_t zip_octets(uint8x16_t low, uint8x16_t high)
{
    return (uint16x8x2_t){{
        vreinterpretq_u16_u8(vzip1q_u8(low, high)),
        vreinterpretq_u16_u8(vzip2q_u8(low, high)),
    }};
}

MXFS_INLINE uint16x8x2_t look_up(const uint8_t *low, const uint8_t *high, uint8x16_t nibbles)
{
    return zip_octets(vqtbl1q_u8(vld1q_u8(low), nibbles), vqtbl1q_u8(vld1q_u8(high), nibbles));
}

/* Eight BF16 words as float32. */
MXFS_INLINE void store_wide(uint8_t *dst, uint16x8_t words)
{
    const uint16x8_t zero = vdupq_n_u16(0);
    store_words(dst, vzip1q_u16(zero, words));
    store_words(dst + 16, vzip2q_u16(zero, words));
}

/* 16 elements: F16 words, or BF16 words of which float32 is made. */
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
MXFS_INLINE void blocks(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                        const uint8_t *scales, size_t count, enum mxfs_out out)
{
    enum mxfs_out table = out == MXFS_OUT_F32 ? MXFS_OUT_BF16 : out;
    size_t half = MXFS_MX_BLOCK / 2 * mxfs_out_size(out);
    for (size_t i = 0; i < count; i++, dst += 2 * half) {
        const uint8_t(*row)[16] = t->mxfp4.half[table][scales[i]];
        uint8x16_t octets = vld1q_u8(codes + MXFS_MXFP4_BYTES * i);
        uint8x16_t even = vandq_u8(octets, vdupq_n_u8(15)), odd = vshrq_n_u8(octets, 4);
        store_elements(dst, look_up(row[0], row[1], vzip1q_u8(even, odd)), out);
        store_elements(dst + half, look_up(row[0], row[1], vzip2q_u8(even, odd)), out);
    }
}

/* Lanes, by addition: see mxfp4_lanes.h. */

/* Whether all scales are in the range of the rule; the subtraction wraps, so that what is below the
 * range lands above it. */
MXFS_INLINE int in_range(const struct mxfs_lane_rule *rule, uint8x16_t scales)
{
    uint8x16_t above = vsubq_u8(scales, vdupq_n_u8(rule->first));
    return vmaxvq_u8(above) <= rule->last - rule->first;
}

/* The scales of codes that are not zero; 0 for the others. */
MXFS_INLINE uint8x16_t scales_to_add(uint8x16_t nibbles, uint8x16_t scales)
{
    return vandq_u8(scales, vqtbl1q_u8(vld1q_u8(mxfs_nonzero_codes), nibbles));
}

/* 16 BF16 words whose scales are in the range of the rule. */
MXFS_INLINE uint16x8x2_t add_bf16(uint8x16_t nibbles, uint8x16_t scales)
{
    uint16x8x2_t words = look_up(mxfs_bf16_rule.low, mxfs_bf16_rule.high, nibbles);
    uint8x16_t added = scales_to_add(nibbles, scales);
    words.val[0] = vaddq_u16(words.val[0], vshll_n_u8(vget_low_u8(added), 7));
    words.val[1] = vaddq_u16(words.val[1], vshll_high_n_u8(added, 7));
    return words;
}

/* `those` where the octets of `is` are all ones, `words` elsewhere. */
MXFS_INLINE uint16x8x2_t blend(uint16x8x2_t words, uint8x16_t is, uint16x8x2_t those)
{
    uint16x8x2_t mask = zip_octets(is, is);
    words.val[0] = vbslq_u16(mask.val[0], those.val[0], words.val[0]);
    words.val[1] = vbslq_u16(mask.val[1], those.val[1], words.val[1]);
    return words;
}

static __attribute__((noinline)) uint16x8x2_t patch_extremes(const struct mxfs_tables *t,
                                                             uint16x8x2_t words, uint8x16_t nibbles,
                                                             uint8x16_t scales)
{
    for (size_t i = 0; i < sizeof(mxfs_bf16_extremes); i++) {
        uint8_t scale = mxfs_bf16_extremes[i];
        const uint8_t(*row)[16] = t->mxfp4.half[MXFS_OUT_BF16][scale];
        words = blend(words, vceqq_u8(scales, vdupq_n_u8(scale)), look_up(row[0], row[1], nibbles));
    }
    return words;
}

MXFS_INLINE uint16x8x2_t bf16_lanes(const struct mxfs_tables *t, uint8x16_t nibbles,
                                    uint8x16_t scales)
{
    uint16x8x2_t words = add_bf16(nibbles, scales);
    if (MXFS_UNLIKELY(!in_range(&mxfs_bf16_rule, scales)))
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
    const uint16x8_t nan = vdupq_n_u16(MXFS_NAN_F16);
    uint8x16_t clamped = vmaxq_u8(scales, vdupq_n_u8(MXFS_F16_CLAMP_LOW));
    uint16x8x2_t words = add_bf16(nibbles, vminq_u8(clamped, vdupq_n_u8(MXFS_F16_CLAMP_HIGH)));
    words.val[0] = f16_from_bf16(words.val[0]);
    words.val[1] = f16_from_bf16(words.val[1]);
    return blend(words, vceqq_u8(scales, vdupq_n_u8(255)), (uint16x8x2_t){{nan, nan}});
}

/* The scale goes to bit 10, which is bit 2 of the high octet; the low octets are all zero. */
MXFS_INLINE uint16x8x2_t f16_lanes(uint8x16_t nibbles, uint8x16_t scales)
{
    if (MXFS_UNLIKELY(!in_range(&mxfs_f16_rule, scales)))
        return f16_any_scale(nibbles, scales);
    uint8x16_t high = vqtbl1q_u8(vld1q_u8(mxfs_f16_rule.high), nibbles);
    high = vaddq_u8(high, vshlq_n_u8(scales_to_add(nibbles, scales), 2));
    return zip_octets(vdupq_n_u8(0), high);
}

/* `right` is the shift as a vector shift wants it: to the left, so negative. */
MXFS_INLINE void lanes_step(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                            const uint8_t *scales, int8x16_t right, enum mxfs_out out)
{
    uint8x16_t nibbles = vandq_u8(vshlq_u8(vld1q_u8(codes), right), vdupq_n_u8(15));
    uint8x16_t scale = vld1q_u8(scales);
    store_elements(
        dst, out == MXFS_OUT_F16 ? f16_lanes(nibbles, scale) : bf16_lanes(t, nibbles, scale), out);
}

/* Whole vectors; the last one may overlap the one before, since the same octets are written again.
 */
MXFS_INLINE void lanes(const struct mxfs_tables *t, uint8_t *dst, const uint8_t *codes,
                       const uint8_t *scales, size_t n, unsigned shift, enum mxfs_out out)
{
    const int8x16_t right = vdupq_n_s8((int8_t)-shift);
    size_t size = mxfs_out_size(out);
    if (n < LANES) {
        mxfs_kernel_scalar.mxfp4_lanes[out](t, dst, codes, scales, n, shift);
        return;
    }
    for (size_t i = 0; i <= n - LANES; i += LANES)
        lanes_step(t, dst + i * size, codes + i, scales + i, right, out);
    if (n % LANES)
        lanes_step(t, dst + (n - LANES) * size, codes + n - LANES, scales + n - LANES, right, out);
}

MXFS_DEFINE_MXFP4_BLOCKS(static, blocks, blocks)
MXFS_DEFINE_MXFP4_LANES(static, lanes, lanes)

const struct mxfs_kernel mxfs_kernel_neon = {
    .name = "neon",
    .requires = MXFS_CPU_NEON,
    .mxfp4_blocks = MXFS_OUTS(blocks),
    .mxfp4_lanes = MXFS_OUTS(lanes),
    .fp8_run = MXFS_OUTS(mxfs_neon_fp8_run),
    .fp8_blocks = MXFS_OUTS(mxfs_neon_fp8_blocks),
    .mxfp8_blocks = MXFS_OUTS(mxfs_neon_mxfp8),
    .nvfp4_blocks = MXFS_OUTS(mxfs_neon_nvfp4_blocks),
    .nvfp4_lanes = MXFS_OUTS(mxfs_neon_nvfp4_lanes),
    .code4_run = MXFS_OUTS(mxfs_neon_code4),
    .code4_pick = MXFS_OUTS(mxfs_scalar_code4_pick),
    .code8_run = MXFS_OUTS(mxfs_neon_code8),
    .narrow = MXFS_OUTS(mxfs_neon_narrow),
    .unpack = mxfs_neon_unpack,
    .e2m3 = mxfs_neon_e2m3,
    .transpose = mxfs_neon_transpose,
    .transpose_words = mxfs_scalar_transpose_words,
    .widen_bf16 = mxfs_neon_widen_bf16,
};

#else
typedef int mxfs_kernel_neon_is_for_arm64; /* ISO C wants a declaration */
#endif
