/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * State shared by all requests of a mount. Private to fs/.
 */
#ifndef MXFS_FS_CONTEXT_H
#define MXFS_FS_CONTEXT_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "buffers.h"
#include "mxfs/fs.h"
#include "stream.h"

/** Counters of a running mount; each internally synchronised. */
struct fs_counters {
    _Atomic uint64_t reads;      /**< read requests answered with data */
    _Atomic uint64_t bytes;      /**< bytes in these answers */
    _Atomic uint64_t errors;     /**< read requests that failed */
    _Atomic uint64_t open;       /**< files that are open now */
    _Atomic uint64_t bytes_read; /**< bytes read from sources */
    _Atomic uint64_t units;      /**< packed units loaded */
    _Atomic uint64_t load_ns;    /**< nanoseconds spent loading them */
    _Atomic uint64_t decode_ns;  /**< nanoseconds spent decoding */
    _Atomic int64_t last;        /**< fs_now() at the last request; only kept with idle_timeout */
};

/** The session's user data. Immutable after start, except for what synchronises itself. */
struct fs_context {
    const struct mxfs_tree *tree;          /**< the files to serve */
    const struct mxfs_fs_options *options; /**< from the command line */
    int64_t started;                       /**< fs_now() when serving began */
    struct fs_buffer_stack buffers;        /**< for requests */
    struct fs_decoder decoder;             /**< for files that bypass the page cache */
    struct fs_counters counters;           /**< for statistics and --idle-timeout */
    _Atomic int readahead; /**< from fs_readahead_open(), until the first open(); then -1 */
    _Atomic unsigned looking_ahead; /**< threads that are looking ahead now */
};

/** Milliseconds of a monotonic clock. */
static inline int64_t fs_now(void)
{
    struct timespec now;

    /* The coarse clock is read without a system call and without asking the hardware. */
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
