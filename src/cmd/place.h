/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Resolves a path to descriptors, so that the file that was checked is the file that is used, even
 * if names change in between.
 *
 * Symbolic links are followed as the kernel follows them. cmd_place_check_links() tells whether
 * another user's links led to a place where that user must not lead us. Thread safety: per call.
 */
#ifndef MXFS_CMD_PLACE_H
#define MXFS_CMD_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

/** A place in the filesystem, taken or free. Set to CMD_PLACE_NONE before use. */
struct cmd_place {
    int folder;     /**< O_PATH: the folder that it is in; -1: none ("/" or the current folder) */
    char *name;     /**< its name in `folder`, with all links resolved; owned */
    int self;       /**< O_PATH: the file or folder; -1: the place is free */
    struct stat st; /**< of `self`; undefined if the place is free */
    bool led;       /**< a link was followed that neither root nor our user owns */
    uid_t leader;   /**< the owner of that link; (uid_t)-1: several owners */
    unsigned links; /**< how many links were followed */
};

/** No place. */
#define CMD_PLACE_NONE ((struct cmd_place){.folder = -1, .self = -1})

/**
 * Finds the place that `path` leads to. The path may be relative, and its last name need not exist.
 * Returns 0 or -errno; close the place in either case.
 */
int cmd_place_find(struct cmd_place *place, const char *path);

/**
 * Moves on from a place that is a folder, by a name or a relative path. Returns as cmd_place_find()
 * does.
 */
int cmd_place_enter(struct cmd_place *place, const char *path);

/**
 * Checks the folder that is about to be written to, place->folder or place->self. Returns 0, -EPERM
 * if another user's link led there and that user does not own it, or another -errno. Without this,
 * any user could make root, or us, write where only we may.
 */
int cmd_place_check_links(const struct cmd_place *place, int folder);

/** Closes; accepts CMD_PLACE_NONE. */
void cmd_place_close(struct cmd_place *place);

/**
 * Opens the folder that contains the last name of `path`, a relative path below the folder `base`,
 * without following links, and points *leaf at that name in `path`. Returns a descriptor (O_PATH)
 * or -errno, with -ENOTDIR if a link is in the way.
 */
int cmd_place_open_parent(int base, const char *path, const char **leaf);

#endif
