/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The reach of a source: the folders that a file must be in to be opened, with all symbolic links
 * resolved.
 *
 * This is for mounts that other users can see: a user who can place a link in the source must not
 * be able to expose, or probe for, files outside it. Thread safety: immutable after init.
 */
#ifndef MXFS_REACH_H
#define MXFS_REACH_H

#include <stdbool.h>

/** The folders within reach. A NULL pointer to this struct means no restriction. */
struct mxfs_reach {
    char *inside[2]; /**< their resolved paths, or NULL; owned */
};

/** Whether `path` leads to an existing file within reach; true for any path if `reach` is NULL. */
bool mxfs_reach_has(const struct mxfs_reach *reach, const char *path);

/** Whether the file at `path` is missing or out of reach. */
bool mxfs_reach_lacks(const struct mxfs_reach *reach, const char *path);

/**
 * Opens like open(path, flags). Returns a descriptor or -errno; -EXDEV when the path leads out of
 * reach, even if a link is swapped in during the call.
 */
int mxfs_reach_open(const struct mxfs_reach *reach, const char *path, int flags);

/** Frees; accepts a zero-initialised object. */
void mxfs_reach_fini(struct mxfs_reach *reach);

#endif
