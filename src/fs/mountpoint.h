/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The mountpoint: what is there before, and taking a mount away. Private to fs/.
 */
#ifndef MXFS_FS_MOUNTPOINT_H
#define MXFS_FS_MOUNTPOINT_H

#include <sys/types.h>

#include "mxfs/error.h"

/**
 * Checks that `path` is a directory that can be mounted on. A dead mount of mxfs in the way is
 * cleared (and said); any other problem is an error with its remedy.
 */
int mxfs_mountpoint_check(const char *path, struct mxfs_error *err);

/**
 * Takes the mount at `path` away from the tree of names at once; open files live on. Uses the
 * setuid helper where the process may not unmount itself. Returns 0 or -errno.
 */
int mxfs_mountpoint_detach(const char *path);

/** The same unless it is in use: then nothing happens (-EBUSY, or -EPERM from the helper). */
int mxfs_mountpoint_release(const char *path);

/** The device of the filesystem at `path`, without asking the filesystem itself; 0 when there is no
 * knowing. */
dev_t mxfs_mountpoint_device(const char *path);

/**
 * Finds the mount of mxfs at `path` (absolute), dead or alive: *real is its name in the mount
 * table, which the caller frees, also on failure. Fails with err filled (MXFS_EXIT_FAILED) when
 * nothing or something else is mounted there.
 */
int mxfs_mountpoint_find(const char *path, char **real, struct mxfs_error *err);

/**
 * Why mounting probably failed with `errnum`, as a hint with a remedy; constant. `said`: the
 * message of the library or of its helper, "" when there was none.
 */
const char *mxfs_mountpoint_hint(int errnum, const char *said);

#endif
