/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Rows and totals that the forms of `mxfs list` share. Private to the command.
 */
#ifndef MXFS_CMD_LIST_ROW_H
#define MXFS_CMD_LIST_ROW_H

#include "open.h"

/** Bytes for an escaped name and NUL; longer names are cut. */
enum { CMD_NAME_TEXT = 4096 };

/** Bytes for a hash as 32 hexadecimal digits and NUL. */
#define CMD_HASH_TEXT 33

/** One tensor of the list. */
struct cmd_row {
    const struct mxfs_file *file;     /**< the file that shows it */
    const struct mxfs_output *output; /**< the tensor */
};

/** All tensors to list: by file, then by name. */
struct cmd_listing {
    const struct mxfs_view *view;  /**< borrowed */
    const char *only_scheme;       /**< list only schemes that match this glob; NULL: all */
    struct cmd_row *rows;          /**< owned */
    size_t count;                  /**< rows in use */
    size_t capacity;               /**< rows allocated */
    char (*hashes)[CMD_HASH_TEXT]; /**< one for each row, or NULL; owned */
};

/** The size in bytes of the stored tensors that an output is made of. */
uint64_t cmd_stored_size(const struct mxfs_output *output);

/** Adds up the rows or, without a filter, all files. */
struct cmd_totals cmd_listing_totals(const struct cmd_listing *listing);

#endif
