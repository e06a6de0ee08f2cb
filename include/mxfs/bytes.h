/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Little-endian loads and stores, and arithmetic that detects overflow.
 *
 * Everything here is a pure function of its arguments. Pointers need no alignment.
 */
#ifndef MXFS_BYTES_H
#define MXFS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Reads a 64-bit little-endian integer. */
static inline uint64_t mxfs_load_le64(const void *p)
{
    uint8_t b[8];
    uint64_t v = 0;
    memcpy(b, p, 8);
    for (int i = 7; i >= 0; i--)
        v = v << 8 | b[i];
    return v;
}

/** Reads a 32-bit little-endian integer. */
static inline uint32_t mxfs_load_le32(const void *p)
{
    uint8_t b[4];
    memcpy(b, p, 4);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/** Writes a 64-bit little-endian integer. */
static inline void mxfs_store_le64(void *p, uint64_t v)
{
    uint8_t b[8];
    for (int i = 0; i < 8; i++, v >>= 8)
        b[i] = (uint8_t)v;
    memcpy(p, b, 8);
}

/** Writes a 16-bit little-endian integer. */
static inline void mxfs_store_le16(void *p, uint16_t v)
{
    uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
    memcpy(p, b, 2);
}

/** Sets *out = a + b. Returns false, with *out unspecified, on overflow. */
static inline bool mxfs_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/** Sets *out = a * b. Returns false, with *out unspecified, on overflow. */
static inline bool mxfs_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/** a / b, rounded up; b must not be 0. */
static inline uint64_t mxfs_ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/** The smallest multiple of `step` (not 0) that is at least `a`; must not overflow. */
static inline uint64_t mxfs_align_up(uint64_t a, uint64_t step)
{
    return mxfs_ceil_div(a, step) * step;
}

/** The smaller of two numbers. */
static inline uint64_t mxfs_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/** The larger of two numbers. */
static inline uint64_t mxfs_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
