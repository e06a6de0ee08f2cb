/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Giving up the privileges that serving a mount does not need. Private to fs/.
 *
 * Thread safety: call while the process has one thread; later threads inherit the restrictions.
 */
#ifndef MXFS_FS_SANDBOX_H
#define MXFS_FS_SANDBOX_H

#include <stdbool.h>

#include "filter.h"
#include "mxfs/error.h"

/** A sandbox, prepared before the mount so that entering it needs no descriptor. */
struct fs_sandbox {
    bool wanted;             /**< false: fs_sandbox_enter() does nothing */
    bool may_open;           /**< libfuse can open /dev/fuse once more for each of its threads */
    int rules;               /**< Landlock's ruleset, owned, or -1 */
    struct fs_filter filter; /**< owned */
};

/** Whether this process may mount and unmount by itself: it has CAP_SYS_ADMIN. */
bool fs_sandbox_may_mount(void);

/**
 * Prepares a sandbox for the calling process. Continues, with a log line, without what the kernel
 * does not have; returns 0, or -errno with err filled (MXFS_EXIT_FAILED) for any other failure.
 */
int fs_sandbox_prepare(struct fs_sandbox *sandbox, bool wanted, struct mxfs_error *err);

/**
 * For the process that serves, once every file it reads is open and every socket it writes to is
 * connected. From then on it has no capability, gains none by exec, opens no file but /dev/fuse
 * (and not that one where the kernel has no Landlock), reaches no other process, and system calls
 * that serving does not need fail with EPERM. Returns 0, or -errno with err filled
 * (MXFS_EXIT_FAILED); the process must not serve then.
 */
int fs_sandbox_enter(struct fs_sandbox *sandbox, struct mxfs_error *err);

/** Releases what was prepared; the restrictions remain. */
void fs_sandbox_free(struct fs_sandbox *sandbox);

/**
 * For the helper that unmounts. With CAP_SYS_ADMIN it keeps that capability, and the one to search
 * the folders above the mountpoint, and loses all others. Without it nothing changes, because
 * fusermount3 must be able to gain privileges.
 */
void fs_sandbox_keep_mounting(void);

#endif
