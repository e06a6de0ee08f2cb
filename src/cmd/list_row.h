/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What the forms of `mxfs list` share. Private to the command.
 */
#ifndef MXFS_CMD_LIST_ROW_H
#define MXFS_CMD_LIST_ROW_H

#include "open.h"

/** Room for a name as text. */
enum { CMD_NAME_TEXT = 4096 };

/** A hash as hexadecimal digits, and NUL. */
#define CMD_HASH_TEXT 33

/** One tensor. */
struct cmd_row {
    const struct mxfs_folder *folder;
    const struct mxfs_plan *plan;
    const struct mxfs_output *output;
};

/** All tensors to be listed: folders and files in order, in each file by name. */
struct cmd_listing {
    const struct cmd_source *source;
    const char *only_scheme; /**< glob, or NULL */
    struct cmd_row *rows;
    size_t count;
    char (*hashes)[CMD_HASH_TEXT]; /**< of each row, or NULL */
    size_t printed;                /**< objects in the JSON array that is being written */
};

/** Bytes of the stored tensors behind an output. */
uint64_t cmd_stored_size(const struct mxfs_output *output);

/** What all rows amount to (or, without a filter, all files). */
struct cmd_totals cmd_listing_totals(const struct cmd_listing *listing);

#endif
