/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where an export goes. DEST appears, or changes, only when the export is complete.
 *
 * The folder that is written to is opened once. Everything else is done relative to its descriptor
 * and follows no links, because another user may own the folder.
 *
 * Files have no name while they are written (unnamed.h), so a killed export leaves nothing. Where
 * that is impossible they are written in a stage (stage.h). At the end
 *
 *     a new file                  gets its name
 *     a file over another         is named in a stage, then renamed over the other
 *     a new folder                is put together in a stage, then renamed
 *     files for an old folder     are named in a stage inside that folder, which may be the root of
 *                                 another disk, then moved one by one
 *
 * Thread safety: one thread, except for cmd_dest_open().
 */
#ifndef MXFS_CMD_DEST_H
#define MXFS_CMD_DEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "mxfs/error.h"
#include "place.h"
#include "stage.h"

/** A file or folder of the export. */
struct cmd_made {
    char *path;  /**< below the stage: CMD_STAGE_CONTENT, and "/NAME" for each level below; owned */
    int fd;      /**< a file without a name; -1: a folder, or a file in the stage */
    bool staged; /**< made, or named, in the stage */
};

/** Files or folders, in the order in which they were added. */
struct cmd_made_list {
    struct cmd_made *item; /**< owned */
    size_t count;
    size_t capacity; /**< of `item` */
};

/** A destination. Zero-initialised is a valid empty object. */
struct cmd_dest {
    char *path;                   /**< absolute, for messages; NULL: an empty object */
    bool folder;                  /**< DEST is to be a folder, not a file */
    bool exists;                  /**< DEST is there: a file to overwrite, or a folder to fill */
    bool force;                   /**< replace files of the same names, even if they come later */
    struct cmd_place place;       /**< where DEST is, or will be */
    struct cmd_stage stage;       /**< CMD_STAGE_NONE as long as none is needed */
    struct cmd_made_list folders; /**< the first one is DEST itself */
    struct cmd_made_list files;   /**< DEST itself, if it is a file, or all in the folder */
};

/** What is exported, for cmd_dest_choose(). */
struct cmd_dest_source {
    bool folder;           /**< SOURCE is a folder, not a file */
    const char *name;      /**< the file's name, which it keeps if DEST is a folder */
    const struct stat *st; /**< of SOURCE, which DEST must not be */
};

/**
 * Finds DEST as the user wrote it (a file may go into a folder) and refuses, without `force`, to
 * overwrite anything. Removes what killed exports to the same DEST left, and logs that. Returns 0
 * or -errno with err filled, as the others do.
 */
int cmd_dest_choose(struct cmd_dest *dest, const char *given, const struct cmd_dest_source *source,
                    bool force, struct mxfs_error *err);

/** Fails unless the filesystem has `bytes` left, or does not say. */
int cmd_dest_check_room(const struct cmd_dest *dest, uint64_t bytes, struct mxfs_error *err);

/**
 * Adds a folder: first "", which is DEST itself, then "/a", then "/a/b". All folders must be added
 * before the first file.
 */
int cmd_dest_add_folder(struct cmd_dest *dest, const char *rel, struct mxfs_error *err);

/** Makes a file of `size` bytes, "/a/NAME" in DEST, or "" for DEST itself. */
int cmd_dest_add_file(struct cmd_dest *dest, const char *rel, uint64_t size,
                      struct mxfs_error *err);

/**
 * Opens the file that was added as number `n` (from 0) for writing. Returns a descriptor, which the
 * caller closes, or -errno. Safe in several threads, once all files were added.
 */
int cmd_dest_open(const struct cmd_dest *dest, size_t n);

/** Puts what was written (and synced) in its place. */
int cmd_dest_commit(struct cmd_dest *dest, struct mxfs_error *err);

/** Removes what was not put in its place, and frees; accepts an empty object. */
void cmd_dest_fini(struct cmd_dest *dest);

#endif
