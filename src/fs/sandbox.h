/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Giving up what serving a mount does not need. Private to fs/.
 *
 * Thread safety: to be called while the process has one thread; threads made later are confined
 * like it.
 */
#ifndef MXFS_FS_SANDBOX_H
#define MXFS_FS_SANDBOX_H

/**
 * For the process that serves, once everything it reads is open: no capability, no new privileges
 * by exec, no file to open but /dev/fuse (where the kernel has Landlock), no system call but those
 * of serving; others fail with EPERM. What the kernel or the build lacks is logged and left out.
 */
void mxfs_sandbox_enter(void);

/**
 * For the helper that unmounts: where it may unmount by itself (CAP_SYS_ADMIN) it keeps that and
 * the right to find the mountpoint; otherwise it has nothing but the right to run fusermount3,
 * which stays.
 */
void mxfs_sandbox_keep_mounting(void);

#endif
