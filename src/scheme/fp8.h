/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How the scales of an FP8 tensor are spread over it. Private to scheme/.
 */
#ifndef MXFS_SCHEME_FP8_H
#define MXFS_SCHEME_FP8_H

#include "match.h"

/** Indices of the parts of an FP8 group. */
enum { FP8_CODES, FP8_SCALES, FP8_COLUMNS };

/**
 * The layout of a group: matrices of rows x cols, one after the other, each with a table of scales,
 * one for block_rows x block_cols elements. Blocks at the right and the bottom may be smaller.
 */
struct scheme_fp8_layout {
    uint64_t rows;            /**< of a matrix */
    uint64_t cols;            /**< of a matrix */
    uint64_t block_rows;      /**< rows that share a scale; not 0 */
    uint64_t block_cols;      /**< columns that share a scale; not 0 */
    enum mxfs_fp8 format : 8; /**< of the codes */
    enum mxfs_out via : 8;    /**< type that products are rounded to first */
};

/**
 * Sets rows, cols, block_rows and block_cols of a group whose shape is set. Refuses scales that do
 * not fit, or fit in two ways.
 */
int scheme_fp8_spread(struct scheme_case *c, struct scheme_fp8_layout *layout);

#endif
