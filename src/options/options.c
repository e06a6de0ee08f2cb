/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Parsing. getopt_long() handles --name=value; -o lists name rows of the same table.
 */
#include "mxfs/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "table.h"

enum { ROWS_MAX = 64, LETTERS_MAX = 2 * ROWS_MAX + 8, LONG_BASE = 256 };

static int usage(struct mxfs_error *err, const char *what, const char *given, const char *expected)
{
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s: %s%s%s (see mxfs --help)", given, what,
                     expected ? "; expected " : "", expected ? expected : "");
}

static int set_option(struct mxfs_options *o, const struct options_row *row, const char *value,
                      struct mxfs_error *err)
{
    o->given |= (uint64_t)1 << (row - options_table);
    return mxfs_setting_set(row->setting, o, value, err);
}

static int set_item(struct mxfs_options *o, const char *item, struct mxfs_error *err)
{
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (!mxfs_setting_is_named(row->setting, item))
            continue;
        o->given |= (uint64_t)1 << (row - options_table);
        return mxfs_setting_apply(row->setting, o, item, err);
    }
    return usage(err, "unknown option in -o", item, NULL);
}

static int parse_list(struct mxfs_options *o, const char *list, struct mxfs_error *err)
{
    char *rest = strdup(list);
    int rc = 0;

    if (!rest)
        return mxfs_fail_memory(err, NULL);
    o->owned[o->owned_count++] = rest;
    for (char *item; rc == 0 && (item = mxfs_setting_next(&rest));)
        rc = set_item(o, item, err);
    return rc;
}

/* The tables that getopt_long() needs. */
struct getopt_tables {
    struct option longs[ROWS_MAX];
    char letters[LETTERS_MAX];
};

static void make_tables(struct getopt_tables *t)
{
    size_t n = 0;
    char *l = t->letters;

    *l++ = ':'; /* makes getopt distinguish a missing value from an unknown option */
    *l++ = 'o';
    *l++ = ':';
    for (const struct options_row *row = options_table; row->setting; row++) {
        int index = (int)(row - options_table);
        if (row->letter) {
            *l++ = row->letter;
            if (row->setting->arg)
                *l++ = ':';
        }
        if (row->help)
            t->longs[n++] = (struct option){row->setting->name,
                                            !row->setting->arg ? no_argument : required_argument,
                                            NULL, LONG_BASE + index};
    }
    t->longs[n] = (struct option){NULL, 0, NULL, 0};
    *l = '\0';
}

static const struct options_row *row_of(int opt)
{
    if (opt >= LONG_BASE)
        return &options_table[opt - LONG_BASE];
    for (const struct options_row *row = options_table; row->setting; row++) {
        if (row->letter == opt)
            return row;
    }
    return NULL;
}

/* Reports an unknown option, or (`optopt` names it) one that lacks a value or takes none. */
static int wrong_flag(int opt, const char *given, struct mxfs_error *err)
{
    const struct options_row *row = optopt ? row_of(optopt) : NULL;

    if (opt == ':')
        return usage(err, "this option needs a value", given,
                     row ? row->setting->arg : "a list of options");
    if (row)
        return usage(err, "this option takes no value", given, NULL);
    return usage(err, "unknown or ambiguous option", given, NULL);
}

static int parse_flags(struct mxfs_options *o, int argc, char **argv, struct mxfs_error *err)
{
    struct getopt_tables t;
    int opt, rc = 0;

    make_tables(&t);
    optind = 0; /* resets getopt for a second call */
    opterr = 0;
    while (rc == 0 && (opt = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
        const char *given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        const char letter[] = {'-', (char)optopt, '\0'};
        if (optopt > 0 && optopt < LONG_BASE) /* argv[optind - 1] may be the previous word */
            given = letter;
        if (opt == 'o')
            rc = parse_list(o, optarg, err);
        else if (opt == ':' || opt == '?')
            rc = wrong_flag(opt, given, err);
        else
            rc = set_option(o, row_of(opt), optarg, err);
    }
    return rc;
}

static int parse_views(struct mxfs_options *o, struct mxfs_error *err)
{
    static const char expected[] = "none, or a list of tensors and npy";

    o->view_bits = -1;
    if (!o->views)
        return 0;
    o->view_bits = 0;
    if (strcmp(o->views, "none") == 0)
        return 0;
    for (const char *v = o->views;;) {
        size_t n = strcspn(v, ",");
        if (n == 7 && memcmp(v, "tensors", n) == 0)
            o->view_bits |= MXFS_VIEW_TENSORS;
        else if (n == 3 && memcmp(v, "npy", n) == 0)
            o->view_bits |= MXFS_VIEW_NPY;
        else
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--views=%s: expected %s", o->views,
                             expected);
        if (!v[n])
            return 0;
        v += n + 1;
    }
}

