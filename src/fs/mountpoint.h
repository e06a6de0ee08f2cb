/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The mountpoint: checking it before mounting, and unmounting. Private to fs/.
 */
#ifndef MXFS_FS_MOUNTPOINT_H
#define MXFS_FS_MOUNTPOINT_H

#include <sys/types.h>

#include "mxfs/error.h"

/**
 * Checks that `path` is a directory that can be mounted on. Clears, and logs, a dead mxfs mount in
 * the way. Returns 0, or -errno with err filled (MXFS_EXIT_FAILED), naming the remedy.
 */
int fs_mountpoint_check(const char *path, struct mxfs_error *err);

/**
 * Detaches the mount at `path`: it leaves the tree of names at once, while open files keep working.
 * Runs fusermount3 where this process may not unmount by itself. Returns 0 or -errno.
 */
int fs_mountpoint_detach(const char *path);

/** Unmounts unless the mount is in use: -EBUSY, or -EPERM where fusermount3 had to be run. */
int fs_mountpoint_release(const char *path);

/**
 * The device number of the filesystem at `path`, from the kernel without a request to the
 * filesystem; 0 when it is not known.
 */
dev_t fs_mountpoint_device(const char *path);

/**
 * Finds the mxfs mount at `path` (absolute), dead or alive. *real is its path in the mount table,
 * which the caller frees, also on failure. Returns -errno with err filled (MXFS_EXIT_FAILED) when
 * nothing, or another filesystem, is mounted there.
 */
int fs_mountpoint_find(const char *path, char **real, struct mxfs_error *err);

/**
 * The probable reason why mounting failed with `errnum`, and a remedy; a constant string. `said` is
 * the message of libfuse or fusermount3, "" when there was none.
 */
const char *fs_mountpoint_hint(int errnum, const char *said);

#endif
