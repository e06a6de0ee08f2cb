/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Streams of narrow codes as octets, for any processor: eight codes in a 64-bit word.
 */
#include "variants.h"

#include <string.h>

#include "unpack.h"

/* Every octet of a word, and every 16 and 32 bits. */
#define OCTETS(n) ((n)*UINT64_C(0x0101010101010101))
#define PAIRS(n) ((n)*UINT64_C(0x0001000100010001))
#define HALVES(n) ((n)*UINT64_C(0x0000000100000001))

static uint64_t low_bits(unsigned n)
{
    return (UINT64_C(1) << n) - 1;
}

/*
 * Eight codes from the lowest bits of `stream`, an octet each: two halves of four codes move to 32
 * bits each, pairs to 16, codes to 8.
 */
MXFS_INLINE uint64_t spread(uint64_t stream, unsigned bits)
{
    stream = (stream & low_bits(4 * bits)) | (stream >> 4 * bits & low_bits(4 * bits)) << 32;
    stream = (stream & HALVES(low_bits(2 * bits))) |
             (stream >> 2 * bits & HALVES(low_bits(2 * bits))) << 16;
    return (stream & PAIRS(low_bits(bits))) | (stream >> bits & PAIRS(low_bits(bits))) << 8;
}

/* Subtracts from all octets at once: with their highest bits set apart, no octet borrows from the
 * next. */
MXFS_INLINE uint64_t subtract(uint64_t octets, uint64_t offsets)
{
    const uint64_t high = OCTETS(UINT64_C(0x80));
    return ((octets | high) - (offsets & ~high)) ^ ((octets ^ ~offsets) & high);
}

void mxfs_scalar_unpack(uint8_t *dst, const uint8_t *src, size_t n, unsigned bits, uint8_t offset)
{
    const uint64_t offsets = OCTETS(offset);
    size_t left = mxfs_code_octets(n, bits);
    uint64_t word = 0;

    for (; n >= 8 && left >= 8; n -= 8, left -= bits, src += bits, dst += 8) {
        memcpy(&word, src, 8);
        word = subtract(spread(word, bits), offsets);
        memcpy(dst, &word, 8);
    }
    while (n > 0) {
        size_t octets = left < bits ? left : bits, codes = n < 8 ? n : 8;
        word = 0;
        memcpy(&word, src, octets);
        word = subtract(spread(word, bits), offsets);
        memcpy(dst, &word, codes);
        n -= codes;
        left -= octets;
        src += octets;
        dst += codes;
    }
}

void mxfs_scalar_e2m3(uint8_t *dst, const uint8_t *src, size_t n)
{
    static const uint8_t first[16] = {MXFS_E2M3_FIRST_16};

    mxfs_scalar_unpack(dst, src, n, 6, 0);
    for (size_t i = 0; i < n; i++) {
        unsigned magnitude = dst[i] & 31;
        unsigned value = magnitude < 16 ? first[magnitude] : magnitude + MXFS_E2M3_NORMAL;
        dst[i] = (uint8_t)(value | (dst[i] & 32u) << 2);
    }
}
