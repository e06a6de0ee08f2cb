/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A source file: opened once, read by exact ranges, watched for change.
 *
 * The descriptor keeps a replaced (renamed over) file's old bytes. A file that changes in place is
 * no longer what its header said: from the first read that sees it, every read fails.
 * Thread safety: open and close by one thread; reads internally synchronised (no lock).
 */
#ifndef MXFS_SOURCE_H
#define MXFS_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "mxfs/error.h"
#include "mxfs/reach.h"

/** An open source file. */
struct mxfs_source {
    int fd;              /**< -1 when closed */
    char *path;          /**< absolute, as given (links not resolved); owned */
    struct stat st;      /**< at open time */
    atomic_bool changed; /**< once true, stays so */
    atomic_uint slow;    /**< passes over it for which look-ahead is still worth it; see vfile/ */
};

/**
 * Opens a regular file for reading; links are followed, as far as `reach` (NULL: everywhere) says.
 * On failure *src is closed and err names the path, with MXFS_EXIT_SOURCE; -EXDEV: out of reach.
 */
int mxfs_source_open(struct mxfs_source *src, const char *path, const struct mxfs_reach *reach,
                     struct mxfs_error *err);

/** Closes; accepts a closed or zero-initialised-with-fd--1 object. */
void mxfs_source_close(struct mxfs_source *src);

/**
 * Reads exactly `len` bytes at `offset`, or fails: -EIO when the file is shorter than it was, has
 * changed since it was opened, or the device fails. Restarts after EINTR and short reads.
 */
int mxfs_source_read(struct mxfs_source *src, void *buf, size_t len, uint64_t offset);

/**
 * The two halves of mxfs_source_read(), for who reads several ranges: none of the bytes fetched may
 * be used, or kept, before a check that came after the last of them was good.
 */
int mxfs_source_fetch(struct mxfs_source *src, void *buf, size_t len, uint64_t offset);
int mxfs_source_check(struct mxfs_source *src);

/** Tells the system that a range will be read soon. Does not wait for it. */
void mxfs_source_will_need(const struct mxfs_source *src, uint64_t offset, uint64_t len);

/** Reads a whole small file into a NUL-terminated buffer (caller frees). Fails with err filled when
 * it is over `max` bytes. */
int mxfs_source_slurp(const char *path, const struct mxfs_reach *reach, size_t max, char **out,
                      size_t *len, struct mxfs_error *err);

#endif
