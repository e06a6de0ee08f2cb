/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Parsing: getopt_long for --name=value, and -o lists that name the same rows.
 */
#include "mxfs/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/scheme.h"
#include "table.h"

enum { ROWS_MAX = 64, LETTERS_MAX = 2 * ROWS_MAX + 8, LONG_BASE = 256, RANGE_TEXT = 24 };

static int usage(struct mxfs_error *err, const char *what, const char *given, const char *expected)
{
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s: %s%s%s (see mxfs --help)", given, what,
                     expected ? "; expected " : "", expected ? expected : "");
}

static int bad_value(struct mxfs_error *err, const struct option_row *row, const char *value,
                     const char *expected)
{
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--%s=%s: expected %s", row->name, value,
                     expected);
}

static int parse_choice(const struct option_row *row, const char *value, int *out,
                        struct mxfs_error *err)
{
    size_t len = strlen(value);
    int place = 0;

    for (const char *c = row->choices; *c; place++) {
        size_t n = strcspn(c, "|");
        if (n == len && memcmp(c, value, n) == 0) {
            *out = place;
            return 0;
        }
        c += n + (c[n] == '|');
    }
    return bad_value(err, row, value, row->choices);
}

/* The shift that a unit suffix stands for, or -1. "K", "KB" and "KiB" all mean 1024. */
static int unit_shift(const char *suffix)
{
    static const char units[] = "KMGT";
    if (*suffix == '\0')
        return 0;
    const char *u = strchr(units, toupper((unsigned char)*suffix));
    if (!u || (suffix[1] && strcmp(suffix + 1, "B") != 0 && strcmp(suffix + 1, "iB") != 0))
        return -1;
    return (int)(u - units + 1) * 10;
}

/* As it would be written on the command line: "1M", not 1048576. */
static const char *format_bound(char out[RANGE_TEXT], const struct option_row *row, uint64_t n)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    size_t u = 0;

    for (; row->kind == OPTION_SIZE && n > 0 && n % 1024 == 0 && u + 1 < MXFS_COUNT(units); u++)
        n /= 1024;
    snprintf(out, RANGE_TEXT, "%llu%s", (unsigned long long)n, units[u]);
    return out;
}

static int parse_number(const struct option_row *row, const char *value, uint64_t *out,
                        struct mxfs_error *err)
{
    char *end;
    errno = 0;
    unsigned long long n = isdigit((unsigned char)*value) ? strtoull(value, &end, 10) : 0;
    int shift = 0;

    if (!isdigit((unsigned char)*value) || errno != 0)
        return bad_value(err, row, value, "a number");
    if (row->kind == OPTION_SIZE)
        shift = unit_shift(end);
    else if (*end)
        shift = -1;
    if (shift < 0)
        return bad_value(err, row, value,
                         row->kind == OPTION_SIZE ? "a size like 64M or 1G" : "a number");
    if (n > row->max >> shift || n << shift < row->min) {
        char range[2][RANGE_TEXT];
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--%s=%s: out of range, expected %s to %s",
                         row->name, value, format_bound(range[0], row, row->min),
                         format_bound(range[1], row, row->max));
    }
    *out = n << shift;
    return 0;
}

static int parse_octal(const struct option_row *row, const char *value, uint64_t *out,
                       struct mxfs_error *err)
{
    uint64_t n = 0;

    for (const char *c = value; *c && n <= row->max; c++)
        n = *c < '0' || *c > '7' ? row->max + 1 : n * 8 + (uint64_t)(*c - '0');
    if (!*value || n > row->max)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                         "--%s=%s: expected an octal number up to %llo", row->name, value,
                         (unsigned long long)row->max);
    *out = n;
    return 0;
}

static int set_option(struct mxfs_options *o, const struct option_row *row, const char *value,
                      struct mxfs_error *err)
{
    void *field = (char *)o + row->offset;

    o->given |= (uint64_t)1 << (row - mxfs_option_table);
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return 0;
    case OPTION_STRING:
        if (!*value)
            return bad_value(err, row, value, row->arg);
        *(const char **)field = value;
        return 0;
    case OPTION_CHOICE:
        return parse_choice(row, value, field, err);
    case OPTION_OCTAL:
        return parse_octal(row, value, field, err);
    case OPTION_SIZE:
    case OPTION_NUMBER:
        return parse_number(row, value, field, err);
    }
    return -EINVAL;
}

/* -o spells names with either - or _. */
static bool same_name(const char *name, const char *given, size_t len)
{
    if (strlen(name) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char a = name[i] == '_' ? '-' : name[i], b = given[i] == '_' ? '-' : given[i];
        if (a != b)
            return false;
    }
    return true;
}

