/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Sequential readers that bypass the page cache. Private to fs/.
 *
 * Of such a reader only one request is under way, so decoding would add to copying the reply. Here
 * a thread decodes what comes next while the reply is copied. Where the kernel reads ahead itself
 * this is not needed.
 */
#ifndef MXFS_FS_STREAM_H
#define MXFS_FS_STREAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buffers.h"

/** Answers a read into `buffers`: how many bytes, or -errno. */
typedef ssize_t fs_read_function(void *data, uint64_t ino, struct fs_buffers *buffers, size_t size,
                                 uint64_t offset);

struct fs_stream;

/** The thread that decodes ahead, and what it works with. */
struct fs_decoder {
    fs_read_function *read;
    void *data;
    struct fs_buffer_stack *buffers;
    pthread_mutex_t lock; /* of all below, and of every stream */
    pthread_cond_t work, done;
    pthread_t thread;
    bool started, stop;
    unsigned held;           /* streams that have buffers */
    struct fs_stream *queue; /* that wait for the thread */
    struct fs_stream *all;
};

/** Prepares; the thread starts with the first reader that needs it. */
void mxfs_decoder_init(struct fs_decoder *decoder, fs_read_function *read, void *data,
                       struct fs_buffer_stack *buffers);

/** Ends the thread, after what it is at, and frees the streams that are left. */
void mxfs_decoder_fini(struct fs_decoder *decoder);

/** An open file that is read through here, or NULL without memory. */
struct fs_stream *mxfs_stream_new(struct fs_decoder *decoder, uint64_t ino);

/** Frees it; waits for what is being decoded for it. Accepts NULL. */
void mxfs_stream_free(struct fs_decoder *decoder, struct fs_stream *stream);

/**
 * Reads `size` bytes at `offset` into buffers, which are the caller's then: *n is the number of
 * bytes, or -errno. Returns NULL when there is no memory for them (*n = -ENOMEM). Thread-safe.
 */
struct fs_buffers *mxfs_stream_read(struct fs_decoder *decoder, struct fs_stream *stream,
                                    size_t size, uint64_t offset, ssize_t *n);

#endif
