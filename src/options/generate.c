/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The man page and shell completions, generated from the same table as --help.
 */
#include <string.h>

#include "mxfs/version.h"
#include "table.h"

/* Lists the command words, for completing the first argument. */
static void put_commands(FILE *out)
{
    for (int i = MXFS_COMMAND_MOUNT + 1; i < MXFS_COMMAND_UNMOUNT; i++)
        fprintf(out, "%s ", options_commands[i].word);
}

/* Lists the choices. A first choice "none" is the default, so it is not offered. */
static void put_choices(FILE *out, const struct options_row *row)
{
    const char *first = strncmp(row->setting->choices, "none|", 5) == 0 ? row->setting->choices + 5
                                                                        : row->setting->choices;
    for (const char *c = first; *c; c++)
        fputc(*c == '|' ? ' ' : *c, out);
}

/* Escapes hyphens and backslashes for a man page. No line of `text` may begin with a dot. */
static void put_roff(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void put_man_option(FILE *out, const struct options_row *row)
{
    fputs(".TP\n.B ", out);
    if (row->letter)
        fprintf(out, "\\-%c, ", row->letter);
    fputs("\\-\\-", out);
    put_roff(out, row->setting->name);
    if (row->setting->arg)
        fprintf(out, "=\\fI%s\\fR", row->setting->arg);
    fputc('\n', out);
    put_roff(out, row->help);
    fputc('\n', out);
}

/* Writes the group of options that begins at `first`. */
static void put_man_group(FILE *out, const struct options_row *first)
{
    char heading[OPTIONS_HEADING];

    fprintf(out, ".SS %s\n", options_heading(heading, first));
    for (const struct options_row *row = first; row->setting; row++) {
        if (row->help && row->commands == first->commands)
            put_man_option(out, row);
    }
}

static void put_man_commands(FILE *out)
{
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP; i++) {
        fputs(".TP\n.B ", out);
        put_roff(out, options_commands[i].expected);
        fputc('\n', out);
        put_roff(out, options_commands[i].help);
        fputc('\n', out);
    }
}

/* Writes lines as they are, without filling. */
static void put_man_lines(FILE *out, const char *text)
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

static const char man_end[] =
    ".SH SIGNALS\n"
    ".TP\n.B SIGTERM, SIGHUP\nUnmount; open files stay readable for \\-\\-stop\\-timeout seconds.\n"
    ".TP\n.B SIGINT, a second SIGTERM\nUnmount and exit at once.\n"
    ".TP\n.B SIGUSR1\nLog the statistics that mxfs stats prints.\n"
    ".SH FILES\n"
    ".TP\n.I /etc/mxfs/NAME.conf\nSOURCE, MOUNTPOINT and OPTIONS of the service mxfs@NAME.\n"
    ".TP\n.I /etc/fuse.conf\nMust contain user_allow_other for an ordinary user to mount with "
    "\\-\\-allow\\-other.\n"
    ".SH EXAMPLES\n.nf\n"
    "mxfs openai/gpt\\-oss\\-20b /mnt/bf16\n"
    "mxfs \\-\\-dtype=f32 \\-\\-only='*.layers.0.*' model.safetensors /mnt/layer0\n"
    "mxfs \\-u /mnt/bf16\n"
    "mount \\-t fuse.mxfs /srv/gpt\\-oss\\-20b /srv/bf16 \\-o allow_other\n"
    ".fi\n"
    ".SH SEE ALSO\n.BR fusermount3 (1),\n.BR mount.fuse3 (8),\n.BR fuse (4)\n";

