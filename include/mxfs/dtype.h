/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The element types of safetensors.
 *
 * Source: huggingface/safetensors 0.8.0, safetensors/src/tensor.rs, enum Dtype. The order of the
 * enum is the library's: it is the (descending) sort key of the tensors in a written file.
 * Thread safety: immutable.
 */
#ifndef MXFS_DTYPE_H
#define MXFS_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Element types in the library's enum order. */
enum mxfs_dtype {
    MXFS_BOOL,
    MXFS_F4,      /**< E2M1, two in a byte */
    MXFS_F6_E2M3, /**< six bits */
    MXFS_F6_E3M2, /**< six bits */
    MXFS_U8,
    MXFS_I8,
    MXFS_F8_E5M2,
    MXFS_F8_E4M3, /**< the "FN" variant: no infinities */
    MXFS_F8_E8M0, /**< an exponent: 2^(x-127), 255 is NaN */
    MXFS_F8_E4M3FNUZ,
    MXFS_F8_E5M2FNUZ,
    MXFS_I16,
    MXFS_U16,
    MXFS_F16,
    MXFS_BF16,
    MXFS_I32,
    MXFS_U32,
    MXFS_F32,
    MXFS_C64,
    MXFS_F64,
    MXFS_I64,
    MXFS_U64,
    MXFS_DTYPE_COUNT,
};

/** The name in a safetensors header, e.g. "BF16". */
const char *mxfs_dtype_name(enum mxfs_dtype dtype);

/** Bits of an element: 4, 6, 8, 16, 32 or 64. */
unsigned mxfs_dtype_bits(enum mxfs_dtype dtype);

/**
 * The value of an F8_E8M0: 2^(e8m0 - 127), assembled from bits. The top bit of the mantissa makes
 * the subnormal 2^-127 of 0 and a quiet NaN of 255.
 */
static inline float mxfs_e8m0_value(uint8_t e8m0)
{
    uint32_t bits = (uint32_t)e8m0 << 23 | ((uint8_t)(e8m0 + 1) <= 1 ? 0x00400000u : 0);
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/** The dtype with this name (case-sensitive), or -1. */
int mxfs_dtype_from_name(const char *name, size_t len);

#endif
