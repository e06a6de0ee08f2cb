/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Unpacks streams of narrow codes with NEON: TBL gives each code a word with the two bytes that it
 * may lie in, and USHL shifts every word by its own distance.
 */
#if defined(__aarch64__)

#include "variants.h"

#include <arm_neon.h>

#include "unpack.h"

enum {
    CODES = 16, /* per step */
    REACH = 16, /* bytes that a step reads, even if its codes take fewer */
};

/* Constants for a width of codes, for the first and the last eight codes of a step. */
struct width {
    uint8x16_t bytes[2]; /* bytes of each word; index 16 gives 0 for an unused byte */
    int16x8_t right; /* shifts to the left, so negative; the same for both, since eight codes fill
                        whole bytes */
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
    uint8x16_t bytes = vld1q_u8(first);
    return (struct width){
        .bytes = {bytes, vaddq_u8(bytes, vdupq_n_u8((uint8_t)bits))},
        .right = vld1q_s16(right),
        .mask = vdupq_n_u8((uint8_t)((1u << bits) - 1)),
    };
}

MXFS_INLINE uint8x16_t codes_of(const struct width *w, const uint8_t *src)
{
    uint8x16_t bytes = vld1q_u8(src);
    uint16x8_t first = vreinterpretq_u16_u8(vqtbl1q_u8(bytes, w->bytes[0]));
    uint16x8_t last = vreinterpretq_u16_u8(vqtbl1q_u8(bytes, w->bytes[1]));
    uint8x16_t low = vreinterpretq_u8_u16(vshlq_u16(first, w->right));
    uint8x16_t high = vreinterpretq_u8_u16(vshlq_u16(last, w->right));
    return vandq_u8(vuzp1q_u8(low, high), w->mask);
}

void kernel_neon_unpack(void *out, const struct mxfs_unpack *in)
{
    const unsigned bits = in->bits;
    const struct width w = width_of(bits);
    const uint8x16_t offsets = vdupq_n_u8(in->offset);
    struct mxfs_unpack rest = *in;
    const uint8_t *end = rest.src + kernel_code_bytes(rest.n, bits);
    uint8_t *dst = out;

    for (; rest.n >= CODES && end - rest.src >= REACH; rest.n -= CODES) {
        vst1q_u8(dst, vsubq_u8(codes_of(&w, rest.src), offsets));
        rest.src += 2 * bits;
        dst += CODES;
    }
    if (rest.n)
        kernel_scalar.unpack(dst, &(struct mxfs_unpack){rest.src, rest.n, bits, rest.offset});
}

/* Looks up 32 magnitudes and adds the sign. */
MXFS_INLINE uint8x16_t as_e4m3(uint8x16_t codes)
{
    static const uint8_t first[16] = {KERNEL_E2M3_FIRST_16};
    static const uint8_t count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8x16_t normal = vaddq_u8(vld1q_u8(count), vdupq_n_u8(16 + KERNEL_E2M3_NORMAL));
    const uint8x16x2_t table = {{vld1q_u8(first), normal}};
    uint8x16_t sign = vshlq_n_u8(vandq_u8(codes, vdupq_n_u8(32)), 2);
    return vorrq_u8(vqtbl2q_u8(table, vandq_u8(codes, vdupq_n_u8(31))), sign);
}

void kernel_neon_e2m3(void *out, const struct mxfs_e2m3 *in)
{
    const struct width w = width_of(6);
    struct mxfs_e2m3 rest = *in;
    const uint8_t *end = rest.src + kernel_code_bytes(rest.n, 6);
    uint8_t *dst = out;

    for (; rest.n >= CODES && end - rest.src >= REACH; rest.n -= CODES) {
        vst1q_u8(dst, as_e4m3(codes_of(&w, rest.src)));
        rest.src += 12;
        dst += CODES;
    }
    if (rest.n)
        kernel_scalar.e2m3(dst, &(struct mxfs_e2m3){rest.src, rest.n});
}

#else
typedef int kernel_neon_unpack_is_for_arm64; /* ISO C requires a declaration */
#endif
