/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where a path leads, as descriptors: what was looked at is what is used, whatever happens to the
 * names meanwhile.
 *
 * Links are followed as the kernel would, except those of other users that lead out of what these
 * users own: see cmd_place_check_links(). Thread safety: per call.
 */
#ifndef MXFS_CMD_PLACE_H
#define MXFS_CMD_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

/** A place in the filesystem, there or still free. Set to CMD_PLACE_NONE before use. */
struct cmd_place {
    int folder;     /**< O_PATH: the folder that holds it; -1: it is "/", or where we are */
    char *name;     /**< its name in `folder`, never that of a link that was followed */
    int self;       /**< O_PATH: what is there; -1: nothing */
    struct stat st; /**< of `self`, where something is there */
    bool led;       /**< by links of a user who is neither root nor we */
    uid_t leader;   /**< that user, if `led`; (uid_t)-1: there were several */
    unsigned links; /**< followed so far */
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
 * Whether links may have led to the folder of this descriptor (of the place or in it): -EPERM when
 * a link of another user did, and that user does not own the folder. Such a link could let us write
 * where its owner may not.
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
