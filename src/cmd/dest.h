/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where an export goes: written under a temporary name, seen under its own only when complete.
 *
 * A file, or a folder that is not there yet, is written beside its place and renamed. Into a folder
 * that is there (perhaps the root of another disk), the new files are moved from a hidden folder
 * inside it. Thread safety: one thread; other threads may write the files that were made.
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
    char *path; /**< absolute: where it goes */
    char *temp; /**< where it is written; NULL before anything is */
    bool folder;
    bool exists; /**< the file is overwritten, the folder filled */
    bool force;  /**< files of the same names are replaced, also those that come meanwhile */
    struct cmd_made {
        char *path; /**< below temp; NULL for temp itself, the first of them */
        bool folder;
    } * made; /**< in the order in which they were made */
    size_t made_count;
};

/** What is exported, for cmd_dest_choose(). */
struct cmd_dest_source {
    bool folder;           /**< not a file */
    const char *name;      /**< of the file */
    const struct stat *st; /**< must not be overwritten */
};

/**
 * Decides where it goes, given what the user wrote (a file may go into a folder that is there), and
 * refuses what would overwrite something without `force`. Fails with err filled, as do the others.
 */
int cmd_dest_choose(struct cmd_dest *dest, const char *given, const struct cmd_dest_source *source,
                    bool force, struct mxfs_error *err);

/** Fails when the disk has not `bytes` left. */
int cmd_dest_check_room(const struct cmd_dest *dest, uint64_t bytes, struct mxfs_error *err);

/** Makes a folder at temp + rel; the first one is the folder itself, with rel "". */
int cmd_dest_add_folder(struct cmd_dest *dest, const char *rel, struct mxfs_error *err);

/** Makes a file of `size` bytes at temp + rel. */
int cmd_dest_add_file(struct cmd_dest *dest, const char *rel, uint64_t size,
                      struct mxfs_error *err);

/** temp + rel; caller frees; NULL when out of memory. */
char *cmd_dest_path(const struct cmd_dest *dest, const char *rel);

/** Puts what was written (and synced) in its place. */
int cmd_dest_commit(struct cmd_dest *dest, struct mxfs_error *err);

/** Fails when stdout is a terminal: bytes on it are of no use. */
int cmd_dest_check_stdout(bool force, struct mxfs_error *err);

/** Removes what was written and not put in its place, and frees; accepts an empty object. */
void cmd_dest_fini(struct cmd_dest *dest);

#endif
