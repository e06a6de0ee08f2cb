/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The FUSE adapter: mounts a tree and serves it until it is unmounted.
 *
 * Thread safety: one mxfs_fs_run() at a time in a process; the others per call.
 */
#ifndef MXFS_FS_H
#define MXFS_FS_H

#include "mxfs/stats.h"
#include "mxfs/tree.h"

/** How to mount. */
struct mxfs_fs_options {
    const char *source;     /**< absolute; shown as the source of the mount */
    const char *mountpoint; /**< absolute */
    int folder; /**< what `mountpoint` must still lead to (O_PATH; until ready()), or -1: anything
                 */
    bool allow_other;      /**< let users other than the caller in */
    bool auto_unmount;     /**< unmount when this process dies, for whatever reason */
    bool sandbox;          /**< give up all privileges that serving does not need, for good */
    bool direct_io;        /**< reads bypass the kernel's page cache */
    bool xattr;            /**< give tensor files the attributes of mxfs_tree_getxattr() */
    bool debug;            /**< let libfuse log every request */
    unsigned idle_timeout; /**< seconds without request and open file until unmounting; 0: never */
    unsigned stop_timeout; /**< seconds that open readers may continue after SIGTERM */
    uint64_t readahead;    /**< bytes that the kernel reads ahead; 0: 512 KiB where it lets us */
    uint64_t cache_size;   /**< bytes that the tree's cache may take */
    unsigned threads;      /**< maximum number of worker threads; at least 1 */
    void (*ready)(void *); /**< called once, when the mount has answered a request */
    void *ready_data;      /**< argument of ready() */
};

/**
 * Mounts `tree` and serves it until it is unmounted or a signal (SIGTERM, SIGINT, SIGHUP) arrives;
 * the mount is gone on return. Returns 0, or -errno with err filled (MXFS_EXIT_FAILED), naming the
 * remedy where one is known.
 */
int mxfs_fs_run(const struct mxfs_tree *tree, const struct mxfs_fs_options *options,
                struct mxfs_error *err);

/**
 * Clears, and logs, a dead mxfs mount at `path` (absolute), if there is one: the source may lie
 * below it. Returns -errno with err filled (MXFS_EXIT_FAILED) for any other dead mount.
 */
int mxfs_fs_clear(const char *path, struct mxfs_error *err);

/**
 * Asks the mxfs that serves the mount at `path` (absolute) for its statistics. Returns -errno with
 * err filled (MXFS_EXIT_FAILED) when nothing, or another filesystem, is mounted there, when its
 * daemon has exited, or when it is a version whose statistics this one cannot read.
 */
int mxfs_fs_stats(const char *path, struct mxfs_stats *out, struct mxfs_error *err);

/**
 * Unmounts the mxfs mount at `path` (absolute), dead or alive. Returns -errno with err filled
 * (MXFS_EXIT_FAILED) when it is in use, or when no mxfs mount is there.
 */
int mxfs_fs_unmount(const char *path, struct mxfs_error *err);

#endif
