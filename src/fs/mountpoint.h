/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The mountpoint: checking it before mounting, and finding what is mounted. Private to fs/.
 *
 * Thread safety: one call at a time.
 */
#ifndef MXFS_FS_MOUNTPOINT_H
#define MXFS_FS_MOUNTPOINT_H

#include "mxfs/error.h"
#include "table.h"

/**
 * Checks that `path` is a directory that can be mounted on. Clears, and logs, a dead mxfs mount in
 * the way. Returns 0, or -errno with err filled (MXFS_EXIT_FAILED), naming the remedy.
 */
int fs_mountpoint_check(const char *path, struct mxfs_error *err);

/**
 * Finds the mxfs mount that is on top at `path` (absolute), dead or alive: *id is which, and *row
 * what the mount table says of it. Returns -errno with err filled (MXFS_EXIT_FAILED) when nothing,
 * or another filesystem, is mounted there.
 */
int fs_mountpoint_find(const char *path, struct fs_mount_id *id, struct fs_table_row *row,
                       struct mxfs_error *err);

/**
 * The probable reason why mounting failed with `errnum`, and a remedy; a constant string. `said` is
 * the message of libfuse or fusermount3, "" when there was none.
 */
const char *fs_mountpoint_hint(int errnum, const char *said);

#endif
