/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The options table. Private to options/.
 */
#ifndef MXFS_OPTIONS_TABLE_H
#define MXFS_OPTIONS_TABLE_H

#include <stddef.h>

#include "mxfs/options.h"
#include "mxfs/settings.h"

/** One option. */
struct options_row {
    const struct mxfs_setting *setting; /**< name and value: a field of struct mxfs_options */
    char letter;                        /**< as in -x, or 0 */
    const char *help;  /**< NULL: accepted only in -o lists, ignored and not shown */
    unsigned commands; /**< the commands that it applies to: bits 1 << MXFS_COMMAND_* */
};

/** A command. */
struct options_command {
    const char *word;     /**< first operand; "" for mounting, "-u" for unmounting */
    int operands;         /**< how many operands follow the word */
    const char *expected; /**< its usage line, for messages and --help */
    const char *help;     /**< what it does */
};

/** The commands with operands, by enum mxfs_command. */
extern const struct options_command options_commands[MXFS_COMMAND_HELP];

/** Pieces of --help; each ends with a newline. */
extern const char options_help_source[], options_help_exit_codes[], options_help_files[];

/** The table; ends with a row without a setting. Rows with the same commands form a group. */
extern const struct options_row options_table[];

/** Whether an option applies to a command. */
static inline bool options_is_for(const struct options_row *row, enum mxfs_command command)
{
    return row->commands >> command & 1;
}

/** Whether a row is the first shown row of its group. */
bool options_begins_group(const struct options_row *row);

/** Bytes for the heading of a group and NUL. */
enum { OPTIONS_HEADING = 96 };

/** Formats the heading of a group, such as "Options for list, stats", and returns `out`. */
const char *options_heading(char out[OPTIONS_HEADING], const struct options_row *row);

/** Formats "list, stats", the commands that a row applies to, and returns `out`. */
const char *options_commands_of(char out[OPTIONS_HEADING], const struct options_row *row);

#endif
