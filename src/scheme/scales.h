/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Scales of any stored type as float32, and what the FP8 and NVFP4 schemes do with them besides
 * multiplying: factors of columns and a rounding on the way. Private to scheme/.
 */
#ifndef MXFS_SCHEME_SCALES_H
#define MXFS_SCHEME_SCALES_H

#include "match.h"

enum {
    /** Scales converted at a time, on the stack. */
    MXFS_SCALES_CHUNK = 128,
    /** Elements narrowed at a time, likewise. */
    MXFS_NARROW_CHUNK = 512,
};

/** Whether scales of that type are numbers: F32, BF16 or F16. */
bool mxfs_scale_is_linear(uint8_t dtype);

/** Whether scales of that type are exponents: F8_E8M0, or U8 that hold the same. */
bool mxfs_scale_is_exponent(uint8_t dtype);

/** Bytes of a scale. */
unsigned mxfs_scale_size(uint8_t dtype);

/**
 * out[i] = scale i at `src` as float32, exact; i < n. E8M0 0 is the subnormal 2^-127, 255 is NaN.
 * Types are the above and F8_E4M3.
 */
void mxfs_scales_load(const struct mxfs_codec *codec, float *out, const uint8_t *src, size_t n,
                      uint8_t dtype);

/**
 * Adds the part stem + suffix, where there is one: factors of the last axis' columns
 * (pre_quant_scale), to be multiplied into the weight. False when it does not fit the output, whose
 * shape is set.
 */
bool mxfs_match_columns(const struct mxfs_match *match, size_t index, size_t stem_len,
                        const char *suffix, struct mxfs_group *group);

/**
 * dst = n float32 values at `values`, times the factors of columns [column, column + n) of
 * `columns` (NULL: none; its bytes are at `factors`), rounded to group->via, then to the output
 * type. n <= MXFS_NARROW_CHUNK.
 */
void mxfs_narrow_columns(const struct mxfs_group *group, const struct mxfs_codec *codec,
                         uint8_t *dst, const float *values, size_t n,
                         const struct mxfs_tensor *columns, const uint8_t *factors,
                         uint64_t column);

/** Whether products go straight to the output type: no factors, no other type between. */
bool mxfs_narrows_once(const struct mxfs_group *group, const struct mxfs_tensor *columns);

#endif
