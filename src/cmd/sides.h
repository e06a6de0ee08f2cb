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

/** A tensor of either side. Borrowed from the repository that it is in. */
struct cmd_side {
    const char *folder; /**< path below the root; "" for the root, or where folders mean nothing */
    struct mxfs_output_info info;
    const struct mxfs_plan *plan;     /**< of a view; else NULL */
    const struct mxfs_output *output; /**< of a view; else NULL */
    struct mxfs_model *model;         /**< of a reference; else NULL */
    const struct mxfs_tensor *tensor; /**< of a reference; else NULL */
};

/** All tensors of one side. Zero-initialised is empty. */
struct cmd_sides {
    struct cmd_side *side; /**< sorted by folder and name; owned */
    size_t count;
};

/** What is shown. `flat`: the other side is a file, so folders mean nothing. Fails with err filled
 * when a tensor is there twice, or with -ENOMEM; so does the next one. */
int cmd_sides_of_view(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                      struct mxfs_error *err);

/** What is stored, and has a name that matches the glob `only` (NULL: all). */
int cmd_sides_of_reference(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                           const char *only, struct mxfs_error *err);

/** Order of folder and name. */
int cmd_side_compare(const void *a, const void *b);

/** The file that a tensor is in. */
const char *cmd_side_path(const struct cmd_side *side);

/** Fails: a tensor is in two files, and which is meant nobody said. */
int cmd_side_fail_twice(const struct cmd_side *one, const struct cmd_side *other,
                        struct mxfs_error *err);

/** Frees; accepts an empty object. */
void cmd_sides_fini(struct cmd_sides *sides);

#endif
