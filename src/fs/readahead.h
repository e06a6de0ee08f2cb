/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How far the kernel reads ahead of whoever reads the mount: the size of its requests, of which two
 * are under way. Private to fs/.
 *
 * A FUSE mount begins with 128 KiB and may by itself only ask for less. More is for root, who
 * writes it to the mount's backing device in sysfs, after the kernel has seen the reply to INIT:
 * with this it would take the number back. Thread safety: one call of each.
 */
#ifndef MXFS_FS_READAHEAD_H
#define MXFS_FS_READAHEAD_H

#include <stdint.h>

/** What the kernel offers everybody. */
#define FS_READAHEAD_OFFERED ((uint64_t)128 << 10)

/**
 * Used when nothing is asked for. Of 256 KiB to 2 MiB it reads fastest nearly everywhere; packed
 * and decoded bytes of a request still lie in L2.
 */
#define FS_READAHEAD_DEFAULT ((uint64_t)512 << 10)

/**
 * Opens what the window of the mount at `mountpoint` is written to, before the sandbox closes the
 * way there. Returns a descriptor, or -errno: -EACCES for whoever is not root.
 */
int mxfs_readahead_open(const char *mountpoint);

/** Makes the window `size` bytes, or leaves it where it is wider; closes `fd`. 0 or -errno. */
int mxfs_readahead_widen(int fd, uint64_t size);

#endif
