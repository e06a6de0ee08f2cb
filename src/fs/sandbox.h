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

/** Whether this process may mount and unmount by itself: it has CAP_SYS_ADMIN. */
bool fs_sandbox_may_mount(void);

/**
 * For the process that serves, once every file it reads is open. From then on it has no capability,
 * gains none by exec, can open no file but /dev/fuse (where the kernel has Landlock), and system
 * calls that serving does not need fail with EPERM. Logs, and skips, what the kernel or the build
 * does not support.
 */
void fs_sandbox_enter(void);

/**
 * For the helper that unmounts. With CAP_SYS_ADMIN it keeps that capability, and the one to search
 * the folders above the mountpoint, and loses all others. Without it nothing changes, because
 * fusermount3 must be able to gain privileges.
 */
void fs_sandbox_keep_mounting(void);

#endif
