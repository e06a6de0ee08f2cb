/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The FUSE adapter: mounts a tree and serves it until it is unmounted.
 *
 * Thread safety: one call a process at a time.
 */
#ifndef MXFS_FS_H
#define MXFS_FS_H

#include "mxfs/stats.h"
#include "mxfs/tree.h"

/** How to mount. */
struct mxfs_fs_options {
    const char *source;     /**< absolute; shown as the source of the mount */
    const char *mountpoint; /**< absolute */
    bool allow_other;
    bool auto_unmount; /**< take the mount away when this process dies, however it dies */
    bool sandbox;      /**< give up what serving does not need; later threads are bound by it too */
    bool direct_io;
    bool xattr; /**< give tensor files the attributes of mxfs_tree_getxattr() */
    bool debug;
    unsigned idle_timeout; /**< seconds without request and open file until unmounting; 0: never */
    unsigned stop_timeout; /**< seconds that open readers may go on after SIGTERM */
    uint64_t readahead;    /**< bytes that the kernel reads ahead; 0: 512 KiB where it lets us */
    unsigned threads;      /**< most threads that answer requests; at least 1 */
    void (*ready)(void *); /**< called once, when the kernel has answered the mount */
    void *ready_data;
};

/**
 * Mounts `tree` and serves it; returns after the unmount or a signal (SIGTERM, SIGINT, SIGHUP),
 * with the mount gone. Returns 0, or -errno with err filled (MXFS_EXIT_FAILED), naming the remedy
 * where one is known.
 */
int mxfs_fs_run(const struct mxfs_tree *tree, const struct mxfs_fs_options *options,
                struct mxfs_error *err);

/**
 * Clears a dead mount of mxfs at `path` (absolute), and says so: the source may lie below it. Any
 * other dead mount is a failure with err filled (MXFS_EXIT_FAILED).
 */
int mxfs_fs_clear(const char *path, struct mxfs_error *err);

/**
 * Asks the mxfs that serves the mount at `path` (absolute) for its statistics. Fails with err
 * filled (MXFS_EXIT_FAILED) when nothing or something else is mounted there, when nobody serves it
 * any more, or an mxfs whose statistics this one cannot read.
 */
int mxfs_fs_stats(const char *path, struct mxfs_stats *out, struct mxfs_error *err);

/**
 * Unmounts the mxfs at `path` (absolute), dead or alive, unless it is in use. Fails with err filled
 * (MXFS_EXIT_FAILED), also when what is there is not mxfs's.
 */
int mxfs_fs_unmount(const char *path, struct mxfs_error *err);

#endif
