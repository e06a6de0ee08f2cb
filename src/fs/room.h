/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Room for what serving allocates later. Private to fs/.
 */
#ifndef MXFS_FS_ROOM_H
#define MXFS_FS_ROOM_H

#include "mxfs/error.h"
#include "mxfs/fs.h"

/**
 * Checks that the address space has room for the stacks and buffers of all threads and for the
 * cache: libfuse ends the mount when it cannot allocate a buffer for a thread. Returns 0, or
 * -ENOMEM with err filled (MXFS_EXIT_FAILED). Call it before the threads start.
 */
int fs_room_check(const struct mxfs_fs_options *options, struct mxfs_error *err);

#endif
