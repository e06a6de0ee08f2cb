/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The buffers of a request. Private to fs/.
 *
 * The kernel hands requests to the threads in turn, so threads have no buffers of their own: the
 * buffers that were used last are used again. These are still in the processor's cache, and there
 * are only as many of them as requests are answered at the same time.
 */
#ifndef MXFS_FS_BUFFERS_H
#define MXFS_FS_BUFFERS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/tree.h"

/** The memory needed for one request; belongs to the caller until it is given back. */
struct fs_buffers {
    struct fs_buffers *next;         /**< in the stack, while unused */
    struct mxfs_vfile_reader reader; /**< reads from the tree */
    uint8_t *reply;                  /**< page-aligned: the kernel copies whole pages from it */
    size_t reply_size;               /**< bytes of `reply` */
};

/** The unused buffers. Internally synchronised. */
struct fs_buffer_stack {
    pthread_mutex_t lock;         /**< of `top` and the list that begins there */
    struct fs_buffers *top;       /**< used last */
    const struct mxfs_tree *tree; /**< the tree that their readers read; immutable */
};

/** Buffers with room for a reply of `reply_size` bytes, or NULL when out of memory. */
struct fs_buffers *fs_buffers_take(struct fs_buffer_stack *stack, size_t reply_size);

/** Gives buffers back; accepts NULL. */
void fs_buffers_give(struct fs_buffer_stack *stack, struct fs_buffers *buffers);

/** Frees all buffers that were given back. */
void fs_buffers_free(struct fs_buffer_stack *stack);

#endif
