/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 groups: E2M1 codes, two an octet with the even element in the low nibble, an E4M3 scale for
 * 16 of them, and a float32 scale of the tensor or of each expert. Private to scheme/.
 */
#ifndef MXFS_SCHEME_NVFP4_H
#define MXFS_SCHEME_NVFP4_H

#include "match.h"

/** Parts of a group. */
enum { MXFS_NVFP4_CODES, MXFS_NVFP4_SCALES, MXFS_NVFP4_GLOBAL, MXFS_NVFP4_COLUMNS };

/** What the scale of the tensor does to that of a block: group->format. */
enum {
    MXFS_NVFP4_MULTIPLIES,
    MXFS_NVFP4_DIVIDES,
    MXFS_NVFP4_DIVIDES_BF16, /**< and the quotient is rounded to bfloat16 */
};

/** The bytes of the scales of the tensor behind elements [first, first + count). */
struct mxfs_span mxfs_nvfp4_global_span(const struct mxfs_group *group, uint64_t first,
                                        uint64_t count);

/** Elements that share one of them. */
uint64_t mxfs_nvfp4_region(const struct mxfs_group *group);

/**
 * out[i] = scale i at `scales` and the scale of the tensor that belongs to `element`, combined;
 * i < n <= MXFS_SCALES_CHUNK. `global` are the bytes of a span that begins with that of `first`.
 */
void mxfs_nvfp4_scales(const struct mxfs_group *group, const struct mxfs_codec *codec, float *out,
                       const uint8_t *scales, size_t n, const uint8_t *global, uint64_t first,
                       uint64_t element);

/** Streaming operations of codes [E, K/2, N] with scales [E, K/16, N]. */
void mxfs_nvfp4_rows_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                           struct mxfs_span spans[MXFS_PARTS_MAX]);
void mxfs_nvfp4_rows_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                            uint64_t first, uint64_t count,
                            const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst);

#endif
