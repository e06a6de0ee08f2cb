/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The element types of safetensors.
 *
 * Source: huggingface/safetensors 0.8.0, safetensors/src/tensor.rs, enum Dtype. The order is that
 * of the library's enum, because files list their tensors by descending dtype. Thread safety:
 * immutable.
 */
#ifndef MXFS_DTYPE_H
#define MXFS_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Element types, in the order of the library's enum. */
enum mxfs_dtype {
    MXFS_BOOL,        /**< a byte, 0 or 1 */
    MXFS_F4,          /**< E2M1, two in a byte */
    MXFS_F6_E2M3,     /**< six bits */
    MXFS_F6_E3M2,     /**< six bits */
    MXFS_U8,          /**< unsigned integer */
    MXFS_I8,          /**< signed integer, two's complement, like those below */
    MXFS_F8_E5M2,     /**< IEEE-like: infinities and several NaNs */
    MXFS_F8_E4M3,     /**< the "FN" variant: no infinities */
    MXFS_F8_E8M0,     /**< an exponent: 2^(x-127), 255 is NaN */
    MXFS_F8_E4M3FNUZ, /**< AMD: bias one higher, no infinities, no -0, one NaN */
    MXFS_F8_E5M2FNUZ, /**< AMD: bias one higher, no infinities, no -0, one NaN */
    MXFS_I16,         /**< signed integer */
    MXFS_U16,         /**< unsigned integer */
    MXFS_F16,         /**< IEEE 754 binary16 */
    MXFS_BF16,        /**< the upper half of a binary32 */
    MXFS_I32,         /**< signed integer */
    MXFS_U32,         /**< unsigned integer */
    MXFS_F32,         /**< IEEE 754 binary32 */
    MXFS_C64,         /**< two MXFS_F32: real and imaginary part */
    MXFS_F64,         /**< IEEE 754 binary64 */
    MXFS_I64,         /**< signed integer */
    MXFS_U64,         /**< unsigned integer */
    MXFS_DTYPE_COUNT, /**< the number of types */
};

/** The name in a safetensors header, e.g. "BF16". */
const char *mxfs_dtype_name(enum mxfs_dtype dtype);

/** Bits of an element: 4, 6, 8, 16, 32 or 64. */
unsigned mxfs_dtype_bits(enum mxfs_dtype dtype);

/**
 * The value of an F8_E8M0: 2^(e8m0 - 127), assembled from bits. The top bit of the mantissa turns 0
 * into the subnormal 2^-127, and 255 into a quiet NaN.
 */
static inline float mxfs_e8m0_value(uint8_t e8m0)
{
    uint32_t bits = (uint32_t)e8m0 << 23 | ((uint8_t)(e8m0 + 1) <= 1 ? 0x00400000u : 0);
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/** The enum mxfs_dtype called `name` (case-sensitive, `len` bytes), or -1. */
int mxfs_dtype_from_name(const char *name, size_t len);

#endif
