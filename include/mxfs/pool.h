/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Worker threads for one large job: items in order, results in any order or in the items' order.
 *
 * Thread safety: per call; several jobs may run at the same time.
 */
#ifndef MXFS_POOL_H
#define MXFS_POOL_H

#include <stdint.h>

/** A job: items 0, 1, ..., items - 1, each done once by one of the workers. */
struct mxfs_pool_job {
    unsigned workers; /**< threads; at least 1 */
    uint64_t items;
    void *data; /**< first argument of the functions */
    /**
     * Does one item; called by many threads at a time, `worker` (< workers) tells them apart. Items
     * are handed out in ascending order. Returns 0, or -errno, which stops the job.
     */
    int (*work)(void *data, unsigned worker, uint64_t item);
    /**
     * NULL, or called by the same worker after work(): for one item at a time, in ascending order
     * without gaps. Returns like work().
     */
    int (*deliver)(void *data, unsigned worker, uint64_t item);
    /**
     * NULL, or called by the caller's thread at the start and about ten times a second: for a
     * progress bar, or to look for a reason to stop. Returns like work().
     */
    int (*tick)(void *data);
};

/**
 * Runs a job to its end. Returns 0, or the first failure (-EAGAIN when there can be no thread);
 * items that were begun by then are finished, no other is begun. Workers block all signals: they go
 * to the caller's thread.
 */
int mxfs_pool_run(const struct mxfs_pool_job *job);

/** Processors that this process may use: how many workers pay. */
unsigned mxfs_pool_processors(void);

#endif
