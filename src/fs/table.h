/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Mounts and the kernel's table of them. Private to fs/.
 *
 * A path says where a mount was; only its identity says which mount it is.
 */
#ifndef MXFS_FS_TABLE_H
#define MXFS_FS_TABLE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** The file that the table is read from. */
#define FS_TABLE "/proc/self/mountinfo"

/** Identifies a mount among all that exist, or existed, since the system started. */
struct fs_mount_id {
    uint64_t unique; /**< never reused; 0 before Linux 6.8, and without access to the mount */
    uint64_t id;     /**< as in the table; reused after the mount has gone */
    dev_t device;    /**< of the filesystem; reused after it has gone */
};

/** A line of the table. */
struct fs_table_row {
    char type[64];       /**< for example "fuse.mxfs"; cut where it is longer */
    char path[PATH_MAX]; /**< where it is mounted, without links */
};

/**
 * Identifies the mount whose root is open (O_PATH is enough). Sends no request to the filesystem.
 * Returns 0, -EINVAL when the descriptor is not the root of a mount, or -errno.
 */
int fs_table_identify(int root, struct fs_mount_id *id);

/** Whether the descriptor is the root of the mount `id`. */
bool fs_table_is(int root, const struct fs_mount_id *id);

/**
 * Looks a mount up. Returns 0 with *row filled, -ESRCH when it is not mounted in this namespace,
 * or -errno when the table cannot be read: -ENOENT without /proc.
 */
int fs_table_find(const struct fs_mount_id *id, struct fs_table_row *row);

#endif
