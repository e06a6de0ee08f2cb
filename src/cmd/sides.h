/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The two sides of a comparison: the tensors of a view, and those of a reference as stored.
 *
 * Thread safety: immutable once collected.
 */
#ifndef MXFS_CMD_SIDES_H
#define MXFS_CMD_SIDES_H

#include "mxfs/repo.h"

/** A tensor of either side. All pointers borrow from its repository. */
struct cmd_side {
    const char *folder; /**< path below the root; "" for the root, or if folders do not count */
    struct mxfs_output_info info;     /**< name, type and shape */
    const struct mxfs_plan *plan;     /**< the file in the view; NULL in a reference */
    const struct mxfs_output *output; /**< the tensor in the view; NULL in a reference */
    struct mxfs_model *model;         /**< the model in the reference; NULL in a view */
    const struct mxfs_tensor *tensor; /**< the tensor in the reference; NULL in a view */
};

/** All tensors of one side. Zero-initialised is empty. */
struct cmd_sides {
    struct cmd_side *side; /**< sorted by folder and name; owned */
    size_t count;          /**< tensors in use */
    size_t capacity;       /**< tensors allocated */
};

/**
 * Collects the tensors that a view shows. `flat`: one of the two sides is a file, so folders do not
 * count. Returns 0, -ENOMEM, or -EEXIST with err filled if a name occurs twice.
 */
int cmd_sides_of_view(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                      struct mxfs_error *err);

/**
 * Collects the stored tensors whose names match the glob `only` (NULL: all). Returns as
 * cmd_sides_of_view() does.
 */
int cmd_sides_of_reference(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                           const char *only, struct mxfs_error *err);

/** Compares by folder, then by name, for qsort(). */
int cmd_side_compare(const void *a, const void *b);

/** The path of the file that a tensor is in. */
const char *cmd_side_path(const struct cmd_side *side);

/** Reports that a name occurs in two files, so that it is ambiguous. Returns -EEXIST. */
int cmd_side_fail_twice(const struct cmd_side *one, const struct cmd_side *other,
                        struct mxfs_error *err);

/** Frees; accepts an empty object. */
void cmd_sides_fini(struct cmd_sides *sides);

#endif
