/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The text of --help, from the table.
 */
#include <string.h>

#include "mxfs/version.h"
#include "table.h"

enum { HELP_COLUMN = 24, HELP_WIDTH = 78 };

/* Writes `text` from HELP_COLUMN on, broken at spaces. */
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

static void put_option(FILE *out, const struct option_row *row)
{
    char left[64];
    int n = row->letter ? snprintf(left, sizeof(left), "  -%c, --%s", row->letter, row->name)
                        : snprintf(left, sizeof(left), "      --%s", row->name);

    if (row->arg)
        n += snprintf(left + n, sizeof(left) - (size_t)n, "=%s", row->arg);
    fprintf(out, "%s", left);
    if (n + 2 > HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", HELP_COLUMN - n, "");
    put_wrapped(out, row->help);
}

const char mxfs_help_source[] =
    "SOURCE is a quantized .safetensors file, a model folder, or the folder of a\n"
    "model in the Hugging Face cache; so is REFERENCE, whose tensors are taken as\n"
    "stored.\n";

const char mxfs_help_exit_codes[] =
    "  0  done\n"
    "  1  compared, and different\n"
    "  2  the command line is wrong\n"
    "  3  SOURCE (or REFERENCE) is malformed\n"
    "  4  SOURCE is quantized in a way that is not supported\n"
    "  5  SOURCE (or REFERENCE) cannot be opened or read, or is incomplete\n"
    "  6  anything else failed (mountpoint, /dev/fuse, unknown tensor, output)\n";

void mxfs_options_help(FILE *out)
{
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP; i++)
        fprintf(out, "%s %-34s %s\n", i == MXFS_COMMAND_MOUNT ? "Usage:" : "      ",
                mxfs_command_table[i].expected, mxfs_command_table[i].help);
    fprintf(out, "\n%s\nOptions (also as -o name=value,...):\n", mxfs_help_source);
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (row->help)
            put_option(out, row);
    }
    fprintf(out, "\nExit codes:\n%s\nA file called like a command is written ./list, ./cat, ...\n",
            mxfs_help_exit_codes);
}
