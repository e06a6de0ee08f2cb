/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * An export's destination. DEST appears, or changes, only when the export is complete.
 *
 * The folder to write to is opened once. Everything else is done relative to its descriptor and
 * follows no links, because another user may own the folder.
 *
 * Files have no name while they are written (unnamed.h), so a killed export leaves nothing behind.
 * If the filesystem cannot do that, they are written in a stage (stage.h). At the end
 *
 *     a new file                      is given its name
 *     a file that replaces another    is named in a stage, then renamed over the other
 *     a new folder                    is assembled in a stage, then renamed
 *     files for an existing folder    are named in a stage inside that folder, which may be the
 *                                     root of another disk, then moved one by one
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
    int fd;      /**< the file while it has no name; -1: a folder, or a file in the stage */
    bool staged; /**< made, or named, in the stage */
};

/** Files or folders, in the order in which they were added. */
struct cmd_made_list {
    struct cmd_made *item; /**< owned */
    size_t count;          /**< items in use */
    size_t capacity;       /**< items allocated */
};

/** A destination. Zero-initialised is a valid empty object. */
struct cmd_dest {
    char *path;                   /**< absolute, for messages; NULL: an empty object */
    bool folder;                  /**< DEST is to be a folder, not a file */
    bool exists;                  /**< DEST exists: a file to overwrite, or a folder to fill */
    bool force;                   /**< replace existing files, even ones that appear later */
    struct cmd_place place;       /**< where DEST is, or will be */
    struct cmd_stage stage;       /**< CMD_STAGE_NONE until one is needed */
    struct cmd_made_list folders; /**< the first is DEST itself */
    struct cmd_made_list files;   /**< DEST itself if it is a file, else every file in it */
};

/** The source of an export, for cmd_dest_choose(). */
struct cmd_dest_source {
    bool folder;           /**< SOURCE is a folder, not a file */
    const char *name;      /**< the file's name, kept if DEST is a folder */
    const struct stat *st; /**< of SOURCE; DEST must be another file */
};

/**
 * Finds DEST as the user wrote it (a file may go into a folder) and, without `force`, refuses to
 * overwrite anything. Removes the leftovers of killed exports to the same DEST, and logs that.
 * Returns 0, or -errno with err filled, as do the other functions that take an err.
 */
int cmd_dest_choose(struct cmd_dest *dest, const char *given, const struct cmd_dest_source *source,
                    bool force, struct mxfs_error *err);

/** Fails if the filesystem reports fewer than `bytes` bytes free. */
int cmd_dest_check_room(const struct cmd_dest *dest, uint64_t bytes, struct mxfs_error *err);

/**
 * Adds a folder: first "", which is DEST itself, then "/a", then "/a/b". Add all folders before the
 * first file.
 */
int cmd_dest_add_folder(struct cmd_dest *dest, const char *rel, struct mxfs_error *err);

/** Makes a file of `size` bytes: "/a/NAME" in DEST, or "" for DEST itself. */
int cmd_dest_add_file(struct cmd_dest *dest, const char *rel, uint64_t size,
                      struct mxfs_error *err);

/**
 * Opens file number `n`, counted from 0 in the order of adding, for writing. Returns a descriptor,
 * which the caller closes, or -errno. Safe to call from several threads once all files are added.
 */
int cmd_dest_open(const struct cmd_dest *dest, size_t n);

/** Moves the files, which the caller has written and synced, to DEST. */
int cmd_dest_commit(struct cmd_dest *dest, struct mxfs_error *err);

/** Removes everything that was not moved to DEST, and frees; accepts an empty object. */
void cmd_dest_fini(struct cmd_dest *dest);

#endif
