/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How far a source reaches: the folders that opening may not leave, whatever links say.
 *
 * For mounts that other users see: who can put a link into the source must not show them, or let
 * them be told by, files that are none of the source. Thread safety: immutable after start.
 */
#ifndef MXFS_REACH_H
#define MXFS_REACH_H

#include <stdbool.h>

/** Folders, as resolved paths; NULL: none. A NULL struct mxfs_reach reaches everywhere. */
struct mxfs_reach {
    char *inside[2]; /**< owned */
};

/** Whether `path` leads to something within reach; false also when it leads nowhere. */
bool mxfs_reach_has(const struct mxfs_reach *reach, const char *path);

/** Whether there is no file at `path`, or none within reach. */
bool mxfs_reach_lacks(const struct mxfs_reach *reach, const char *path);

/**
 * Opens like open(path, flags). Returns a descriptor or -errno: -EXDEV when the path leads out,
 * also when it is made to while it is opened.
 */
int mxfs_reach_open(const struct mxfs_reach *reach, const char *path, int flags);

/** Frees; accepts a zero-initialised object. */
void mxfs_reach_fini(struct mxfs_reach *reach);

#endif
