/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Grouping: gives every tensor of a model its role, by asking the schemes in order.
 *
 * Thread safety: immutable after start.
 */
#ifndef MXFS_GROUPING_H
#define MXFS_GROUPING_H

#include "mxfs/scheme.h"

/** Roles of a stored tensor; values from 0 up are the index of its group. */
enum {
    MXFS_ROLE_PLAIN = -1,   /**< shown as stored */
    MXFS_ROLE_DROPPED = -2, /**< an activation or KV scale of a dequantized model: not shown */
    MXFS_ROLE_REFUSED = -3, /**< looks quantized, cannot be dequantized exactly */
    MXFS_ROLE_HALF = -4,    /**< the same, because the rest of its group is missing */
};

/** Tensors that cannot be dequantized for one reason. */
struct mxfs_refusal {
    const char *scheme;              /**< short name of what was recognised */
    const char *reason;              /**< constant phrase */
    const struct mxfs_tensor *first; /**< by name, or NULL when the config alone refuses */
    size_t count;                    /**< groups */
    const struct mxfs_scheme *fits;  /**< what `forced` could be, or NULL */
    bool half;                       /**< parts are missing */
};

/** Something that deserves one line, though nothing is wrong. */
struct mxfs_notice {
    const char *text;                /**< constant phrase */
    const struct mxfs_tensor *first; /**< first tensor concerned */
    size_t count;                    /**< tensors; 0: there is no such notice */
};

/** Kinds of notices. */
enum {
    MXFS_NOTICE_STRAY_SCALE,  /**< a weight that is not quantized, and a scale */
    MXFS_NOTICE_FP8_UNSCALED, /**< an FP8 weight without a scale */
    MXFS_NOTICE_COUNT,        /**< number of kinds */
};

/** The result. Zero-initialised is a valid empty object. */
struct mxfs_grouping {
    struct mxfs_group *groups;                     /**< in the order of their main parts' names */
    size_t count;                                  /**< groups */
    int32_t *role;                                 /**< one for each of tensors->sorted */
    struct mxfs_refusal *refusals;                 /**< one for each scheme and reason */
    size_t refusal_count;                          /**< refusals */
    struct mxfs_notice notices[MXFS_NOTICE_COUNT]; /**< those with count > 0 */
    const struct mxfs_tensor *failed; /**< after a failure: what could not be read, or NULL */
};

/** How to group. */
struct mxfs_grouping_options {
    struct mxfs_match_options match; /**< for the schemes */
    const char *only; /**< glob (fnmatch) that names of outputs must match, or NULL */
    bool drop_half;   /**< leave out tensors whose group is incomplete */
};

/**
 * Groups `tensors`. Refusals are no failure: the tensors concerned get the role MXFS_ROLE_REFUSED
 * or MXFS_ROLE_HALF, and the caller decides. Returns 0, -ENOMEM, or -errno of a read; after a
 * failure *grouping is empty but for `failed`.
 */
int mxfs_grouping_init(struct mxfs_grouping *grouping, const struct mxfs_tensors *tensors,
                       const struct mxfs_quant_config *config,
                       const struct mxfs_grouping_options *options);

/** Frees; accepts an empty object. */
void mxfs_grouping_fini(struct mxfs_grouping *grouping);

#endif