static int set_by_name(struct mxfs_options *o, char *item, struct mxfs_error *err)
{
    char *equals = strchr(item, '=');
    size_t len = equals ? (size_t)(equals - item) : strlen(item);

    if (!item[0] || strncmp(item, "x-", 2) == 0) /* x-*: comments for other programs */
        return 0;
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (!same_name(row->name, item, len))
            continue;
        if (row->kind == OPTION_FLAG && equals)
            return usage(err, "this option takes no value", item, NULL);
        if (row->kind != OPTION_FLAG && !equals)
            return usage(err, "this option needs a value", item, row->arg);
        return set_option(o, row, equals ? equals + 1 : NULL, err);
    }
    return usage(err, "unknown option in -o", item, NULL);
}

/* Splits at commas; a backslash keeps the next character (fuse.conf's and mount's convention). */
static int parse_list(struct mxfs_options *o, const char *list, struct mxfs_error *err)
{
    char *copy = strdup(list), *item = copy, *to = copy;
    int rc = 0;

    if (!copy)
        return mxfs_fail_memory(err, NULL);
    o->owned[o->owned_count++] = copy;
    for (const char *from = list; rc == 0; from++) {
        char c = *from;
        if (c == '\\' && from[1]) {
            *to++ = *++from;
        } else if (c == ',' || c == '\0') {
            *to++ = '\0';
            rc = set_by_name(o, item, err);
            item = to;
        } else {
            *to++ = c;
        }
        if (c == '\0')
            break;
    }
    return rc;
}

/* The tables that getopt_long() wants. */
struct getopt_tables {
    struct option longs[ROWS_MAX];
    char letters[LETTERS_MAX];
};

static void make_tables(struct getopt_tables *t)
{
    size_t n = 0;
    char *l = t->letters;

    *l++ = ':'; /* a missing value is told from an unknown option */
    *l++ = 'o';
    *l++ = ':';
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        int index = (int)(row - mxfs_option_table);
        if (row->letter) {
            *l++ = row->letter;
            if (row->kind != OPTION_FLAG)
                *l++ = ':';
        }
        if (row->help)
            t->longs[n++] = (struct option){
                row->name, row->kind == OPTION_FLAG ? no_argument : required_argument, NULL,
                LONG_BASE + index};
    }
    t->longs[n] = (struct option){NULL, 0, NULL, 0};
    *l = '\0';
}

static const struct option_row *row_of(int opt)
{
    if (opt >= LONG_BASE)
        return &mxfs_option_table[opt - LONG_BASE];
    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (row->letter == opt)
            return row;
    }
    return NULL;
}

/* getopt_long() found no option, or no value, or one too many: `optopt` says of which. */
static int wrong_flag(int opt, const char *given, struct mxfs_error *err)
{
    const struct option_row *row = optopt ? row_of(optopt) : NULL;

    if (opt == ':')
        return usage(err, "this option needs a value", given, row ? row->arg : "a list of options");
    if (row)
        return usage(err, "this option takes no value", given, NULL);
    return usage(err, "unknown or ambiguous option", given, NULL);
}

static int parse_flags(struct mxfs_options *o, int argc, char **argv, struct mxfs_error *err)
{
    struct getopt_tables t;
    int opt, rc = 0;

    make_tables(&t);
    optind = 0; /* start afresh, also when called twice */
    opterr = 0;
    while (rc == 0 && (opt = getopt_long(argc, argv, t.letters, t.longs, NULL)) != -1) {
        const char *given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        const char letter[] = {'-', (char)optopt, '\0'};
        if (optopt > 0 && optopt < LONG_BASE) /* one of several in a word is not yet behind us */
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

static int check_scheme(const struct mxfs_options *o, struct mxfs_error *err)
{
    char names[MXFS_SCHEME_NAMES];

    if (!o->scheme || mxfs_scheme_are_known(o->scheme))
        return 0;
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--scheme=%s: expected one or more of: %s",
                     o->scheme, mxfs_scheme_names(names));
}

static int parse_operands(struct mxfs_options *o, int argc, char **argv, struct mxfs_error *err)
{
    o->command = o->unmount ? MXFS_COMMAND_UNMOUNT : MXFS_COMMAND_MOUNT;
    for (int i = MXFS_COMMAND_LIST; i < MXFS_COMMAND_UNMOUNT && argc > 0 && !o->unmount; i++) {
        if (strcmp(argv[0], mxfs_command_table[i].word) == 0) {
            o->command = (enum mxfs_command)i;
            argc--;
            argv++;
            break;
        }
    }
    bool lists_schemes = o->schemes && o->command == MXFS_COMMAND_LIST;
    int expected = lists_schemes ? 0 : mxfs_command_table[o->command].operands;
    if (argc != expected)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s; expected: %s (see mxfs --help)",
                         argc < expected ? "too few arguments" : "too many arguments",
                         mxfs_command_table[o->command].expected);
    for (int i = 0; i < argc; i++) {
        /* A tensor's name may be empty, a path may not. */
        if (argv[i][0] == '\0' && (i == 0 || o->command != MXFS_COMMAND_CAT))
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "an argument is empty; expected: %s",
                             mxfs_command_table[o->command].expected);
        o->operand[i] = argv[i];
    }
    return 0;
}

