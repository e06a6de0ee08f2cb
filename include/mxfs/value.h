/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Single values of tensors, decoded by the plain definition of each type: for people to read, and
 * to check the kernels against. Thread safety: pure.
 */
#ifndef MXFS_VALUE_H
#define MXFS_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/dtype.h"

/** A value of any type. long double represents all of them exactly. */
struct mxfs_value {
    long double re; /**< the value, or its real part */
    long double im; /**< the imaginary part; 0 except for C64 */
};

/** The bits of element `index` of `data`, whose elements are packed. */
uint64_t mxfs_value_bits(enum mxfs_dtype dtype, const uint8_t *data, uint64_t index);

/** The value that `bits` encode. */
struct mxfs_value mxfs_value_of(enum mxfs_dtype dtype, uint64_t bits);

/** Whether either part is NaN. */
int mxfs_value_is_nan(struct mxfs_value value);

/**
 * The absolute difference of two values; for complex ones, the larger of their parts' differences.
 */
long double mxfs_value_distance(struct mxfs_value a, struct mxfs_value b);

/** Bytes of a value as text, including the final NUL. */
#define MXFS_VALUE_TEXT 96

/** Formats a value like "0.5 (0x3f00)" and returns `out`. */
const char *mxfs_value_format(char out[MXFS_VALUE_TEXT], enum mxfs_dtype dtype, uint64_t bits);

#endif
