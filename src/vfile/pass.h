/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A pass: loading neighbouring units of one matrix into the cache together. Private to vfile/.
 */
#ifndef MXFS_VFILE_PASS_H
#define MXFS_VFILE_PASS_H

#include "read.h"

enum {
    /*
     * Bytes between two strips up to which they are read with one system call, and the bytes
     * between them for nothing. From the page cache (Zen 4) a pread() of a short strip takes 0.3
     * us, as long as copying 4 KiB more, so 4 or 8 KiB make no difference: GPTQ is read with the
     * same processor time. With 32 KiB it reads three to seven times as many bytes, and takes half
     * as long again.
     */
    VFILE_GAP = 8 << 10,
    /*
     * The most units in a pass, a bound for its arrays. Passes get there only where units are
     * smaller than they may be: of 128 units in the cache, half of five eighths are 40.
     */
    VFILE_PASS_MAX = 64,
};

/** Units that are loaded together, and the blocks they are packed into. */
struct vfile_pass {
    struct vfile_read *read;                        /**< the read that needs them */
    struct mxfs_unit unit[VFILE_PASS_MAX];          /**< ascending; neighbours in the same rows */
    struct mxfs_cache_block *block[VFILE_PASS_MAX]; /**< pinned, to be filled */
    unsigned count;                                 /**< used entries of both */
};

/** The rows that a pass reads of one part. */
struct vfile_rows {
    struct mxfs_strips strips; /**< wide enough for all units */
    bool sparse;               /**< read strip by strip, leaving out the bytes between them */
    uint64_t stride;           /**< bytes from one row to the next in the reader's memory */
};

/** The key of a unit in the cache. */
static inline struct mxfs_cache_key vfile_unit_key(const struct mxfs_unit *unit)
{
    return (struct mxfs_cache_key){(uintptr_t)unit->group, unit->index};
}

/** Works out the rows that the pass reads of part `part`. */
void vfile_pass_rows(const struct vfile_pass *pass, unsigned part, struct vfile_rows *rows);

/**
 * Fills and publishes the blocks of the pass. The first `keep` stay pinned, the others are
 * released; on failure all of them are abandoned. Returns 0 or -errno, with read->failed set.
 */
int vfile_pass_load(struct vfile_pass *pass, unsigned keep);

#endif
