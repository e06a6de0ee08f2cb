/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How far the kernel reads ahead of a reader of the mount. This is also the size of its requests,
 * of which two are under way at a time. Private to fs/.
 *
 * A FUSE mount begins with 128 KiB, and the daemon can only ask for less. Root can raise it in
 * sysfs (the mount's backing device), but only after the kernel has seen the reply to INIT, which
 * would reset it. Thread safety: one call of each.
 */
#ifndef MXFS_FS_READAHEAD_H
#define MXFS_FS_READAHEAD_H

#include <stdint.h>
#include <sys/types.h>

/** The kernel's limit without root: VM_READAHEAD_PAGES (128 KiB). */
#define FS_READAHEAD_OFFERED ((uint64_t)128 << 10)

/**
 * The default. At 128 KiB, waking each other takes reader and daemon as long as their work does. Of
 * 256 KiB to 2 MiB, this is the fastest nearly everywhere: from a megabyte on, the packed and
 * decoded bytes of a request no longer fit in L2.
 */
#define FS_READAHEAD_DEFAULT ((uint64_t)512 << 10)

/**
 * Opens the file that sets the window of the filesystem with this device number; call it before
 * the sandbox forbids it. Returns a descriptor, or -errno: -EACCES without root.
 */
int fs_readahead_open(dev_t device);

/** Widens the window to `size` bytes, unless it is wider already; closes `fd`. 0 or -errno. */
int fs_readahead_widen(int fd, uint64_t size);

#endif