/* The command that a word names, or MXFS_COMMAND_MOUNT. */
static enum mxfs_command command_of(const char *word)
{
    for (int i = MXFS_COMMAND_LIST; i < MXFS_COMMAND_UNMOUNT; i++) {
        if (strcmp(word, options_commands[i].word) == 0)
            return (enum mxfs_command)i;
    }
    return MXFS_COMMAND_MOUNT;
}

static size_t common_prefix(const char *a, const char *b)
{
    size_t n = 0;

    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

/* Whether adding, removing or changing a letter, or swapping two, turns `b` into `a`. */
static bool is_typo(const char *a, const char *b)
{
    size_t n = common_prefix(a, b), x = strlen(a), y = strlen(b);

    a += n;
    b += n;
    if (x > y)
        return strcmp(a + 1, b) == 0;
    if (x < y)
        return strcmp(a, b + 1) == 0;
    return x > n && (strcmp(a + 1, b + 1) == 0 ||
                     (x > n + 1 && a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0));
}

/* The number of operands that the command takes: `list --schemes` needs no SOURCE. */
static int operands_of(const struct mxfs_options *o)
{
    return o->schemes && o->command == MXFS_COMMAND_LIST ? 0
                                                         : options_commands[o->command].operands;
}

static int wrong_count(const struct mxfs_options *o, int argc, char **argv, struct mxfs_error *err)
{
    const struct options_command *row = &options_commands[o->command];

    for (int i = MXFS_COMMAND_LIST; i < MXFS_COMMAND_UNMOUNT && row->word[0] == '\0'; i++) {
        if (argc > 0 && is_typo(argv[0], options_commands[i].word))
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                             "%s: unknown command; did you mean '%s'? (see mxfs --help)", argv[0],
                             options_commands[i].word);
    }
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s; expected: %s (see mxfs --help)",
                     argc < operands_of(o) ? "too few arguments" : "too many arguments",
                     row->expected);
}

static int parse_operands(struct mxfs_options *o, int argc, char **argv, struct mxfs_error *err)
{
    o->command = o->unmount ? MXFS_COMMAND_UNMOUNT : MXFS_COMMAND_MOUNT;
    if (argc > 0 && !o->unmount && command_of(argv[0]) != MXFS_COMMAND_MOUNT) {
        o->command = command_of(argv[0]);
        argc--;
        argv++;
    }
    if (argc != operands_of(o))
        return wrong_count(o, argc, argv, err);
    for (int i = 0; i < argc; i++) {
        /* A tensor's name may be empty; a path may not. */
        if (argv[i][0] == '\0' && (i == 0 || o->command != MXFS_COMMAND_CAT))
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "empty argument; expected: %s",
                             options_commands[o->command].expected);
        o->operand[i] = argv[i];
    }
    return 0;
}

bool options_begins_group(const struct options_row *row)
{
    for (const struct options_row *other = options_table; other < row; other++) {
        if (other->help && other->commands == row->commands)
            return false;
    }
    return row->help != NULL;
}

const char *options_commands_of(char out[OPTIONS_HEADING], const struct options_row *row)
{
    size_t n = 0;

    out[0] = '\0';
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP && n < OPTIONS_HEADING; i++) {
        const char *word = i == MXFS_COMMAND_MOUNT ? "mount" : options_commands[i].word;
        if (options_is_for(row, (enum mxfs_command)i))
            n += (size_t)snprintf(out + n, OPTIONS_HEADING - n, "%s%s", n ? ", " : "", word);
    }
    return out;
}

