/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The buffers of a request. Private to fs/.
 *
 * The kernel gives requests to the threads in turn, so the threads have none of their own: those
 * used last are used again. They are in the processor's cache, and no more of them take memory than
 * requests are answered at once.
 */
#ifndef MXFS_FS_BUFFERS_H
#define MXFS_FS_BUFFERS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/vfile.h"

/** What answering one request needs; the caller's until it is given back. */
struct fs_buffers {
    struct fs_buffers *next; /**< of the ones nobody uses */
    struct mxfs_scratch scratch;
    uint8_t *reply; /**< page-aligned: the kernel copies whole pages from it */
    size_t reply_size;
};

/** Those that nobody uses. Internally synchronised. */
struct fs_buffer_stack {
    pthread_mutex_t lock;
    struct fs_buffers *top;
};

/** Buffers with room for a reply of `reply_size` bytes, or NULL without memory. */
struct fs_buffers *mxfs_buffers_take(struct fs_buffer_stack *stack, size_t reply_size);

/** Gives them back; accepts NULL. */
void mxfs_buffers_give(struct fs_buffer_stack *stack, struct fs_buffers *buffers);

/** Frees all that were given back. */
void mxfs_buffers_free(struct fs_buffer_stack *stack);

#endif
