/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Decoding ahead for sequential readers that bypass the page cache. Private to fs/.
 *
 * The kernel reads ahead only into its page cache. Such a reader has one request under way at a
 * time, so decoding would add to the time that copying the reply takes. Here a thread decodes the
 * next piece while the reply is copied.
 */
#ifndef MXFS_FS_STREAM_H
#define MXFS_FS_STREAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buffers.h"

/** Answers a read into `buffers`; returns the number of bytes, or -errno. */
typedef ssize_t fs_read_function(void *data, uint64_t ino, struct fs_buffers *buffers, size_t size,
                                 uint64_t offset);

/** An open file that is read through here. */
struct fs_stream;

/** The thread that decodes ahead, with its queue. */
struct fs_decoder {
    fs_read_function *read;          /**< reads for it */
    void *data;                      /**< first argument of read() */
    struct fs_buffer_stack *buffers; /**< source of buffers; borrowed */
    pthread_mutex_t lock;            /**< of everything below, and of every stream */
    pthread_cond_t work;             /**< a stream was queued, or the thread is to end */
    pthread_cond_t done;             /**< a stream was decoded */
    pthread_t thread;                /**< valid once started */
    bool started;                    /**< there is a thread */
    bool stop;                       /**< it is to end */
    unsigned held;                   /**< streams that have buffers */
    struct fs_stream *queue;         /**< streams that wait for the thread, oldest first */
    struct fs_stream *all;           /**< every stream there is */
};

/** Prepares; the thread is started for the first reader that needs it. */
void fs_decoder_init(struct fs_decoder *decoder, fs_read_function *read, void *data,
                     struct fs_buffer_stack *buffers);

/** Ends the thread once it has finished what it is decoding, and frees the remaining streams. */
void fs_decoder_fini(struct fs_decoder *decoder);

/** A stream for an open file, or NULL when out of memory. */
struct fs_stream *fs_stream_new(struct fs_decoder *decoder, uint64_t ino);

/** Frees a stream, after waiting for what is being decoded for it. Accepts NULL. */
void fs_stream_free(struct fs_decoder *decoder, struct fs_stream *stream);

/**
 * Reads `size` bytes at `offset` into buffers, which the caller then owns: *n is the number of
 * bytes, or -errno. Returns NULL when there is no memory for buffers (*n = -ENOMEM). Thread-safe.
 */
struct fs_buffers *fs_stream_read(struct fs_decoder *decoder, struct fs_stream *stream, size_t size,
                                  uint64_t offset, ssize_t *n);

#endif
