/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Streams of narrow codes as octets with NEON: TBL gives each code a word with the two octets that
 * it may lie in, and USHL shifts every word by a distance of its own.
 */
#if defined(__aarch64__)

#include "variants.h"

#include <arm_neon.h>

#include "unpack.h"

enum {
    CODES = 16, /* of one step */
    REACH = 16, /* octets that a step reads, whatever its codes take */
};

/* What a width of codes fixes, for the first and the last eight codes of a step. */
struct width {
    uint8x16_t octets[2]; /* those of each word; 16, for an octet that no code needs, gives 0 */
    int16x8_t right;      /* shifts to the left, so negative: 8 codes take whole octets */
    uint8x16_t mask;
};

MXFS_INLINE struct width width_of(unsigned bits)
{
    uint8_t first[16];
    int16_t right[8];
    for (unsigned i = 0; i < 8; i++) {
        first[2 * i] = (uint8_t)(i * bits / 8);
        first[2 * i + 1] = (uint8_t)(i * bits / 8 + 1);
        right[i] = (int16_t) - (int)(i * bits % 8);
    }
    uint8x16_t octets = vld1q_u8(first);
    return (struct width){
        .octets = {octets, vaddq_u8(octets, vdupq_n_u8((uint8_t)bits))},
        .right = vld1q_s16(right),
        .mask = vdupq_n_u8((uint8_t)((1u << bits) - 1)),
    };
}

MXFS_INLINE uint8x16_t codes_of(const struct width *w, const uint8_t *src)
{
    uint8x16_t octets = vld1q_u8(src);
    uint16x8_t first = vreinterpretq_u16_u8(vqtbl1q_u8(octets, w->octets[0]));
    uint16x8_t last = vreinterpretq_u16_u8(vqtbl1q_u8(octets, w->octets[1]));
    uint8x16_t low = vreinterpretq_u8_u16(vshlq_u16(first, w->right));
    uint8x16_t high = vreinterpretq_u8_u16(vshlq_u16(last, w->right));
    return vandq_u8(vuzp1q_u8(low, high), w->mask);
}

void mxfs_neon_unpack(uint8_t *dst, const uint8_t *src, size_t n, unsigned bits, uint8_t offset)
{
    const struct width w = width_of(bits);
    const uint8x16_t offsets = vdupq_n_u8(offset);
    const uint8_t *end = src + mxfs_code_octets(n, bits);

    for (; n >= CODES && end - src >= REACH; n -= CODES, src += 2 * bits, dst += CODES)
        vst1q_u8(dst, vsubq_u8(codes_of(&w, src), offsets));
    mxfs_scalar_unpack(dst, src, n, bits, offset);
}

/* A table of 32 magnitudes, and the sign. */
MXFS_INLINE uint8x16_t as_e4m3(uint8x16_t codes)
{
    static const uint8_t first[16] = {MXFS_E2M3_FIRST_16};
    static const uint8_t count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8x16_t normal = vaddq_u8(vld1q_u8(count), vdupq_n_u8(16 + MXFS_E2M3_NORMAL));
    const uint8x16x2_t table = {{vld1q_u8(first), normal}};
    uint8x16_t sign = vshlq_n_u8(vandq_u8(codes, vdupq_n_u8(32)), 2);
    return vorrq_u8(vqtbl2q_u8(table, vandq_u8(codes, vdupq_n_u8(31))), sign);
}

void mxfs_neon_e2m3(uint8_t *dst, const uint8_t *src, size_t n)
{
    const struct width w = width_of(6);
    const uint8_t *end = src + mxfs_code_octets(n, 6);

    for (; n >= CODES && end - src >= REACH; n -= CODES, src += 12, dst += CODES)
        vst1q_u8(dst, as_e4m3(codes_of(&w, src)));
    mxfs_scalar_e2m3(dst, src, n);
}

#else
typedef int mxfs_neon_unpack_is_for_arm64; /* ISO C wants a declaration */
#endif
