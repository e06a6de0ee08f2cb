/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A helper process that unmounts. Private to fs/.
 *
 * It starts before the mount exists and keeps the privilege that unmounting needs (CAP_SYS_ADMIN,
 * or the right to run the setuid fusermount3), so that the process that parses untrusted files can
 * give it up. It takes requests from a socket, and none of them names a mount: it only ever
 * unmounts the one that it saw itself, once. Thread safety: one call at a time.
 */
#ifndef MXFS_FS_UNMOUNTER_H
#define MXFS_FS_UNMOUNTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "mxfs/error.h"
#include "place.h"

/** A running helper. */
struct fs_unmounter {
    int socket;  /**< our end; closing it ends the helper */
    pid_t pid;   /**< the helper's */
    bool silent; /**< it has left a request unanswered so far */
};

/**
 * Starts the helper for `place`; it ends when this process does, for whatever reason. With
 * `on_death` it then unmounts. Returns 0, or -errno with err filled (MXFS_EXIT_FAILED).
 */
int fs_unmounter_start(struct fs_unmounter *helper, const struct fs_place *place, bool on_death,
                       struct mxfs_error *err);

/**
 * Tells the helper that the mount exists. It remembers which one it is, to leave any other alone,
 * and then asks it for something, see fs_unmounter_probed(). Returns 0 or -errno.
 */
int fs_unmounter_mounted(struct fs_unmounter *helper);

/**
 * Whether the mount has answered the helper: 1 when it has, 0 when it has not within `ms`
 * milliseconds, or -errno when it never will. Call it after fs_unmounter_mounted() until it
 * returns something else than 0, then not again.
 */
int fs_unmounter_probed(struct fs_unmounter *helper, int ms);

/** Detaches the mount. Returns as fs_place_unmount(); -ETIMEDOUT when the helper is stopped. */
int fs_unmounter_detach(struct fs_unmounter *helper);

/** Unmounts unless the mount is in use. Returns as fs_unmounter_detach(). */
int fs_unmounter_release(struct fs_unmounter *helper);

/** Ends the helper and, unless it is silent, waits for it. */
void fs_unmounter_stop(struct fs_unmounter *helper);

#endif
