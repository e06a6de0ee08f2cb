/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Single values of tensors, decoded by the plain definition of each format, for people and for
 * judging the kernels. Pure functions.
 */
#ifndef MXFS_VALUE_H
#define MXFS_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/dtype.h"

/** A value of any type: long double holds all of them exactly. */
struct mxfs_value {
    long double re;
    long double im; /**< 0 except for C64 */
};

/** The bits of element `index` of packed elements. */
uint64_t mxfs_value_bits(enum mxfs_dtype dtype, const uint8_t *data, uint64_t index);

/** The value that these bits encode. */
struct mxfs_value mxfs_value_of(enum mxfs_dtype dtype, uint64_t bits);

/** Whether either half is NaN. */
int mxfs_value_is_nan(struct mxfs_value value);

/** The distance of two numbers; of complex ones, the larger of the distances of their halves. */
long double mxfs_value_distance(struct mxfs_value a, struct mxfs_value b);

/** Room for a value as text. */
#define MXFS_VALUE_TEXT 96

/** Formats a value like "0.5 (0x3f00)" and returns `out`. */
const char *mxfs_value_format(char out[MXFS_VALUE_TEXT], enum mxfs_dtype dtype, uint64_t bits);

#endif
