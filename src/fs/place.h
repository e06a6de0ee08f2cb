/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where a mount is, and taking it away from there. Private to fs/.
 *
 * Folders above a mountpoint may belong to users who rename them, or put links in their place,
 * between any two system calls. So a place is the folder that the mountpoint is in, open, and the
 * mountpoint's name in it, which the kernel does not let anyone rename or remove while something is
 * mounted there; and what is unmounted is first opened and compared with the mount that is meant.
 */
#ifndef MXFS_FS_PLACE_H
#define MXFS_FS_PLACE_H

#include <limits.h>
#include <stdbool.h>

#include "table.h"

/** A mountpoint. */
struct fs_place {
    int dir;             /**< the folder that it is in (O_PATH); AT_FDCWD: found by `path` alone */
    char path[PATH_MAX]; /**< absolute, without links when the place was opened */
};

/** Opens the place of `path` (absolute, without links). Returns 0 or -errno. */
int fs_place_open(struct fs_place *place, const char *path);

/** Closes. */
void fs_place_close(struct fs_place *place);

/**
 * Lets go of the folder, which would keep its filesystem from being unmounted, when only root and
 * this user can change what the path leads to.
 */
void fs_place_relax(struct fs_place *place);

/** Opens the folder at the place, and no link (O_PATH): what is mounted there. The fd or -errno. */
int fs_place_root(const struct fs_place *place);

/** Detaches the mount whose root is open. Returns 0 or -errno; -ENOENT where /proc is missing. */
int fs_place_detach_open(int root);

/**
 * Takes the mount `id` away from `place`, or from where the table finds it. Lazily: it leaves the
 * tree of names at once and open files keep working. Otherwise not while it is in use. Runs
 * fusermount3 where this process may not unmount by itself.
 *
 * Returns 0, also when the mount has gone already; -ESTALE when another mount covers it, or it
 * cannot be reached; -EBUSY when it is in use; -EPERM when fusermount3 failed, which has printed
 * why.
 */
int fs_place_unmount(const struct fs_place *place, const struct fs_mount_id *id, bool lazily);

#endif
