/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where a path leads, as descriptors: what was checked is what is used, even if names change in
 * between.
 *
 * Symbolic links are followed as the kernel follows them. Whether those of other users led where
 * these may not lead us, cmd_place_check_links() tells. Thread safety: per call.
 */
#ifndef MXFS_CMD_PLACE_H
#define MXFS_CMD_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

/** A place in the filesystem, taken or free. Set to CMD_PLACE_NONE before use. */
struct cmd_place {
    int folder;     /**< O_PATH: the folder that holds it; -1: none ("/" or the current folder) */
    char *name;     /**< its name in `folder`, with all links resolved; owned */
    int self;       /**< O_PATH: the file or folder; -1: the place is free */
    struct stat st; /**< of `self`; undefined if the place is free */
    bool led;       /**< a link of a user other than root and ours was followed */
    uid_t leader;   /**< that user; (uid_t)-1: there were several */
    unsigned links; /**< how many links were followed */
};

#define CMD_PLACE_NONE ((struct cmd_place){.folder = -1, .self = -1})

/**
 * Finds where `path` leads, which may be relative and may end where nothing is. Returns 0 or
 * -errno; the place is to be closed in either case.
 */
int cmd_place_find(struct cmd_place *place, const char *path);

/** Goes on from a place that is a folder, by a name or a relative path. Returns like find(). */
int cmd_place_enter(struct cmd_place *place, const char *path);

/**
 * Checks the folder that is about to be written to, place->folder or place->self: -EPERM if a link
 * of another user led there who does not own it. Otherwise anyone could make root, or us, write
 * where only we may.
 */
int cmd_place_check_links(const struct cmd_place *place, int folder);

/** Closes; accepts CMD_PLACE_NONE. */
void cmd_place_close(struct cmd_place *place);

/**
 * Opens the folder that holds the last name of `path`, a relative path below the folder `base`,
 * without following links, and sets *leaf to that name (in `path`). Returns a descriptor (O_PATH)
 * or -errno: -ENOTDIR also where a link is in the way.
 */
int cmd_place_open_parent(int base, const char *path, const char **leaf);

#endif
