/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A view: an open source, with everything that is needed to read it dequantized. The program's
 * commands and the library all open one, so they accept and refuse the same sources.
 *
 * Its virtual files are listed in view->repo.files; support for another container than safetensors
 * would add a kind of file there. Thread safety: immutable after open; each thread reads with a
 * reader of its own.
 */
#ifndef MXFS_VIEW_H
#define MXFS_VIEW_H

#include "mxfs/repo.h"
#include "mxfs/vfile.h"

/** An open source. Zero-initialised is a valid closed one. */
struct mxfs_view {
    char *path;                /**< of SOURCE, absolute; owned */
    struct mxfs_repo repo;     /**< its folders and files */
    struct mxfs_vfile_env env; /**< shared by all reads */
};

/**
 * Opens SOURCE at `path`, see mxfs_repo_open(). Also fails, with MXFS_EXIT_USAGE, when the kernel
 * is unknown or a unit does not fit into the cache. mxfs_view_judge() then decides whether the
 * source may be shown. Returns 0, or -errno with err filled and *view closed.
 */
int mxfs_view_open(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
                   struct mxfs_error *err);

/**
 * Decides whether the source may be shown. Returns 0, or -errno with err filled if it has a
 * quantization that cannot be dequantized (MXFS_EXIT_UNSUPPORTED, unless it is to be shown raw),
 * tensors that need a missing shard (MXFS_EXIT_SOURCE), or nothing that the choices `only` and
 * `scheme` select. If there are several reasons, err has the last one and the others are logged as
 * errors. Notices are logged too. `choices` are those of mxfs_view_open().
 */
int mxfs_view_judge(const struct mxfs_view *view, const struct mxfs_choices *choices,
                    struct mxfs_error *err);

/** Closes a view; accepts a closed one. */
void mxfs_view_close(struct mxfs_view *view);

#endif
