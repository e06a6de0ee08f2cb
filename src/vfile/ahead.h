/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Look-ahead: which units are worth loading, and when. Private to vfile/.
 *
 * All the policy of reading ahead below the mount is here; pass.c, the cache and the source only
 * carry it out. (fs/stream.c decodes ahead for direct readers, fs/readahead.c asks the kernel to
 * read ahead.)
 */
#ifndef MXFS_VFILE_AHEAD_H
#define MXFS_VFILE_AHEAD_H

#include <stdatomic.h>

#include "read.h"

struct vfile_pass;

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
    /* Sources that are told apart; two that share an entry share no more than a hint. */
    VFILE_AHEAD_SOURCES = 256,
};

/** Knowledge about the sources, kept between passes. */
struct mxfs_vfile_ahead {
    /** By source: for how many more passes it counts as slow. Hints, so relaxed access will do. */
    atomic_uint slow[VFILE_AHEAD_SOURCES];
};

/** How many bytes of a cache may hold blocks that have not been asked for yet. */
size_t vfile_ahead_bytes(uint64_t cache_size);

/** Whether a reader that finds `unit` missing got there by walking through the unit before it. */
bool vfile_ahead_is_walk(const struct vfile_read *read, const struct mxfs_unit *unit);

/**
 * Adds units that are worth loading to the pass: the first missing one from `element` on when the
 * pass is empty, and those that follow it in the same rows. Their blocks are reserved.
 */
void vfile_ahead_gather(struct vfile_pass *pass, uint64_t element);

/**
 * Output bytes [before, after) of a unit, counted in the order in which they are read, have been
 * delivered; leaves a hint in the reader when it is time to load the next units.
 */
void vfile_ahead_note(const struct vfile_read *read, const struct mxfs_unit *unit, uint64_t before,
                      uint64_t after);

/** Before a pass reads: asks a slow source for what will be needed. The result is for _end(). */
long vfile_ahead_begin(const struct vfile_pass *pass);

/** After a pass has read for `ns` nanoseconds: judges whether its source is slow. */
void vfile_ahead_end(const struct vfile_pass *pass, long waits, uint64_t ns);

#endif
