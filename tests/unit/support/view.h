/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * An open view of a file: model, plan and everything that reading needs, in sizes that a test
 * picks.
 */
#ifndef MXFS_TEST_VIEW_H
#define MXFS_TEST_VIEW_H

#include "mxfs/vfile.h"

/** How to open. */
struct view_options {
    int out;            /**< enum mxfs_out, or -1 */
    uint64_t unit_max;  /**< bytes */
    size_t cache;       /**< bytes; 0 for 1 MiB */
    const char *kernel; /**< NULL for the best one */
};

/** A view. Release it with view_close(). */
struct view {
    struct mxfs_model model;
    struct mxfs_plan plan;
    struct mxfs_vfile_env env;
    struct mxfs_vfile_reader reader;
};

/** Opens the file at `path`; fails the test on any error. */
struct view *view_open(const char *path, struct view_options options);

/** Closes a view; accepts NULL. */
void view_close(struct view *view);

/** The output called `name`; fails the test if there is none. */
const struct mxfs_output *view_output(const struct view *view, const char *name);

#endif
