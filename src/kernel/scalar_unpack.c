/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Unpacks streams of narrow codes for any processor: eight codes per 64-bit word.
 */
#include "variants.h"

#include <string.h>

#include "unpack.h"

/* Repeats n in every byte, every 16 bits and every 32 bits of a word. */
#define BYTES(n) ((n)*UINT64_C(0x0101010101010101))
#define PAIRS(n) ((n)*UINT64_C(0x0001000100010001))
#define HALVES(n) ((n)*UINT64_C(0x0000000100000001))

static uint64_t low_bits(unsigned n)
{
    return (UINT64_C(1) << n) - 1;
}

/*
 * Spreads eight codes from the lowest bits of `stream` over the eight bytes: halves of four codes
 * move to 32 bits each, then pairs to 16, then codes to 8.
 */
MXFS_INLINE uint64_t spread(uint64_t stream, unsigned bits)
{
    stream = (stream & low_bits(4 * bits)) | (stream >> 4 * bits & low_bits(4 * bits)) << 32;
    stream = (stream & HALVES(low_bits(2 * bits))) |
             (stream >> 2 * bits & HALVES(low_bits(2 * bits))) << 16;
    return (stream & PAIRS(low_bits(bits))) | (stream >> bits & PAIRS(low_bits(bits))) << 8;
}

/*
 * Subtracts in all bytes at once. The highest bits are handled apart, so no byte borrows from
 * another.
 */
MXFS_INLINE uint64_t subtract(uint64_t bytes, uint64_t offsets)
{
    const uint64_t high = BYTES(UINT64_C(0x80));
    return ((bytes | high) - (offsets & ~high)) ^ ((bytes ^ ~offsets) & high);
}

void kernel_scalar_unpack(void *out, const struct mxfs_unpack *in)
{
    const uint64_t offsets = BYTES(in->offset);
    const unsigned bits = in->bits;
    const uint8_t *src = in->src;
    uint8_t *dst = out;
    size_t n = in->n, left = kernel_code_bytes(n, bits);
    uint64_t word = 0;

    for (; n >= 8 && left >= 8; n -= 8, left -= bits, src += bits, dst += 8) {
        memcpy(&word, src, 8);
        word = subtract(spread(word, bits), offsets);
        memcpy(dst, &word, 8);
    }
    while (n > 0) {
        size_t bytes = left < bits ? left : bits, codes = n < 8 ? n : 8;
        word = 0;
        memcpy(&word, src, bytes);
        word = subtract(spread(word, bits), offsets);
        memcpy(dst, &word, codes);
        n -= codes;
        left -= bytes;
        src += bytes;
        dst += codes;
    }
}

void kernel_scalar_e2m3(void *out, const struct mxfs_e2m3 *in)
{
    static const uint8_t first[16] = {KERNEL_E2M3_FIRST_16};
    uint8_t *dst = out;
    size_t n = in->n;

    kernel_scalar_unpack(dst, &(struct mxfs_unpack){in->src, n, 6, 0});
    for (size_t i = 0; i < n; i++) {
        unsigned magnitude = dst[i] & 31;
        unsigned value = magnitude < 16 ? first[magnitude] : magnitude + KERNEL_E2M3_NORMAL;
        dst[i] = (uint8_t)(value | (dst[i] & 32u) << 2);
    }
}
