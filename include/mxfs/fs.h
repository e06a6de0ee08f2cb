/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The FUSE adapter: mounts a tree and serves it until it is unmounted.
 *
 * Thread safety: a process may run one mxfs_fs_run() at a time; the other functions are per call.
 */
#ifndef MXFS_FS_H
#define MXFS_FS_H

#include "mxfs/stats.h"
#include "mxfs/tree.h"

/** How to mount. */
struct mxfs_fs_options {
    const char *source;     /**< absolute; shown as the source of the mount */
    const char *mountpoint; /**< absolute */
    /** The folder that `mountpoint` must still lead to (O_PATH), needed until ready(); -1: any. */
    int folder;
    bool allow_other;      /**< let other users access the mount */
    bool auto_unmount;     /**< unmount even if this process is killed */
    bool sandbox;          /**< irrevocably drop all privileges that serving does not need */
    bool direct_io;        /**< reads bypass the kernel's page cache */
    bool xattr;            /**< give tensor files the attributes of mxfs_tree_getxattr() */
    bool debug;            /**< let libfuse log every request */
    unsigned idle_timeout; /**< unmount after this many idle seconds; 0: never */
    unsigned stop_timeout; /**< seconds that open readers may continue after SIGTERM */
    uint64_t readahead;  /**< bytes that the kernel reads ahead; 0: 512 KiB where it allows that */
    uint64_t cache_size; /**< bytes that the tree's cache may take */
    unsigned threads;    /**< maximum number of worker threads; at least 1 */
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
 * If a dead mxfs mount is at `path` (absolute), unmounts it and logs that; the source may lie below
 * it. Returns 0, or -errno with err filled (MXFS_EXIT_FAILED) for any other dead mount.
 */
int mxfs_fs_clear(const char *path, struct mxfs_error *err);

/**
 * Asks the daemon of the mount at `path` (absolute) for its statistics. Returns 0, or -errno with
 * err filled (MXFS_EXIT_FAILED): when no mxfs is mounted there, when its daemon has exited, or when
 * it is a version whose statistics this one cannot read.
 */
int mxfs_fs_stats(const char *path, struct mxfs_stats *out, struct mxfs_error *err);

/**
 * Unmounts the mxfs mount at `path` (absolute), dead or alive. Returns 0, or -errno with err filled
 * (MXFS_EXIT_FAILED) when it is in use or no mxfs is mounted there.
 */
int mxfs_fs_unmount(const char *path, struct mxfs_error *err);

#endif
