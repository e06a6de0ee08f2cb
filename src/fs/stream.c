/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Each stream has at most one read decoded ahead. A reader that asks for a read which the thread
 * has not begun does it itself, and other readers never wait for the one thread.
 */
#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum {
    /* Bytes from which on a read is worth waking a thread for: smaller ones take less time. */
    AHEAD_MIN = 128 << 10,
    /*
     * Streams that may hold buffers. A request has at most 1 MiB, and its packed bytes take half as
     * much again, so this keeps the memory at 12 MiB, part of the 32 MiB that the daemon may take
     * besides its cache. One thread cannot decode for more readers than these anyway.
     */
    HOLDERS_MAX = 8,
    /* A number of bytes that no read returns. */
    NOT_READ = INT_MAX,
};

/* State of the read that is decoded ahead. */
enum state {
    NOTHING,
    QUEUED,   /* waits for the thread */
    DECODING, /* the thread is decoding; until it is done, the buffers are its own */
    READY,    /* decoded */
};

/* Protected by the decoder's lock, but for `ino`, which is immutable. */
struct fs_stream {
    uint64_t ino;               /* the file */
    uint64_t next;              /* offset at which a sequential reader would go on */
    enum state state;           /* of the read ahead, which the next four describe */
    size_t size;                /* bytes */
    uint64_t offset;            /* offset of its first byte */
    struct fs_buffers *buffers; /* NULL when there is nothing */
    ssize_t n;                  /* READY: number of bytes, or -errno */
    struct fs_stream *link;     /* the next in the queue */
    struct fs_stream *other;    /* the next of all streams */
    struct fs_stream **self;    /* the pointer to this one in the list of all */
};

void fs_decoder_init(struct fs_decoder *d, fs_read_function *read, void *data,
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

/* Whether there is a thread. If none can be started, nothing is decoded ahead. */
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

/* Takes the buffers from a stream that is not being decoded, which then has nothing ahead. */
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
    s->buffers = fs_buffers_take(d->buffers, size);
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
 * Returns the buffers of the read that is wanted, or NULL; *n is their number of bytes, or
 * NOT_READ. Another read that was decoded ahead is dropped. For a sequential reader the next one is
 * ordered.
 */
static struct fs_buffers *exchange(struct fs_decoder *d, struct fs_stream *s, size_t size,
                                   uint64_t offset, ssize_t *n)
{
    struct fs_buffers *found = NULL;

    /* Several threads may read one file, so after waiting the read may be gone. */
    while (holds(s, size, offset) && s->state == DECODING)
        pthread_cond_wait(&d->done, &d->lock);
    *n = holds(s, size, offset) && s->state == READY ? s->n : NOT_READ;
    if (holds(s, size, offset))
        found = let_go(d, s);
    else if (s->state == READY)
        fs_buffers_give(d->buffers, let_go(d, s));
    if (offset == s->next && s->state == NOTHING && (*n == NOT_READ || *n == (ssize_t)size))
        order(d, s, size, offset + size);
    s->next = offset + size;
    return found;
}

struct fs_buffers *fs_stream_read(struct fs_decoder *d, struct fs_stream *s, size_t size,
                                  uint64_t offset, ssize_t *n)
{
    pthread_mutex_lock(&d->lock);
    struct fs_buffers *b = exchange(d, s, size, offset, n);
    pthread_mutex_unlock(&d->lock);
    if (!b)
        b = fs_buffers_take(d->buffers, size);
    if (!b)
        *n = -ENOMEM;
    else if (*n == NOT_READ)
        *n = d->read(d->data, s->ino, b, size, offset);
    return b;
}

struct fs_stream *fs_stream_new(struct fs_decoder *d, uint64_t ino)
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

void fs_stream_free(struct fs_decoder *d, struct fs_stream *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&d->lock);
    while (s->state == DECODING)
        pthread_cond_wait(&d->done, &d->lock);
    fs_buffers_give(d->buffers, let_go(d, s));
    *s->self = s->other;
    if (s->other)
        s->other->self = s->self;
    pthread_mutex_unlock(&d->lock);
    free(s);
}

void fs_decoder_fini(struct fs_decoder *d)
{
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->work);
    pthread_mutex_unlock(&d->lock);
    if (d->started)
        pthread_join(d->thread, NULL);
    /* Streams of files that are still open: their release will never come. */
    while (d->all)
        fs_stream_free(d, d->all);
}
