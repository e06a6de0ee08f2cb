/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Worker threads for one large job. Items are started in order; results may be delivered in order.
 *
 * Thread safety: per call; several jobs may run at the same time.
 */
#ifndef MXFS_POOL_H
#define MXFS_POOL_H

#include <stdint.h>

/** A job: items 0 to items - 1, each processed once, by one of the workers. */
struct mxfs_pool_job {
    unsigned workers; /**< threads; at least 1 */
    uint64_t items;   /**< their number */
    void *data;       /**< first argument of the functions */
    /**
     * Processes one item. Called by several threads at a time; `worker` (< workers) identifies the
     * thread. Items are started in ascending order. Returns 0, or -errno to stop the job.
     */
    int (*work)(void *data, unsigned worker, uint64_t item);
    /**
     * May be NULL. Called by the same worker after work(), for one item at a time, in ascending
     * order without gaps. Returns like work().
     */
    int (*deliver)(void *data, unsigned worker, uint64_t item);
    /**
     * May be NULL. Called by the thread of mxfs_pool_run(), at the start and about ten times a
     * second, to show progress or stop early. Returns like work().
     */
    int (*tick)(void *data);
};

/**
 * Runs a job. Returns 0, or the first failure (-EAGAIN when no thread can be created): items
 * already started are finished, and no others are started. Workers block all signals, so that
 * signals reach the calling thread.
 */
int mxfs_pool_run(const struct mxfs_pool_job *job);

/** The number of processors that this process may use. */
unsigned mxfs_pool_processors(void);

#endif
