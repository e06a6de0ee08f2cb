/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A view: a source that is open, and all that reading it dequantized needs. The program's commands
 * and the library begin with one, so they judge a source alike.
 *
 * What it shows is the list view->repo.files; a file of another format than safetensors would be
 * one more kind of these. Thread safety: immutable after open; each thread reads with its own
 * scratch memory.
 */
#ifndef MXFS_VIEW_H
#define MXFS_VIEW_H

#include "mxfs/repo.h"
#include "mxfs/vfile.h"

/** An open source. Zero-initialised is a valid closed one. */
struct mxfs_view {
    char *path;                /**< of SOURCE, absolute; owned */
    struct mxfs_repo repo;     /**< its folders and files */
    struct mxfs_vfile_env env; /**< for reads */
};

/**
 * Opens SOURCE at `path`: see mxfs_repo_open(). Also fails, with MXFS_EXIT_USAGE, when the kernel
 * is unknown or a unit does not fit into the cache. Whether all of it can be shown is for
 * mxfs_view_judge() to say. On failure err is filled and *view closed.
 */
int mxfs_view_open(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
                   struct mxfs_error *err);

/**
 * Fails if the source must not be shown: a quantization that cannot be dequantized
 * (MXFS_EXIT_UNSUPPORTED, unless the choice is to show it raw), tensors whose companions are in a
 * missing shard (MXFS_EXIT_SOURCE), or nothing that the choices `only` and `scheme` select. There
 * may be several reasons: the last one is in err, those before it are logged as errors. Notices are
 * logged. `choices` are those of mxfs_view_open().
 */
int mxfs_view_judge(const struct mxfs_view *view, const struct mxfs_choices *choices,
                    struct mxfs_error *err);

/** Closes; accepts a closed object. */
void mxfs_view_close(struct mxfs_view *view);

#endif