/* "mounting, list, cat": the commands of a row, for a message. */
static void name_commands(char *out, size_t size, unsigned commands)
{
    size_t n = 0;

    out[0] = '\0';
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP && n < size; i++) {
        const char *word = i == MXFS_COMMAND_MOUNT ? "mounting" : mxfs_command_table[i].word;
        if (commands >> i & 1)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", word);
    }
}

/* One of them would be lost on the other. */
static const char *const opposites[][2] = {{"tree", "json"},     {"tree", "hash"},
                                           {"schemes", "tree"},  {"schemes", "hash"},
                                           {"quiet", "verbose"}, {"readahead", "direct-io"}};

static bool is_given(const struct mxfs_options *o, const char *name)
{
    const struct option_row *row = mxfs_option_table;

    while (strcmp(row->name, name) != 0)
        row++;
    return o->given >> (row - mxfs_option_table) & 1;
}

/* Options that mean nothing to the command, or nothing together, were meant otherwise. */
static int check_combination(const struct mxfs_options *o, struct mxfs_error *err)
{
    char commands[96];

    for (const struct option_row *row = mxfs_option_table; row->name; row++) {
        if (!(o->given >> (row - mxfs_option_table) & 1) || row->commands >> o->command & 1)
            continue;
        name_commands(commands, sizeof(commands), row->commands);
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                         "--%s means nothing here; expected with: %s (see mxfs --help)", row->name,
                         commands);
    }
    for (size_t i = 0; i < MXFS_COUNT(opposites); i++) {
        if (is_given(o, opposites[i][0]) && is_given(o, opposites[i][1]))
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                             "--%s with --%s; expected one of the two", opposites[i][0],
                             opposites[i][1]);
    }
    if (o->follow_symlinks && !o->allow_other)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                         "--follow-symlinks: expected only with --allow-other; without it links "
                         "are followed anyway");
    if (o->command == MXFS_COMMAND_LIST && o->jobs && !o->hash)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                         "--jobs: expected with list only --hash too");
    return 0;
}

/* `lists`: how many -o lists there can be. */
static int set_defaults(struct mxfs_options *options, int lists, struct mxfs_error *err)
{
    memset(options, 0, sizeof(*options));
    options->cache_size = MXFS_CACHE_SIZE_DEFAULT;
    options->stop_timeout = MXFS_STOP_TIMEOUT_DEFAULT;
    options->uid = options->gid = options->umask = MXFS_NOT_GIVEN;
    options->owned = calloc((size_t)lists + 1, sizeof(*options->owned));
    return options->owned ? 0 : mxfs_fail_memory(err, NULL);
}

int mxfs_options_from_list(struct mxfs_options *options, const char *list, struct mxfs_error *err)
{
    int rc = set_defaults(options, 1, err);

    if (rc == 0)
        rc = parse_list(options, list, err);
    if (rc == 0)
        rc = parse_views(options, err);
    if (rc == 0)
        rc = check_scheme(options, err);
    return rc;
}

int mxfs_options_parse(struct mxfs_options *options, int argc, char **argv, struct mxfs_error *err)
{
    int rc = set_defaults(options, argc, err);
    if (rc != 0)
        return rc;
    rc = parse_flags(options, argc, argv, err);
    if (rc == 0 && (options->help || options->version || options->generate)) {
        options->command = options->help      ? MXFS_COMMAND_HELP
                           : options->version ? MXFS_COMMAND_VERSION
                                              : MXFS_COMMAND_GENERATE;
        return 0;
    }
    if (rc == 0)
        rc = parse_views(options, err);
    if (rc == 0)
        rc = check_scheme(options, err);
    if (rc == 0)
        rc = parse_operands(options, argc - optind, argv + optind, err);
    if (rc == 0)
        rc = check_combination(options, err);
    if (options->debug)
        options->foreground = true;
    return rc;
}

void mxfs_options_fini(struct mxfs_options *options)
{
    for (size_t i = 0; i < options->owned_count; i++)
        free(options->owned[i]);
    free(options->owned);
    memset(options, 0, sizeof(*options));
}
