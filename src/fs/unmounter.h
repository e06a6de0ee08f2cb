/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A helper process that takes the mount away. Private to fs/.
 *
 * It is started first and keeps what unmounting needs (CAP_SYS_ADMIN, or the right to run the
 * setuid fusermount3), so that the process that reads what strangers wrote can give it up. It waits
 * on a socket and does nothing else. Thread safety: one call at a time.
 */
#ifndef MXFS_FS_UNMOUNTER_H
#define MXFS_FS_UNMOUNTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "mxfs/error.h"

/** A running helper. */
struct fs_unmounter {
    int socket;
    pid_t pid;
};

/**
 * Starts the helper for `mountpoint` (absolute, without links); it dies with this process. With
 * `on_death` it then takes the mount away, however this process died. Returns 0, or -errno with err
 * filled (MXFS_EXIT_FAILED).
 */
int mxfs_unmounter_start(struct fs_unmounter *helper, const char *mountpoint, bool on_death,
                         struct mxfs_error *err);

/** Tells the helper that the mount is there: from now on it knows it from others at that name. */
void mxfs_unmounter_mounted(struct fs_unmounter *helper);

/**
 * Takes the mount out of the tree of names at once; open files live on. Returns 0 or -errno;
 * -ESTALE: something else is seen at its place, which is left alone.
 */
int mxfs_unmounter_detach(struct fs_unmounter *helper);

/** The same unless it is in use: then nothing happens (-EBUSY or -EPERM). */
int mxfs_unmounter_release(struct fs_unmounter *helper);

/** Ends the helper and waits for it. */
void mxfs_unmounter_stop(struct fs_unmounter *helper);

#endif
