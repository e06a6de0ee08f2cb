/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A source file: opened once, read in exact ranges, watched for changes.
 *
 * When a file is replaced (renamed over), the open descriptor still reads the old bytes. When it
 * changes in place, it may no longer match its header: after a read has noticed that, all reads
 * fail. Thread safety: one thread opens and closes; any number may read (without a lock).
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
    struct stat st;      /**< from mxfs_rights_fstat() when it was opened */
    atomic_bool changed; /**< it has changed since it was opened; never becomes false again */
};

/**
 * Opens a regular file for reading. Links are followed within `reach` (NULL: anywhere). Returns 0,
 * or -errno with *src closed and err filled (MXFS_EXIT_SOURCE); -EXDEV when it is out of reach.
 */
int mxfs_source_open(struct mxfs_source *src, const char *path, const struct mxfs_reach *reach,
                     struct mxfs_error *err);

/** Closes; accepts a closed object, or one that is zero but for fd = -1. */
void mxfs_source_close(struct mxfs_source *src);

/**
 * Reads exactly `len` bytes at `offset`; continues after EINTR and short reads. Returns 0 or
 * -errno: -EIO when the file was truncated or changed after it was opened, or when the device
 * fails.
 */
int mxfs_source_read(struct mxfs_source *src, void *buf, size_t len, uint64_t offset);

/**
 * The first half of mxfs_source_read(), for reading several ranges with one check. Do not use or
 * keep the bytes until mxfs_source_check() has succeeded after the last fetch.
 */
int mxfs_source_fetch(struct mxfs_source *src, void *buf, size_t len, uint64_t offset);

/**
 * The second half of mxfs_source_read(): 0 if the file is unchanged, else -errno (-EIO: changed).
 */
int mxfs_source_check(struct mxfs_source *src);

/** Asks the kernel to read a range ahead, without waiting for it. */
void mxfs_source_will_need(const struct mxfs_source *src, uint64_t offset, uint64_t len);

/**
 * Opens the file at `path` like mxfs_source_open() and reads all of it into *out, a NUL-terminated
 * buffer of *len bytes that the caller frees. Returns 0, or -errno with err filled; -EFBIG
 * (MXFS_EXIT_MALFORMED) when the file has more than `max` bytes.
 */
int mxfs_source_slurp(const char *path, const struct mxfs_reach *reach, size_t max, char **out,
                      size_t *len, struct mxfs_error *err);

#endif
