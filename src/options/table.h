/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The options table. Private to options/.
 */
#ifndef MXFS_OPTIONS_TABLE_H
#define MXFS_OPTIONS_TABLE_H

#include <stddef.h>

#include "mxfs/options.h"

/** How a value is read, and what is at `offset` in struct mxfs_options. */
enum option_kind {
    OPTION_FLAG,   /**< bool; no value */
    OPTION_STRING, /**< const char * */
    OPTION_SIZE,   /**< uint64_t; bytes, with K, M, G, T */
    OPTION_NUMBER, /**< uint64_t */
    OPTION_OCTAL,  /**< uint64_t, written with digits 0 to 7 */
    OPTION_CHOICE, /**< int: place in `choices` */
};

/** One option. */
struct option_row {
    const char *name; /**< as in --name and -o name (there with _ for - too) */
    char letter;      /**< as in -x, or 0 */
    enum option_kind kind;
    size_t offset;       /**< in struct mxfs_options */
    const char *arg;     /**< how the value is called in --help; NULL for flags */
    const char *choices; /**< for OPTION_CHOICE: "a|b|c" */
    const char *help;    /**< NULL: accepted, changes nothing, not shown */
    uint64_t min, max;   /**< for sizes and numbers */
    unsigned commands;   /**< for which it means something: bits 1 << MXFS_COMMAND_* */
};

/** A command. */
struct command_row {
    const char *word;     /**< first operand; "" for mounting, "-u" for unmounting */
    int operands;         /**< that follow it */
    const char *expected; /**< its use, for messages and --help */
    const char *help;     /**< what it does */
};

/** The commands with operands, by enum mxfs_command. */
extern const struct command_row mxfs_command_table[MXFS_COMMAND_HELP];

/** Pieces of --help; each ends with a newline. */
extern const char mxfs_help_source[], mxfs_help_exit_codes[];

/** The table; ends with a row without a name. */
extern const struct option_row mxfs_option_table[];

#endif
