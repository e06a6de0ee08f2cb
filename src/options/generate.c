/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The man page and the completions of shells, from the same table as --help.
 */
#include <string.h>

#include "mxfs/version.h"
#include "table.h"

/* The words that may stand first, for completion. */
static void put_commands(FILE *out)
{
    for (int i = MXFS_COMMAND_MOUNT + 1; i < MXFS_COMMAND_UNMOUNT; i++)
        fprintf(out, "%s ", mxfs_command_table[i].word);
}

static void put_choices(FILE *out, const struct option_row *row)
{
    for (const char *c = row->choices; *c; c++)
        fputc(*c == '|' ? ' ' : *c, out);
}

/* Text in a man page: hyphens and backslashes mean themselves, no line begins with a request. */
static void put_roff(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_man_option(FILE *out, const struct option_row *row)
{
    fputs(".TP\n.B ", out);
    if (row->letter)
        fprintf(out, "\\-%c, ", row->letter);
    fputs("\\-\\-", out);
    put_roff(out, row->name);
    if (row->arg)
        fprintf(out, "=\\fI%s\\fR", row->arg);
    fputc('\n', out);
    put_roff(out, row->help);
    fputc('\n', out);
}

/* The parts of --help around the table, as plain text that keeps its lines. */
static void put_man_text(FILE *out, const char *text)
{
    fputs(".nf\n", out);
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        char copy[256];
        snprintf(copy, sizeof(copy), "%.*s", (int)n, line);
        put_roff(out, copy);
        fputc('\n', out);
        line += n + (line[n] == '\n');
    }
    fputs(".fi\n", out);
}

static void put_man(FILE *out)
{
    fprintf(out,
            ".TH MXFS 1 \"\" \"mxfs %s\" \"User Commands\"\n"
            ".SH NAME\nmxfs \\- mount a quantized safetensors model dequantized\n.SH SYNOPSIS\n",
            MXFS_VERSION);
    put_man_text(out, mxfs_help_usage);
    fputs(".SH DESCRIPTION\n", out);
    put_man_text(out, mxfs_help_source);
    fputs(".SH OPTIONS\nEach may also be given as \\-o name=value,...\n", out);
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (row->help)
            put_man_option(out, row);
    }
    fputs(".SH EXIT STATUS\n", out);
    put_man_text(out, mxfs_help_exit_codes);
    fputs(".SH SEE ALSO\n.BR fusermount3 (1),\n.BR mount.fuse3 (8),\n.BR fuse (4)\n", out);
}

static void put_bash(FILE *out)
{
    fputs("_mxfs() {\n    local cur=${COMP_WORDS[COMP_CWORD]}\n    case $cur in\n", out);
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (!row->help || row->kind != OPTION_CHOICE)
            continue;
        fprintf(out, "    --%s=*) COMPREPLY=($(compgen -W '", row->name);
        put_choices(out, row);
        fprintf(out, "' -- \"${cur#*=}\")) ;;\n");
    }
    fputs("    -*) COMPREPLY=($(compgen -W '", out);
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (row->help)
            fprintf(out, "--%s%s ", row->name, row->arg ? "=" : "");
    }
    fputs("' -- \"$cur\"))\n        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace ;;\n"
          "    *) [[ $COMP_CWORD == 1 ]] && COMPREPLY=($(compgen -W '",
          out);
    put_commands(out);
    fputs("' -- \"$cur\"))\n"
          "        COMPREPLY+=($(compgen -f -- \"$cur\"))\n        compopt -o filenames ;;\n"
          "    esac\n}\ncomplete -F _mxfs mxfs\n",
          out);
}

/* Text in single quotes of a shell, with the brackets that zsh's specs use taken out. */
static void put_quoted(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(strchr("[]:", *text) ? ' ' : *text, out);
    }
}

static void put_zsh(FILE *out)
{
    fputs("#compdef mxfs\n_arguments -S \\\n", out);
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (!row->help)
            continue;
        fprintf(out, "    '--%s%s[", row->name, row->arg ? "=" : "");
        put_quoted(out, row->help);
        fputc(']', out);
        if (row->kind == OPTION_CHOICE) {
            fprintf(out, ":%s:(", row->arg);
            put_choices(out, row);
            fputc(')', out);
        } else if (row->arg) {
            fprintf(out, ":%s:", row->arg);
        }
        fputs("' \\\n", out);
    }
    fputs("    '*:file:_files'\n", out);
}

static void put_fish(FILE *out)
{
    fputs("complete -c mxfs -n __fish_use_subcommand -a '", out);
    put_commands(out);
    fputs("'\n", out);
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (!row->help)
            continue;
        fprintf(out, "complete -c mxfs -l %s", row->name);
        if (row->letter)
            fprintf(out, " -s %c", row->letter);
        if (row->kind == OPTION_CHOICE) {
            fputs(" -x -a '", out);
            put_choices(out, row);
            fputc('\'', out);
        } else if (row->arg) {
            fputs(" -r", out);
        }
        fputs(" -d '", out);
        put_quoted(out, row->help);
        fputs("'\n", out);
    }
}

void mxfs_options_generate(FILE *out, int what)
{
    static void (*const writers[])(FILE *) = {put_man, put_bash, put_zsh, put_fish};
    writers[what - MXFS_GENERATE_MAN](out);
}
