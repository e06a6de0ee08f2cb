/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where an export goes: written under a temporary name, visible under its own only when complete.
 *
 * A file, or a folder that does not exist yet, is written next to its place and renamed. For a
 * folder that exists (perhaps the root of another disk), the new files are moved out of a hidden
 * folder inside it. Thread safety: one thread; other threads may write the files that were made.
 */
#ifndef MXFS_CMD_DEST_H
#define MXFS_CMD_DEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "mxfs/error.h"

/** A destination. Zero-initialised is a valid empty object. */
struct cmd_dest {
    char *path;  /**< absolute: where it goes; owned */
    char *temp;  /**< where it is written; NULL before anything is; owned */
    bool folder; /**< not a file */
    bool exists; /**< the file is overwritten, the folder filled */
    bool force;  /**< replace files of the same names, also those that appear meanwhile */
    struct cmd_made {
        char *path;  /**< below temp; NULL for temp itself, the first one; owned */
        bool folder; /**< not a file */
    } * made;        /**< in the order in which they were made; owned */
    size_t made_count, made_capacity;
};

/** What is exported, for cmd_dest_choose(). */
struct cmd_dest_source {
    bool folder;           /**< not a file */
    const char *name;      /**< of the file */
    const struct stat *st; /**< must not be overwritten */
};

/**
 * Decides where it goes, given what the user wrote (a file may go into an existing folder), and
 * refuses to overwrite anything without `force`. On failure err is filled, here and below.
 */
int cmd_dest_choose(struct cmd_dest *dest, const char *given, const struct cmd_dest_source *source,
                    bool force, struct mxfs_error *err);

/** Fails when the disk has fewer than `bytes` left. */
int cmd_dest_check_room(const struct cmd_dest *dest, uint64_t bytes, struct mxfs_error *err);

/** Makes a folder at temp + rel. The first one is the destination itself, with rel "". */
int cmd_dest_add_folder(struct cmd_dest *dest, const char *rel, struct mxfs_error *err);

/** Makes a file of `size` bytes at temp + rel. */
int cmd_dest_add_file(struct cmd_dest *dest, const char *rel, uint64_t size,
                      struct mxfs_error *err);

/** Returns temp + rel; the caller frees it; NULL when out of memory. */
char *cmd_dest_path(const struct cmd_dest *dest, const char *rel);

/** Moves everything, written and synced by now, to its place. */
int cmd_dest_commit(struct cmd_dest *dest, struct mxfs_error *err);

/** Fails, unless `force`, when stdout is a terminal, where bytes are of no use. */
int cmd_dest_check_stdout(bool force, struct mxfs_error *err);

/** Removes what was not moved to its place, and frees; accepts an empty object. */
void cmd_dest_fini(struct cmd_dest *dest);

#endif
