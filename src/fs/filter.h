/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The seccomp filters of the process that serves. Private to fs/.
 *
 * Thread safety: call while the process has one thread; later threads inherit the filters.
 */
#ifndef MXFS_FS_FILTER_H
#define MXFS_FS_FILTER_H

#include <stdbool.h>

/** Filters that are built but not in force; all zero for none. */
struct fs_filter {
    void *quiet;  /**< denies, without a line in the audit log, what the C library tries anyway */
    void *strict; /**< allows what serving needs */
};

/** Calls that only Landlock can judge, because it knows paths and processes; true to allow them. */
struct fs_filter_trust {
    bool opens;   /**< opening a file for reading and writing; libfuse opens /dev/fuse like that */
    bool signals; /**< signalling a thread by its number alone */
};

/**
 * Builds the filters for the calling process; fs_filter_free() releases them. Returns 0, -ENOMEM,
 * -EOPNOTSUPP when the kernel has no seccomp, or another -errno.
 */
int fs_filter_new(struct fs_filter *filter, struct fs_filter_trust trust);

/** Puts the filters into force, for good; needs no descriptor. Returns 0 or -errno. */
int fs_filter_load(const struct fs_filter *filter);

/** Releases the filters; those in force remain. */
void fs_filter_free(struct fs_filter *filter);

#endif
