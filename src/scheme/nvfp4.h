/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4 groups: E2M1 codes, two per byte with the even element in the low nibble, an E4M3 scale for
 * 16 of them, and a float32 scale of the tensor or of each expert. Private to scheme/.
 */
#ifndef MXFS_SCHEME_NVFP4_H
#define MXFS_SCHEME_NVFP4_H

#include "match.h"

/** Parts of a group. */
enum { NVFP4_CODES, NVFP4_SCALES, NVFP4_GLOBAL, NVFP4_COLUMNS };

/** How the scale of the tensor changes that of a block. */
enum nvfp4_global {
    NVFP4_MULTIPLIES,
    NVFP4_DIVIDES,
    NVFP4_DIVIDES_BF16, /**< and the quotient is rounded to bfloat16, as is the product */
};

/** The layout of a group. */
struct nvfp4_layout {
    uint64_t cols;   /**< of the output: its last dimension */
    uint64_t region; /**< elements that share a scale of the tensor */
    enum nvfp4_global global;
};

/** The layout of a group. */
static inline const struct nvfp4_layout *nvfp4_layout_of(const struct mxfs_group *group)
{
    return group->layout;
}

/** The scales of the tensor for elements [first, first + count), as bytes of their part. */
struct mxfs_span nvfp4_global_span(const struct mxfs_group *group, uint64_t first, uint64_t count);

/** Scales of blocks and of the tensor, combined. */
struct nvfp4_scales {
    const struct mxfs_group *group;
    const struct mxfs_codec *codec;
    const uint8_t *global; /**< bytes of a span that begins with the scale of `first` */
    uint64_t first;        /**< element */
};

/**
 * out[i] = scale i at `scales` and the scale of the tensor that belongs to `element`, combined;
 * i < n <= SCALE_CHUNK.
 */
void nvfp4_scales_load(const struct nvfp4_scales *s, float *out, const uint8_t *scales, size_t n,
                       uint64_t element);

/** Streaming operations of codes [E, K/2, N] with scales [E, K/16, N]. */
void nvfp4_rows_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct mxfs_span spans[MXFS_PARTS_MAX]);
void nvfp4_rows_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                       uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                       uint8_t *dst);

#endif
