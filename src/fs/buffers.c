/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A stack of unused buffers.
 */
#include "buffers.h"

#include <stdbool.h>
#include <stdlib.h>

enum { PAGE = 4096 };

static bool reserve_reply(struct fs_buffers *b, size_t size)
{
    if (b->reply_size >= size)
        return true;
    free(b->reply);
    b->reply = aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE);
    b->reply_size = b->reply ? size : 0;
    return b->reply;
}

void fs_buffers_give(struct fs_buffer_stack *stack, struct fs_buffers *b)
{
    if (!b)
        return;
    mxfs_vfile_drop_hint(&b->reader); /* the next read will be of another file */
    pthread_mutex_lock(&stack->lock);
    b->next = stack->top;
    stack->top = b;
    pthread_mutex_unlock(&stack->lock);
}

struct fs_buffers *fs_buffers_take(struct fs_buffer_stack *stack, size_t reply_size)
{
    pthread_mutex_lock(&stack->lock);
    struct fs_buffers *b = stack->top;
    if (b)
        stack->top = b->next;
    pthread_mutex_unlock(&stack->lock);
    if (!b && (b = calloc(1, sizeof(*b))))
        b->reader = mxfs_tree_reader(stack->tree);
    if (!b || reserve_reply(b, reply_size))
        return b;
    fs_buffers_give(stack, b);
    return NULL;
}

void fs_buffers_free(struct fs_buffer_stack *stack)
{
    for (struct fs_buffers *b = stack->top, *next; b; b = next) {
        next = b->next;
        mxfs_vfile_reader_fini(&b->reader);
        free(b->reply);
        free(b);
    }
    stack->top = NULL;
}
