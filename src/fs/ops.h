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

/** The operation table: what the options ask for. */
struct fuse_lowlevel_ops mxfs_fs_ops_for(const struct mxfs_fs_options *options);

/** Reads for one request of a struct fs_context: see fs_read_function. */
ssize_t mxfs_fs_read(void *fs, uint64_t ino, struct fs_buffers *buffers, size_t size,
                     uint64_t offset);

#endif
