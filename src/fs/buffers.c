/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A stack of buffers.
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

void mxfs_buffers_give(struct fs_buffer_stack *stack, struct fs_buffers *b)
{
    if (!b)
        return;
    b->scratch.ahead.group = NULL; /* the next read is another's */
    pthread_mutex_lock(&stack->lock);
    b->next = stack->top;
    stack->top = b;
    pthread_mutex_unlock(&stack->lock);
}

struct fs_buffers *mxfs_buffers_take(struct fs_buffer_stack *stack, size_t reply_size)
{
    pthread_mutex_lock(&stack->lock);
    struct fs_buffers *b = stack->top;
    if (b)
        stack->top = b->next;
    pthread_mutex_unlock(&stack->lock);
    if (!b)
        b = calloc(1, sizeof(*b));
    if (!b || reserve_reply(b, reply_size))
        return b;
    mxfs_buffers_give(stack, b);
    return NULL;
}

void mxfs_buffers_free(struct fs_buffer_stack *stack)
{
    for (struct fs_buffers *b = stack->top, *next; b; b = next) {
        next = b->next;
        mxfs_scratch_fini(&b->scratch);
        free(b->reply);
        free(b);
    }
    stack->top = NULL;
}