const char *options_heading(char out[OPTIONS_HEADING], const struct options_row *row)
{
    char names[OPTIONS_HEADING];

    if (options_is_for(row, MXFS_COMMAND_HELP))
        snprintf(out, OPTIONS_HEADING, "Other options");
    else if (options_is_for(row, MXFS_COMMAND_MOUNT) && options_is_for(row, MXFS_COMMAND_LIST))
        snprintf(out, OPTIONS_HEADING, "Options for every SOURCE");
    else
        snprintf(out, OPTIONS_HEADING, "Options for %.80s", options_commands_of(names, row));
    return out;
}

/* Options that cannot be combined. */
static const char *const opposites[][2] = {{"tree", "json"},     {"tree", "hash"},
                                           {"schemes", "tree"},  {"schemes", "hash"},
                                           {"quiet", "verbose"}, {"readahead", "direct-io"}};

static bool is_given(const struct mxfs_options *o, const struct options_row *row)
{
    return o->given >> (row - options_table) & 1;
}

static bool is_name_given(const struct mxfs_options *o, const char *name)
{
    const struct options_row *row = options_table;

    while (strcmp(row->setting->name, name) != 0)
        row++;
    return is_given(o, row);
}

/* Rejects options that do not apply to the command: the user meant something else. */
static int check_places(const struct mxfs_options *o, struct mxfs_error *err)
{
    char commands[OPTIONS_HEADING];

    for (const struct options_row *row = options_table; row->setting; row++) {
        if (is_given(o, row) && !options_is_for(row, o->command))
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                             "--%s applies only to %s (see mxfs --help)", row->setting->name,
                             options_commands_of(commands, row));
    }
    return 0;
}

static int check_combination(const struct mxfs_options *o, struct mxfs_error *err)
{
    for (size_t i = 0; i < MXFS_COUNT(opposites); i++) {
        if (is_name_given(o, opposites[i][0]) && is_name_given(o, opposites[i][1]))
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--%s and --%s cannot be combined",
                             opposites[i][0], opposites[i][1]);
    }
    if (o->follow_symlinks && !o->allow_other)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                         "--follow-symlinks requires --allow-other; without it, links are always "
                         "followed");
    if (o->command == MXFS_COMMAND_LIST && o->jobs && !o->hash)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "with list, --jobs requires --hash");
    return 0;
}

/* `lists`: the maximum number of -o lists. */
static int set_defaults(struct mxfs_options *options, int lists, struct mxfs_error *err)
{
    memset(options, 0, sizeof(*options));
    options->choices = mxfs_choices_default;
    options->choices.trim = true;
    options->stop_timeout = MXFS_STOP_TIMEOUT_DEFAULT;
    options->uid = options->gid = options->umask = MXFS_NOT_GIVEN;
    options->owned = calloc((size_t)lists + 1, sizeof(*options->owned));
    return options->owned ? 0 : mxfs_fail_memory(err, NULL);
}

/* Chooses between --help, --version and --generate, which take no operands. */
static void choose_text(struct mxfs_options *o, int argc, char **argv)
{
    o->command = o->help      ? MXFS_COMMAND_HELP
                 : o->version ? MXFS_COMMAND_VERSION
                              : MXFS_COMMAND_GENERATE;
    o->topic = argc > 0 && command_of(argv[0]) != MXFS_COMMAND_MOUNT ? command_of(argv[0])
                                                                     : MXFS_COMMAND_HELP;
}

int mxfs_options_parse(struct mxfs_options *options, int argc, char **argv, struct mxfs_error *err)
{
    int rc = set_defaults(options, argc, err);
    if (rc != 0)
        return rc;
    rc = parse_flags(options, argc, argv, err);
    if (rc != 0)
        return rc;
    if (options->help || options->version || options->generate) {
        choose_text(options, argc - optind, argv + optind);
        return 0;
    }
    rc = parse_views(options, err);
    if (rc != 0)
        return rc;
    rc = mxfs_choices_check(&options->choices, err);
    if (rc != 0)
        return rc;
    rc = parse_operands(options, argc - optind, argv + optind, err);
    if (rc != 0)
        return rc;
    rc = check_places(options, err);
    if (rc != 0)
        return rc;
    options->choices.confined = options->allow_other && !options->follow_symlinks;
    if (options->debug)
        options->foreground = true;
    return check_combination(options, err);
}

void mxfs_options_fini(struct mxfs_options *options)
{
    for (size_t i = 0; i < options->owned_count; i++)
        free(options->owned[i]);
    free(options->owned);
    memset(options, 0, sizeof(*options));
}
