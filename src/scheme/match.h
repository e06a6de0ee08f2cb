/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What matchers share: looking at companions and filling a group. Private to scheme/.
 */
#ifndef MXFS_SCHEME_MATCH_H
#define MXFS_SCHEME_MATCH_H

#include "mxfs/scheme.h"

/** The tensor called (first stem_len bytes of tensor index's name) + suffix, or NULL. */
const struct mxfs_tensor *mxfs_match_companion(const struct mxfs_match *match, size_t index,
                                               size_t stem_len, const char *suffix);

/** Sets the reason and returns MXFS_REFUSE. `scheme` may be NULL for the scheme's own name. */
enum mxfs_verdict mxfs_match_refuse(struct mxfs_match *match, const char *scheme,
                                    const char *reason);

/** The same for a group of which a part is nowhere to be found. */
enum mxfs_verdict mxfs_match_refuse_half(struct mxfs_match *match, const char *scheme,
                                         const char *reason);

/** Adds a part to a group. */
void mxfs_match_add_part(struct mxfs_group *group, const struct mxfs_tensor *part);

/**
 * Whether tensor `index` is an X.weight of type `dtype` beside an X.weight_scale of a type that
 * accepts() takes. If so adds both as parts, names the output X.weight, and returns the scales;
 * *stem_len is then the length of X. Else NULL, and the group is left alone.
 */
const struct mxfs_tensor *mxfs_match_weight_and_scale(const struct mxfs_match *match, size_t index,
                                                      struct mxfs_group *group, uint8_t dtype,
                                                      bool (*accepts)(uint8_t dtype),
                                                      size_t *stem_len);

/** Names the output after the first `len` bytes of the main part's name. */
void mxfs_match_name(struct mxfs_group *group, size_t len);

/**
 * Sets rank and shape from the first `rank` dimensions of `shape`, and the number of elements.
 * False when there are too many dimensions, or too many elements for 64 bits of output bytes.
 */
bool mxfs_match_shape(struct mxfs_group *group, const uint64_t *shape, uint32_t rank);

/** Whether the first `rank` dimensions are the same. */
bool mxfs_match_same_dims(const struct mxfs_tensor *a, const struct mxfs_tensor *b, uint32_t rank);

/** The last dimension, or 0 for a scalar. */
uint64_t mxfs_match_last_dim(const struct mxfs_tensor *t);

/** Reasons that several matchers give; pointers are compared, so the same cause counts as one. */
extern const char mxfs_reason_no_scales[];
extern const char mxfs_reason_shape[];
extern const char mxfs_reason_rank[];
extern const char mxfs_reason_transforms[];
extern const char mxfs_reason_swizzled[];

#endif
