/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Grouping: every tensor of a model gets its role, by asking the schemes in order.
 *
 * Thread safety: immutable after start.
 */
#ifndef MXFS_GROUPING_H
#define MXFS_GROUPING_H

#include "mxfs/scheme.h"

/** Roles of a stored tensor; values from 0 up are indices of the group that it is a part of. */
enum {
    MXFS_ROLE_PLAIN = -1,   /**< shown as stored */
    MXFS_ROLE_DROPPED = -2, /**< an activation or KV scale of a dequantized model: not shown */
    MXFS_ROLE_REFUSED = -3, /**< looks quantized, cannot be dequantized exactly */
    MXFS_ROLE_HALF = -4,    /**< the same, because the rest of its group is nowhere to be found */
};

/** Tensors that cannot be dequantized for one reason. */
struct mxfs_refusal {
    const char *scheme;              /**< short name of what was recognised */
    const char *reason;              /**< constant phrase */
    const struct mxfs_tensor *first; /**< by name, or NULL when the config alone refuses */
    size_t count;                    /**< of groups */
    const struct mxfs_scheme *fits;  /**< what `forced` could be, or NULL */
    bool half;                       /**< parts are nowhere to be found */
};

/** Something worth one line, though nothing is wrong. */
struct mxfs_notice {
    const char *text;                /**< constant phrase */
    const struct mxfs_tensor *first; /**< first tensor concerned */
    size_t count;
};

/** Kinds of notices. */
enum {
    MXFS_NOTICE_STRAY_SCALE,  /**< a weight that is not quantized, and a scale */
    MXFS_NOTICE_FP8_UNSCALED, /**< an FP8 weight without a scale */
    MXFS_NOTICE_COUNT,
};

/** The result. Zero-initialised is a valid empty object. */
struct mxfs_grouping {
    struct mxfs_group *groups; /**< in the order of their main parts' names */
    size_t count;
    int32_t *role; /**< one for each of tensors->sorted */
    struct mxfs_refusal *refusals;
    size_t refusal_count;
    struct mxfs_notice notices[MXFS_NOTICE_COUNT]; /**< those with count > 0 */
    const struct mxfs_tensor *failed; /**< after a failure: what could not be read, or NULL */
};

/** How to group. */
struct mxfs_grouping_options {
    struct mxfs_match_options match;
    const char *only; /**< glob (fnmatch) of the output names to show, or NULL for all */
    bool drop_half;   /**< leave out tensors of which the rest of the group is missing */
};

/**
 * Groups `tensors`. Whether refusals are fatal is the caller's choice; the tensors concerned have
 * the role MXFS_ROLE_REFUSED. Returns 0, -ENOMEM, or -errno of a read: then *grouping is empty but
 * for `failed`.
 */
int mxfs_grouping_init(struct mxfs_grouping *grouping, const struct mxfs_tensors *tensors,
                       const struct mxfs_quant_config *config,
                       const struct mxfs_grouping_options *options);

/** Frees; accepts an empty object. */
void mxfs_grouping_fini(struct mxfs_grouping *grouping);

#endif
