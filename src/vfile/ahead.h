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
     * Bytes between two strips up to which they are read with one system call, unused bytes
     * included. GAP_DERIVATION
     */
    VFILE_GAP = 8 << 10,
    /*
     * The most units in one pass. A unit is at least a 128th of the cache where it can be, and a
     * pass may take half of five eighths of it, so 40 is the most that is ever asked for; 64 leaves
     * room for the last, smaller units of a matrix.
     */
    VFILE_PASS_MAX = 64,
    /* Sources that are told apart; two that share a counter only share a hint. */
    VFILE_AHEAD_SOURCES = 256,
};

/** What look-ahead remembers about the sources. */
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
