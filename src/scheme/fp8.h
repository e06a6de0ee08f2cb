/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How the scales of an FP8 tensor are spread over it. Private to scheme/.
 */
#ifndef MXFS_SCHEME_FP8_H
#define MXFS_SCHEME_FP8_H

#include "match.h"

/** Parts of an FP8 group. */
enum { MXFS_FP8_CODES, MXFS_FP8_SCALES, MXFS_FP8_COLUMNS };

/**
 * Sets rows, cols, block_rows and block_cols of a group whose parts are added and whose shape is
 * set: matrices of rows x cols, one after the other, each with a table of scales, one for
 * block_rows x block_cols elements; what is left over at the right and bottom makes ragged blocks.
 * Refuses scales that fit in no way, or in two.
 */
enum mxfs_verdict mxfs_fp8_spread(struct mxfs_match *match, struct mxfs_group *group);

/**
 * How many elements of an axis share a scale, from its length and the number of scales: what the
 * config says if that fits; else the only power of two that fits (for a count of 1 every larger one
 * gives the same map); else the exact ratio; else 0.
 */
uint64_t mxfs_block_extent(uint64_t dim, uint64_t count, uint64_t configured);

#endif
