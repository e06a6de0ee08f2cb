/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The FUSE operations. Private to fs/.
 */
#ifndef MXFS_FS_OPS_H
#define MXFS_FS_OPS_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "context.h"

/** The table of operations, according to the options. */
struct fuse_lowlevel_ops fs_ops_for(const struct mxfs_fs_options *options);

/** Reads for a request; `fs` is a struct fs_context. See fs_read_function. */
ssize_t fs_read(void *fs, uint64_t ino, struct fs_buffers *buffers, size_t size, uint64_t offset);

#endif
