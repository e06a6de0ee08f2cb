/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The text of --help, generated from the table.
 */
#include <string.h>

#include "table.h"

enum { HELP_COLUMN = 24, HELP_WIDTH = 78 };

/* Writes `text` between HELP_COLUMN and HELP_WIDTH, broken at spaces. */
static void put_wrapped(FILE *out, const char *text)
{
    size_t column = HELP_COLUMN;

    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + n > HELP_WIDTH) {
            fprintf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)n, text);
        column += n;
        text += n + (text[n] == ' ');
    }
    fputc('\n', out);
}

static void put_option(FILE *out, const struct options_row *row)
{
    const struct mxfs_setting *s = row->setting;
    char left[64];
    int n = row->letter ? snprintf(left, sizeof(left), "  -%c, --%s", row->letter, s->name)
                        : snprintf(left, sizeof(left), "      --%s", s->name);

    if (s->arg)
        n += snprintf(left + n, sizeof(left) - (size_t)n, "=%s", s->arg);
    fputs(left, out);
    if (n + 2 > HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", HELP_COLUMN - n, "");
    put_wrapped(out, row->help);
}

/* Writes the group of options that begins at `first`. */
static void put_group(FILE *out, const struct options_row *first)
{
    char heading[OPTIONS_HEADING];

    fprintf(out, "\n%s:\n", options_heading(heading, first));
    for (const struct options_row *row = first; row->setting; row++) {
        if (row->help && row->commands == first->commands)
            put_option(out, row);
    }
}

static void put_command(FILE *out, const char *before, enum mxfs_command command)
{
    fprintf(out, "%s %-34s %s\n", before, options_commands[command].expected,
            options_commands[command].help);
}

const char options_help_source[] =
    "SOURCE is a quantized .safetensors file, a model folder, or the folder of a\n"
    "model in the Hugging Face cache. REFERENCE can be the same, but its tensors are\n"
    "compared as stored. Options may also be given as -o name=value,...\n";

const char options_help_exit_codes[] =
    "  0  success\n"
    "  1  the comparison found differences\n"
    "  2  the command line is invalid\n"
    "  3  SOURCE (or REFERENCE) is malformed\n"
    "  4  SOURCE is quantized in an unsupported way\n"
    "  5  SOURCE (or REFERENCE) cannot be opened or read, or is incomplete\n"
    "  6  anything else failed (mountpoint, /dev/fuse, unknown tensor, output)\n";

const char options_help_files[] = "To use a file named like a command, write ./list, ./cat, ...\n";

void mxfs_options_help(FILE *out, enum mxfs_command topic)
{
    bool all = topic == MXFS_COMMAND_HELP;

    if (!all)
        put_command(out, "Usage:", topic);
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP && all; i++)
        put_command(out, i == MXFS_COMMAND_MOUNT ? "Usage:" : "      ", (enum mxfs_command)i);
    if (all)
        fprintf(out, "\n%s", options_help_source);
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (options_begins_group(row) && (all || options_is_for(row, topic)))
            put_group(out, row);
    }
    if (all)
        fprintf(out, "\nExit codes:\n%s\n%s", options_help_exit_codes, options_help_files);
}
