/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What requests share while a mount is served. Private to fs/.
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
    _Atomic uint64_t reads;                                 /**< requests answered with data */
    _Atomic uint64_t bytes;                                 /**< in these answers */
    _Atomic uint64_t errors;                                /**< read requests that failed */
    _Atomic uint64_t open;                                  /**< files that are open now */
    _Atomic uint64_t bytes_read, units, load_ns, decode_ns; /**< see struct mxfs_tally */
    _Atomic int64_t last; /**< when a request came last, see mxfs_fs_now(); kept only with
                             idle_timeout */
};

/** The session's user data. Immutable after start but for what is synchronised in itself. */
struct fs_context {
    const struct mxfs_tree *tree;
    const struct mxfs_fs_options *options;
    int64_t started; /**< as mxfs_fs_now() */
    struct fs_buffer_stack buffers;
    struct fs_decoder decoder;
    atomic_bool answered; /**< the kernel's first request has been, so others will come */
    struct fs_counters counters;
    _Atomic int readahead;          /**< see mxfs_readahead_open(); -1: nothing is to be done */
    _Atomic unsigned looking_ahead; /**< threads that load what was not asked for yet */
};

/** Milliseconds of a clock that never goes back. */
static inline int64_t mxfs_fs_now(void)
{
    struct timespec now;

    /* The coarse clock is read without a system call and without asking the hardware. */
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