static void put_man(FILE *out)
{
    fprintf(out,
            ".TH MXFS 1 \"\" \"mxfs %s\" \"User Commands\"\n"
            ".SH NAME\nmxfs \\- mount a quantized safetensors model dequantized\n.SH SYNOPSIS\n",
            MXFS_VERSION);
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP; i++) {
        fputs(i > MXFS_COMMAND_MOUNT ? ".br\n.B " : ".B ", out);
        put_roff(out, options_commands[i].expected);
        fputc('\n', out);
    }
    fputs(".SH DESCRIPTION\n", out);
    put_roff(out, options_help_source);
    put_roff(out, options_help_files);
    fputs(".SH COMMANDS\n", out);
    put_man_commands(out);
    fputs(".SH OPTIONS\n", out);
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (options_begins_group(row))
            put_man_group(out, row);
    }
    fputs(".SH EXIT STATUS\n", out);
    put_man_lines(out, options_help_exit_codes);
    fputs(man_end, out);
}

/*
 * By default bash breaks words at "=": --name=value arrives as three words, and only the last is
 * completed. Otherwise it arrives as one word and is completed as a whole.
 */
static const char bash_begin[] =
    "_mxfs() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} name= whole=\n"
    "    if [[ $cur == --*=* ]]; then\n"
    "        name=${cur%%=*} whole=${cur%%=*}= cur=${cur#*=}\n"
    "    elif [[ $cur == = ]]; then\n"
    "        name=$prev cur=\n"
    "    elif [[ $prev == = ]]; then\n"
    "        name=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    case $name in\n";

/* Leaves anything else to bash, which completes file names. */
static const char bash_end[] = "' -- \"$cur\"))\n"
                               "        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
                               "    elif [[ $COMP_CWORD == 1 ]]; then\n"
                               "        COMPREPLY=($(compgen -W \"$commands\" -- \"$cur\"))\n"
                               "        [[ ${COMPREPLY[0]} ]] && mapfile -t -O ${#COMPREPLY[@]} "
                               "COMPREPLY < <(compgen -f -- \"$cur\")\n"
                               "        compopt -o filenames\n"
                               "    fi\n"
                               "}\n"
                               "complete -o bashdefault -o default -F _mxfs mxfs\n";

static void put_bash(FILE *out)
{
    fputs(bash_begin, out);
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (!row->help || row->setting->kind != MXFS_SETTING_CHOICE)
            continue;
        fprintf(out, "    --%s) COMPREPLY=($(compgen -P \"$whole\" -W '", row->setting->name);
        put_choices(out, row);
        fputs("' -- \"$cur\")) ;;\n", out);
    }
    fputs("    esac\n    [[ $name ]] && return\n    local commands='", out);
    put_commands(out);
    fputs("'\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W '", out);
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (row->help)
            fprintf(out, "--%s%s ", row->setting->name, row->setting->arg ? "=" : "");
    }
    fputs(bash_end, out);
}

/* Escapes text for single quotes; characters that are special in zsh's specs become spaces. */
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
    fputs("#compdef mxfs\n_mxfs_first() {\n    compadd ", out);
    put_commands(out);
    fputs("\n    _files\n}\n_arguments -S \\\n", out);
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (!row->help)
            continue;
        fprintf(out, "    '--%s%s[", row->setting->name, row->setting->arg ? "=" : "");
        put_quoted(out, row->help);
        fputc(']', out);
        if (row->setting->kind == MXFS_SETTING_CHOICE) {
            fprintf(out, ":%s:(", row->setting->arg);
            put_choices(out, row);
            fputc(')', out);
        } else if (row->setting->arg) {
            fprintf(out, ":%s:", row->setting->arg);
        }
        fputs("' \\\n", out);
    }
    fputs("    '1: :_mxfs_first' '*:file:_files'\n", out);
}

static void put_fish(FILE *out)
{
    fputs("complete -c mxfs -n __fish_use_subcommand -a '", out);
    put_commands(out);
    fputs("'\n", out);
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (!row->help)
            continue;
        fprintf(out, "complete -c mxfs -l %s", row->setting->name);
        if (row->letter)
            fprintf(out, " -s %c", row->letter);
        if (row->setting->kind == MXFS_SETTING_CHOICE) {
            fputs(" -x -a '", out);
            put_choices(out, row);
            fputc('\'', out);
        } else if (row->setting->arg) {
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
