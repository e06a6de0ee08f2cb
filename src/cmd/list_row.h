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
    const struct mxfs_file *file;     /**< that it is in */
    const struct mxfs_output *output; /**< the tensor */
};

/** All tensors to be listed: files in order, in each file by name. */
struct cmd_listing {
    const struct mxfs_view *view;
    const char *only_scheme; /**< glob, or NULL */
    struct cmd_row *rows;    /**< owned */
    size_t count, capacity;
    char (*hashes)[CMD_HASH_TEXT]; /**< of each row, or NULL; owned */
};

/** Bytes of the stored tensors that an output is made of. */
uint64_t cmd_stored_size(const struct mxfs_output *output);

/** Sums of all rows; without a filter, of all files. */
struct cmd_totals cmd_listing_totals(const struct cmd_listing *listing);

#endif
