/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Scales: finding their bytes, widening them to float32, and rounding products on their way to the
 * output type. Private to scheme/.
 */
#ifndef MXFS_SCHEME_SCALES_H
#define MXFS_SCHEME_SCALES_H

#include "match.h"

enum {
    /** Scales that are converted at a time, on the stack. */
    SCHEME_SCALE_CHUNK = 128,
    /** Elements that are narrowed at a time, on the stack. */
    SCHEME_NARROW_CHUNK = 512,
};

/**
 * The bytes of the entries that elements [first, first + count) use, where `each` elements share an
 * entry of `size` bytes.
 */
static inline struct mxfs_span scheme_span(uint64_t first, uint64_t count, uint64_t each,
                                           uint64_t size)
{
    uint64_t begin = first / each, end = (first + count - 1) / each + 1;

    return (struct mxfs_span){begin * size, (end - begin) * size};
}

/** All bytes of part `part`. */
static inline struct mxfs_span scheme_whole_span(const struct mxfs_group *group, unsigned part)
{
    return (struct mxfs_span){0, group->part[part]->size};
}

/** Bytes of a scale. */
static inline unsigned scheme_scale_size(enum mxfs_dtype dtype)
{
    return mxfs_dtype_bits(dtype) / 8;
}

/** Whether a tensor has exactly one element, whatever its rank. */
static inline bool scheme_is_single(const struct mxfs_tensor *t)
{
    return t->size * 8 == mxfs_dtype_bits(t->dtype);
}

/**
 * out[i] = scale i at `src` as float32, exact; i < n. E8M0 0 is the subnormal 2^-127, 255 is NaN.
 * Types are F32, BF16, F16, F8_E4M3, F8_E8M0, and U8, which holds the bytes of F8_E8M0.
 */
void scheme_scale_load(const struct mxfs_codec *codec, float *out, const uint8_t *src, size_t n,
                       enum mxfs_dtype dtype);

/** The type to which a library that computes in the type of its scales rounds products. */
enum mxfs_out scheme_scale_type(const struct mxfs_tensor *scales);

/** How float32 values become elements of the output. */
struct scheme_narrowing {
    const struct mxfs_codec *codec;    /**< kernels and tables */
    enum mxfs_out out;                 /**< the output type */
    enum mxfs_out via;                 /**< type to round to before that; F32 for none */
    const struct mxfs_tensor *columns; /**< factors of columns, or NULL */
    const uint8_t *factors;            /**< bytes of `columns`, all of them */
};

/** How the elements of a run are narrowed, where part `columns` has factors; 0: none. */
struct scheme_narrowing scheme_narrowing_of(const struct mxfs_run *run, enum mxfs_out via,
                                            unsigned columns);

/** Whether the factors of columns, if there are any, fit the last axis of the output. */
bool scheme_columns_fit(const struct scheme_case *c);

/**
 * dst = n float32 values, times the factors of columns [column, column + n) if there are any,
 * rounded to `via`, then to the output type. n <= SCHEME_NARROW_CHUNK.
 */
void scheme_narrow(const struct scheme_narrowing *narrowing, uint8_t *dst, const float *values,
                   size_t n, uint64_t column);

/** Whether values go straight to the output type: no factors, no other type in between. */
bool scheme_narrows_once(const struct scheme_narrowing *narrowing);

#endif
