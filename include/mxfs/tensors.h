/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Stored tensors: the entries of safetensors headers, and sets of them that are searched by name.
 *
 * Thread safety: immutable once the headers are parsed.
 */
#ifndef MXFS_TENSORS_H
#define MXFS_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/dtype.h"

/** A tensor as stored in a file. */
struct mxfs_tensor {
    const char *name;          /**< UTF-8, may hold NUL and control bytes; not terminated */
    const uint64_t *shape;     /**< `rank` dimensions, row-major, outermost first */
    uint64_t offset;           /**< of the first byte, from the start of the file */
    uint64_t size;             /**< bytes */
    uint32_t name_len;         /**< bytes of `name` */
    uint32_t rank;             /**< 0 for a scalar */
    uint32_t shard;            /**< index of its file in the model; 0 in a single file */
    enum mxfs_dtype dtype : 8; /**< element type */
};

/** Returned by searches that find nothing. */
#define MXFS_NOT_FOUND ((size_t)-1)

/** A set of tensors with distinct names. */
struct mxfs_tensors {
    const struct mxfs_tensor **sorted; /**< by name, bytewise; borrowed tensors, owned array */
    size_t count;                      /**< of sorted */
};

/** Compares two names bytewise, like strcmp(); a prefix sorts before longer names. */
int mxfs_name_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/**
 * The index of the tensor called stem + suffix, or MXFS_NOT_FOUND. The search starts at index
 * `near`, which affects only its speed: the parts of a group sort close to each other.
 */
size_t mxfs_tensors_find(const struct mxfs_tensors *set, size_t near, const char *stem,
                         size_t stem_len, const char *suffix);

/** Sorts `set->sorted` by name; names may occur more than once. */
void mxfs_tensors_sort(struct mxfs_tensors *set);

/** Whether the name of `t` ends in `suffix`; *stem_len is then the length of the part before it. */
bool mxfs_tensor_has_suffix(const struct mxfs_tensor *t, const char *suffix, size_t *stem_len);

#endif
