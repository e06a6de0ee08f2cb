/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The two sides of a comparison: the tensors of a view, and those that a reference holds as stored.
 *
 * Thread safety: immutable once collected.
 */
#ifndef MXFS_CMD_SIDES_H
#define MXFS_CMD_SIDES_H

#include "mxfs/repo.h"

/** A tensor of either side; borrowed from its repository. */
struct cmd_side {
    const char *folder; /**< path below the root; "" for the root, or where folders do not count */
    struct mxfs_output_info info;     /**< name, type and shape */
    const struct mxfs_plan *plan;     /**< of a view; else NULL */
    const struct mxfs_output *output; /**< of a view; else NULL */
    struct mxfs_model *model;         /**< of a reference; else NULL */
    const struct mxfs_tensor *tensor; /**< of a reference; else NULL */
};

/** All tensors of one side. Zero-initialised is empty. */
struct cmd_sides {
    struct cmd_side *side; /**< sorted by folder and name; owned */
    size_t count, capacity;
};

/**
 * Collects what is shown. `flat`: the other side is a file, so folders do not count. Fails with err
 * filled when a name occurs twice, or with -ENOMEM.
 */
int cmd_sides_of_view(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                      struct mxfs_error *err);

/**
 * Collects what is stored, as far as names match the glob `only` (NULL: all). Fails as
 * cmd_sides_of_view() does.
 */
int cmd_sides_of_reference(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                           const char *only, struct mxfs_error *err);

/** Compares by folder, then by name, for qsort(). */
int cmd_side_compare(const void *a, const void *b);

/** The file that a tensor is in. */
const char *cmd_side_path(const struct cmd_side *side);

/** Fails: a name occurs in two files, and it is not clear which is meant. */
int cmd_side_fail_twice(const struct cmd_side *one, const struct cmd_side *other,
                        struct mxfs_error *err);

/** Frees; accepts an empty object. */
void cmd_sides_fini(struct cmd_sides *sides);

#endif
