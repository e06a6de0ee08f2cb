/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Each stream has at most one read decoded ahead. Whoever comes for a read that the thread has not
 * begun does it himself, so many readers are not held up by the one thread.
 */
#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum {
    /* Smaller reads take less time than waking a thread. */
    AHEAD_MIN = 128 << 10,
    /* Streams that may hold buffers, since these are memory. */
    HOLDERS_MAX = 8,
    /* A number of bytes that no read returns. */
    NOT_READ = INT_MAX,
};

/* What is decoded ahead of a reader. */
enum state { NOTHING, QUEUED, DECODING, READY };

struct fs_stream {
    uint64_t ino;
    uint64_t next; /* where the reader will go on if it is a sequential one */
    enum state state;
    size_t size;
    uint64_t offset;
    struct fs_buffers *buffers;      /* NOTHING: none */
    ssize_t n;                       /* READY: their bytes, or -errno */
    struct fs_stream *link;          /* in the queue */
    struct fs_stream *other, **self; /* in the list of all: the next, and what points to this */
};

void mxfs_decoder_init(struct fs_decoder *d, fs_read_function *read, void *data,
                       struct fs_buffer_stack *buffers)
{
    *d = (struct fs_decoder){.read = read,
                             .data = data,
                             .buffers = buffers,
                             .lock = PTHREAD_MUTEX_INITIALIZER,
                             .work = PTHREAD_COND_INITIALIZER,
                             .done = PTHREAD_COND_INITIALIZER};
}

static void decode(struct fs_decoder *d, struct fs_stream *s)
{
    s->state = DECODING;
    pthread_mutex_unlock(&d->lock);
    ssize_t n = d->read(d->data, s->ino, s->buffers, s->size, s->offset);
    pthread_mutex_lock(&d->lock);
    s->n = n;
    s->state = READY;
    pthread_cond_broadcast(&d->done);
}

static void *decode_ahead(void *arg)
{
    struct fs_decoder *d = arg;

    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        struct fs_stream *s = d->queue;
        if (!s) {
            pthread_cond_wait(&d->work, &d->lock);
            continue;
        }
        d->queue = s->link;
        decode(d, s);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

/* Whether there is a thread by now. Where none can be had, nothing is decoded ahead. */
static bool has_thread(struct fs_decoder *d)
{
    if (!d->started)
        d->started = pthread_create(&d->thread, NULL, decode_ahead, d) == 0;
    return d->started;
}

static void unqueue(struct fs_decoder *d, struct fs_stream *s)
{
    struct fs_stream **at = &d->queue;

    while (*at != s)
        at = &(*at)->link;
    *at = s->link;
}

/* Takes the buffers of a stream that is not being decoded; it has nothing more then. */
static struct fs_buffers *let_go(struct fs_decoder *d, struct fs_stream *s)
{
    struct fs_buffers *b = s->buffers;

    if (s->state == QUEUED)
        unqueue(d, s);
    if (b)
        d->held--;
    s->buffers = NULL;
    s->state = NOTHING;
    return b;
}

static void order(struct fs_decoder *d, struct fs_stream *s, size_t size, uint64_t offset)
{
    if (size < AHEAD_MIN || d->held == HOLDERS_MAX || !has_thread(d))
        return;
    s->buffers = mxfs_buffers_take(d->buffers, size);
    if (!s->buffers)
        return;
    d->held++;
    s->size = size;
    s->offset = offset;
    s->state = QUEUED;
    struct fs_stream **last = &d->queue;
    while (*last)
        last = &(*last)->link;
    s->link = NULL;
    *last = s;
    pthread_cond_signal(&d->work);
}

static bool holds(const struct fs_stream *s, size_t size, uint64_t offset)
{
    return s->state != NOTHING && s->offset == offset && s->size == size;
}

/*
 * The buffers of what the reader came for, or NULL; *n is their bytes, or NOT_READ. What a reader
 * did not come for is dropped, and a sequential reader has the next read ordered.
 */
static struct fs_buffers *exchange(struct fs_decoder *d, struct fs_stream *s, size_t size,
                                   uint64_t offset, ssize_t *n)
{
    struct fs_buffers *found = NULL;

    /* Several threads may read one file, so whatever is waited for may be gone then. */
    while (holds(s, size, offset) && s->state == DECODING)
        pthread_cond_wait(&d->done, &d->lock);
    *n = holds(s, size, offset) && s->state == READY ? s->n : NOT_READ;
    if (holds(s, size, offset))
        found = let_go(d, s);
    else if (s->state == READY)
        mxfs_buffers_give(d->buffers, let_go(d, s));
    if (offset == s->next && s->state == NOTHING && (*n == NOT_READ || *n == (ssize_t)size))
        order(d, s, size, offset + size);
    s->next = offset + size;
    return found;
}

struct fs_buffers *mxfs_stream_read(struct fs_decoder *d, struct fs_stream *s, size_t size,
                                    uint64_t offset, ssize_t *n)
{
    pthread_mutex_lock(&d->lock);
    struct fs_buffers *b = exchange(d, s, size, offset, n);
    pthread_mutex_unlock(&d->lock);
    if (!b)
        b = mxfs_buffers_take(d->buffers, size);
    if (!b)
        *n = -ENOMEM;
    else if (*n == NOT_READ)
        *n = d->read(d->data, s->ino, b, size, offset);
    return b;
}

struct fs_stream *mxfs_stream_new(struct fs_decoder *d, uint64_t ino)
{
    struct fs_stream *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->ino = ino;
    pthread_mutex_lock(&d->lock);
    s->other = d->all;
    s->self = &d->all;
    if (s->other)
        s->other->self = &s->other;
    d->all = s;
    pthread_mutex_unlock(&d->lock);
    return s;
}

void mxfs_stream_free(struct fs_decoder *d, struct fs_stream *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&d->lock);
    while (s->state == DECODING)
        pthread_cond_wait(&d->done, &d->lock);
    mxfs_buffers_give(d->buffers, let_go(d, s));
    *s->self = s->other;
    if (s->other)
        s->other->self = s->self;
    pthread_mutex_unlock(&d->lock);
    free(s);
}

void mxfs_decoder_fini(struct fs_decoder *d)
{
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->work);
    pthread_mutex_unlock(&d->lock);
    if (d->started)
        pthread_join(d->thread, NULL);
    /* Of files that are still open, whose release nobody will hear of. */
    while (d->all)
        mxfs_stream_free(d, d->all);
}
