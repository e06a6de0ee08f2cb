/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A stored tensor: what one entry of a safetensors header says, and where its bytes are. And all
 * tensors of a model, found by name.
 *
 * Thread safety: immutable after their headers were parsed.
 */
#ifndef MXFS_TENSORS_H
#define MXFS_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/dtype.h"

/** One tensor as stored in a file. */
struct mxfs_tensor {
    const char *name;      /**< UTF-8, may hold NUL and control bytes; not terminated */
    const uint64_t *shape; /**< `rank` dimensions, row-major, outermost first */
    uint64_t offset;       /**< of the first byte, from the start of the file */
    uint64_t size;         /**< bytes */
    uint32_t name_len;     /**< bytes of `name` */
    uint32_t rank;         /**< 0 for a scalar */
    uint32_t shard;        /**< index of its file in the model; 0 for a single file */
    enum mxfs_dtype dtype : 8;
};

/** What mxfs_tensors_find() returns when there is no such tensor. */
#define MXFS_NOT_FOUND ((size_t)-1)

/** A set of tensors with distinct names. */
struct mxfs_tensors {
    const struct mxfs_tensor **sorted; /**< by name, bytewise; borrowed tensors, owned array */
    size_t count;
};

/** Compares two names bytewise, the shorter first on a tie. */
int mxfs_name_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/**
 * The index of the tensor called stem + suffix, or MXFS_NOT_FOUND. `near` is an index where the
 * search starts (companions sort close to each other); any valid index is correct.
 */
size_t mxfs_tensors_find(const struct mxfs_tensors *set, size_t near, const char *stem,
                         size_t stem_len, const char *suffix);

/** Sorts `set->sorted` by name; several tensors may bear one name. */
void mxfs_tensors_sort(struct mxfs_tensors *set);

/** Whether the name of `t` ends in `suffix`; *stem_len is then the length of what is before. */
bool mxfs_tensor_has_suffix(const struct mxfs_tensor *t, const char *suffix, size_t *stem_len);

#endif
