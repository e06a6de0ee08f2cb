/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Scales of any stored type as float32, and what follows their product in several schemes: factors
 * of columns and a rounding on the way. Private to scheme/.
 */
#ifndef MXFS_SCHEME_SCALES_H
#define MXFS_SCHEME_SCALES_H

#include "match.h"

enum {
    /** Scales converted at a time, on the stack. */
    SCALE_CHUNK = 128,
    /** Elements narrowed at a time, likewise. */
    SCALE_NARROW_CHUNK = 512,
};

/** Bytes of a scale. */
unsigned scale_size(enum mxfs_dtype dtype);

/**
 * out[i] = scale i at `src` as float32, exact; i < n. E8M0 0 is the subnormal 2^-127, 255 is NaN.
 * Types are F32, BF16, F16, F8_E4M3, F8_E8M0, and U8 for the bytes of F8_E8M0.
 */
void scale_load(const struct mxfs_codec *codec, float *out, const uint8_t *src, size_t n,
                enum mxfs_dtype dtype);

/** The type that products are rounded to when a library computes in the type of its scales. */
enum mxfs_out scale_type(const struct mxfs_tensor *scales);

/** How float32 values become elements of the output. */
struct scale_narrowing {
    const struct mxfs_codec *codec;
    enum mxfs_out out;                 /**< the output type */
    enum mxfs_out via;                 /**< type to round to before that; F32 for none */
    const struct mxfs_tensor *columns; /**< factors of columns, or NULL */
    const uint8_t *factors;            /**< their bytes: those of all columns */
};

/** Whether the factors of columns, if there are any, fit the last axis of the output. */
bool scale_columns_fit(const struct scheme_case *c);

/**
 * dst = n float32 values, times the factors of columns [column, column + n) if there are any,
 * rounded to `via`, then to the output type. n <= SCALE_NARROW_CHUNK.
 */
void scale_narrow(const struct scale_narrowing *narrowing, uint8_t *dst, const float *values,
                  size_t n, uint64_t column);

/** Whether values go straight to the output type: no factors, no other type in between. */
bool scale_narrows_once(const struct scale_narrowing *narrowing);

#endif
