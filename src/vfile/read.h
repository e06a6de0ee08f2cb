/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A read of one group's output, and the steps it takes. Private to vfile/.
 */
#ifndef MXFS_VFILE_READ_H
#define MXFS_VFILE_READ_H

#include "mxfs/vfile.h"

enum {
    /**
     * The most bytes of source that a reader loads at once, and so the most memory that it keeps.
     * Every thread has a reader: with their replies these are most of the 32 MiB that the daemon
     * may take in addition to its cache.
     */
    VFILE_LOAD_MAX = 512 << 10,
    /**
     * Output bytes of a streaming scheme decoded from one load. As large as a request of the
     * kernel, so that a request is one read of each part, and small enough for the packed bytes (at
     * most half as many, a quarter for 4 bits) to be still in L2 when they are decoded.
     */
    VFILE_STREAM_CHUNK = 512 << 10,
};

/** A read under way; made once for each output that a request touches. */
struct vfile_read {
    struct mxfs_vfile_reader *reader; /**< the thread's memory, counters and environment */
    struct mxfs_model *model;         /**< the model that holds the sources of the parts */
    const struct mxfs_group *group;   /**< the group to decode */
    const struct mxfs_tensor *failed; /**< the tensor to name on failure; the main part at first */
};

/** A read of `group`, before anything has failed. */
static inline struct vfile_read vfile_read_of(struct mxfs_vfile_reader *reader,
                                              struct mxfs_model *model,
                                              const struct mxfs_group *group)
{
    return (struct vfile_read){reader, model, group, group->part[0]};
}

/** Makes reader->memory hold at least `size` bytes; its contents are lost. Returns 0 or -ENOMEM. */
int vfile_reserve(struct mxfs_vfile_reader *reader, size_t size);

/** Nanoseconds of a monotonic clock. */
uint64_t vfile_clock_ns(void);

/**
 * Reads `len` bytes at `offset` of part `part` into buf. Returns 0 or -errno, with read->failed
 * set. The bytes must not be used or kept before vfile_check_parts() has succeeded.
 */
int vfile_fetch_part(struct vfile_read *read, unsigned part, void *buf, size_t len,
                     uint64_t offset);

/**
 * Fails when a source of the group has changed, with read->failed set. One call covers everything
 * that was fetched before it.
 */
int vfile_check_parts(struct vfile_read *read);

/**
 * For streaming groups: writes bytes [offset, offset + len) of the output, all inside it, to buf.
 * Returns 0 or -errno; read->failed is then the tensor whose bytes could not be read.
 */
int vfile_stream_range(struct vfile_read *read, uint8_t *buf, size_t len, uint64_t offset);

/** The same for groups by unit. */
int vfile_unit_range(struct vfile_read *read, uint8_t *buf, size_t len, uint64_t offset);

/** Works out the bytes of each part that elements [first, first + count) of a streaming group are
 * decoded from; returns how many they are in all. */
uint64_t vfile_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                     struct mxfs_span span[MXFS_PARTS_MAX]);

#endif
