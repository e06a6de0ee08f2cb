/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A helper process that unmounts. Private to fs/.
 *
 * It is started first and keeps the privilege that unmounting needs (CAP_SYS_ADMIN, or the right to
 * run the setuid fusermount3), so that the process that parses untrusted files can give it up. It
 * waits on a socket and does nothing else. Thread safety: one call at a time.
 */
#ifndef MXFS_FS_UNMOUNTER_H
#define MXFS_FS_UNMOUNTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "mxfs/error.h"

/** A running helper. */
struct fs_unmounter {
    int socket; /**< our end; closing it ends the helper */
    pid_t pid;  /**< of the helper */
};

/**
 * Starts the helper for `mountpoint` (absolute, without links); it ends when this process does, for
 * whatever reason. With `on_death` it then unmounts. Returns 0, or -errno with err filled
 * (MXFS_EXIT_FAILED).
 */
int fs_unmounter_start(struct fs_unmounter *helper, const char *mountpoint, bool on_death,
                       struct mxfs_error *err);

/** Tells the helper that the mount exists: it remembers it, to leave any other one alone. */
void fs_unmounter_mounted(struct fs_unmounter *helper);

/**
 * Detaches the mount: it leaves the tree of names at once, while open files keep working. Returns 0
 * or -errno; -ESTALE when another filesystem is mounted there now, which is left alone.
 */
int fs_unmounter_detach(struct fs_unmounter *helper);

/** Unmounts unless the mount is in use (-EBUSY or -EPERM); -ESTALE as above. */
int fs_unmounter_release(struct fs_unmounter *helper);

/** Ends the helper and waits for it. */
void fs_unmounter_stop(struct fs_unmounter *helper);

#endif
