/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A source file: opened once, read by exact ranges, watched for change.
 *
 * A file that is replaced (renamed over) keeps its old bytes for us, since its descriptor is open.
 * A file that changes in place no longer fits its header: once a read has noticed, all reads fail.
 * Thread safety: one thread opens and closes; any number may read (without a lock).
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
    struct stat st;      /**< when it was opened; permissions as mxfs_rights_fstat() */
    atomic_bool changed; /**< it has changed since; never becomes false again */
};

/**
 * Opens a regular file for reading. Links are followed within `reach` (NULL: anywhere). On failure
 * *src is closed and err names the path, with MXFS_EXIT_SOURCE; -EXDEV: out of reach.
 */
int mxfs_source_open(struct mxfs_source *src, const char *path, const struct mxfs_reach *reach,
                     struct mxfs_error *err);

/** Closes; accepts a closed or zero-initialised-with-fd--1 object. */
void mxfs_source_close(struct mxfs_source *src);

/**
 * Reads exactly `len` bytes at `offset`. Returns 0 or -errno: -EIO when the file has become shorter
 * or has changed since it was opened, or when the device fails. Retries after EINTR and short
 * reads.
 */
int mxfs_source_read(struct mxfs_source *src, void *buf, size_t len, uint64_t offset);

/**
 * The first half of mxfs_source_read(), for reading several ranges with one check. The bytes must
 * not be used or kept until a mxfs_source_check() after the last fetch has succeeded.
 */
int mxfs_source_fetch(struct mxfs_source *src, void *buf, size_t len, uint64_t offset);

/** The second half: 0 if the file is as it was when it was opened, else -errno (-EIO: changed). */
int mxfs_source_check(struct mxfs_source *src);

/** Tells the system that a range will be read soon, without waiting for it. */
void mxfs_source_will_need(const struct mxfs_source *src, uint64_t offset, uint64_t len);

/**
 * Opens the file at `path` as mxfs_source_open() does and reads all of it into a NUL-terminated
 * buffer: *out, which the caller frees, with *len bytes. Fails with err filled, MXFS_EXIT_MALFORMED
 * when it has more than `max` bytes.
 */
int mxfs_source_slurp(const char *path, const struct mxfs_reach *reach, size_t max, char **out,
                      size_t *len, struct mxfs_error *err);

#endif
