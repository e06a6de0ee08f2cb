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

#include "pass.h"

enum {
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

/**
 * Loads a pass as vfile_pass_load() does. Asks a slow source for what will be needed before, and
 * judges whether the source is slow after.
 */
int vfile_ahead_load(struct vfile_pass *pass, unsigned keep);

#endif
