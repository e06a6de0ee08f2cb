/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where an export goes: nothing is seen under the name DEST before all of it is there.
 *
 * The folder that is written to is found once and held by descriptor; everything else is done
 * relative to it, without following links, since another user may own it.
 *
 * A file has no name at all while it is written (O_TMPFILE), so that a killed export leaves
 * nothing. Where the filesystem cannot do that, or there are more files than descriptors, files are
 * written in a stage (stage.h), and so is what takes several steps to put in its place:
 *
 *     a new file                    gets its name
 *     a file over another           staged, then renamed over it
 *     a new folder                  staged, then renamed
 *     into a folder that is there   staged in it (it may be the root of another disk), then moved
 *                                   file by file
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

/** Files or folders, in the order in which they were added. */
struct cmd_made_list {
    struct cmd_made {
        char *path;  /**< below the stage: CMD_STAGE_CONTENT, and "/NAME" for each level below */
        int fd;      /**< of a file without a name; -1: it is in the stage, or a folder */
        bool staged; /**< it is in the stage */
    } * item;
    size_t count;
    size_t capacity; /**< of `item` */
};

/** A destination. Zero-initialised is a valid empty object. */
struct cmd_dest {
    char *path;                   /**< absolute, for messages; NULL: an empty object */
    bool folder;                  /**< not a file */
    bool exists;                  /**< the file is overwritten, the folder filled */
    bool force;                   /**< files of the same names are replaced, also those to come */
    struct cmd_place place;       /**< DEST */
    struct cmd_stage stage;       /**< where it is written, if anywhere */
    struct cmd_made_list folders; /**< the first one is DEST itself */
    struct cmd_made_list files;
};

/** What is exported, for cmd_dest_choose(). */
struct cmd_dest_source {
    bool folder;           /**< not a file */
    const char *name;      /**< of the file */
    const struct stat *st; /**< must not be overwritten */
};

/** Output that is written in order to a descriptor which is open already. */
struct cmd_dest_stream {
    int fd;        /**< not ours to close */
    char name[32]; /**< for messages: "stdout" or "descriptor N" */
};

/**
 * Decides where it goes, given what the user wrote (a file may go into a folder that is there), and
 * refuses what would overwrite something without `force`. Removes what killed exports to the same
 * place left, and logs it. Fails with err filled, as do the others.
 */
int cmd_dest_choose(struct cmd_dest *dest, const char *given, const struct cmd_dest_source *source,
                    bool force, struct mxfs_error *err);

/** Fails when the disk has not `bytes` left. */
int cmd_dest_check_room(const struct cmd_dest *dest, uint64_t bytes, struct mxfs_error *err);

/**
 * Adds a folder: "" first, which is DEST itself, then others by their paths in it ("/a", "/a/b"),
 * parents first. All folders come before the first file.
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

/**
 * Whether DEST names a descriptor that is open for writing: "-", /dev/stdout, /dev/stderr,
 * /dev/fd/N or /proc/self/fd/N. It is then written to as it is, not opened again by that path.
 */
bool cmd_dest_is_stream(const char *given, struct cmd_dest_stream *stream);

/** Fails when `fd`, called `name`, is a terminal, unless forced: bytes on it are of no use. */
int cmd_dest_check_terminal(int fd, const char *name, bool force, struct mxfs_error *err);

#endif
