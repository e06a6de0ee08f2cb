/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The command line: every row of the options table in every spelling, every kind of value, commands
 * and operands, and wrong usage. The file is long because of its tables of cases.
 */
#include "mxfs/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/scheme.h"
#include "options/table.h"
#include "support/suite.h"

enum { WORDS_MAX = 16 };

/*
 * Splits `line` at spaces ("''" is an empty word), parses it, and keeps the words for the caller.
 */
struct parsed {
    char line[512];
    char *argv[WORDS_MAX + 1];
    struct mxfs_options options;
    struct mxfs_error err;
    int rc;
};

static struct parsed *parse(const char *line)
{
    struct parsed *p = calloc(1, sizeof(*p));
    int argc = 0;
    char *rest;

    ck_assert_ptr_nonnull(p);
    ck_assert_int_lt(snprintf(p->line, sizeof(p->line), "mxfs %s", line), (int)sizeof(p->line));
    for (char *word = strtok_r(p->line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        ck_assert_int_lt(argc, WORDS_MAX);
        p->argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    p->rc = mxfs_options_parse(&p->options, argc, p->argv, &p->err);
    return p;
}

static void done(struct parsed *p)
{
    mxfs_options_fini(&p->options);
    free(p);
}

static struct parsed *parse_right(const char *line)
{
    struct parsed *p = parse(line);

    ck_assert_msg(p->rc == 0, "%s: %s", line, p->err.text);
    ck_assert_int_eq(p->err.code, MXFS_EXIT_OK);
    return p;
}

/* Expects wrong usage: exit code 2, and a message that contains `part`. */
static void check_wrong(const char *line, const char *part)
{
    struct parsed *p = parse(line);

    ck_assert_msg(p->rc == -EINVAL, "%s: accepted", line);
    ck_assert_int_eq(p->err.code, MXFS_EXIT_USAGE);
    ck_assert_msg(strstr(p->err.text, part), "%s: \"%s\" lacks \"%s\"", line, p->err.text, part);
    ck_assert_ptr_null(strchr(p->err.text, '\n'));
    done(p);
}

START_TEST(defaults)
{
    struct parsed *p = parse_right("model.safetensors /mnt");
    const struct mxfs_options *o = &p->options;

    ck_assert_int_eq(o->command, MXFS_COMMAND_MOUNT);
    ck_assert_str_eq(o->operand[0], "model.safetensors");
    ck_assert_str_eq(o->operand[1], "/mnt");
    ck_assert_int_eq(o->choices.dtype, MXFS_CHOOSE_AUTO);
    ck_assert_int_eq(o->choices.unsupported, MXFS_UNSUPPORTED_REFUSE);
    ck_assert_int_eq(o->view_bits, -1);
    ck_assert_uint_eq(o->choices.cache_size, 64 << 20);
    ck_assert_uint_eq(o->threads, 0);
    ck_assert_uint_eq(o->jobs, 0);
    ck_assert_ptr_null(o->views);
    ck_assert_ptr_null(o->choices.kernel);
    ck_assert_ptr_null(o->choices.only);
    ck_assert(!o->foreground && !o->debug && !o->allow_other && !o->auto_unmount && !o->direct_io &&
              !o->choices.partial && !o->follow_symlinks && !o->json && !o->force);
    done(p);
}
END_TEST

/* Every row of the table. */

/* A valid value for a row that takes one, and its number (or the index of the choice). */
static const char *sample_value(const struct options_row *row, uint64_t *number)
{
    static char choice[32];
    const char *last;

    switch (row->setting->kind) {
    case MXFS_SETTING_SIZE:
        *number = (uint64_t)3 << 20;
        return "3M";
    case MXFS_SETTING_NUMBER:
        *number = row->setting->max;
        snprintf(choice, sizeof(choice), "%llu", (unsigned long long)row->setting->max);
        return choice;
    case MXFS_SETTING_OCTAL:
        *number = 027;
        return "027";
    case MXFS_SETTING_CHOICE:
        *number = 0;
        for (const char *c = row->setting->choices; *c; c++)
            *number += *c == '|';
        last = strrchr(row->setting->choices, '|');
        return last + 1;
    default:
        return strcmp(row->setting->name, "views") == 0    ? "npy"
               : strcmp(row->setting->name, "scheme") == 0 ? "fp8"
                                                           : "some*thing";
    }
}

static void check_field(const struct options_row *row, const struct mxfs_options *o,
                        const char *value, uint64_t number)
{
    const void *field = (const char *)o + row->setting->offset;

    if (row->setting->kind == MXFS_SETTING_FLAG)
        ck_assert_msg(*(const bool *)field, "%s", row->setting->name);
    else if (row->setting->kind == MXFS_SETTING_STRING)
        ck_assert_str_eq(*(const char *const *)field, value);
    else if (row->setting->kind == MXFS_SETTING_CHOICE)
        ck_assert_int_eq(*(const int *)field, (int)number);
    else
        ck_assert_uint_eq(*(const uint64_t *)field, number);
}

/* The rest of a command line on which the row is valid. */
static const char *rest_of_line(const struct options_row *row)
{
    static const char *const lines[] = {
        [MXFS_COMMAND_MOUNT] = "SOURCE MOUNTPOINT",  [MXFS_COMMAND_LIST] = "list SOURCE",
        [MXFS_COMMAND_CAT] = "cat SOURCE TENSOR",    [MXFS_COMMAND_EXPORT] = "export SOURCE DEST",
        [MXFS_COMMAND_VERIFY] = "verify SOURCE REF",
    };

    if (strcmp(row->setting->name, "unmount") == 0)
        return "MOUNTPOINT";
    if (strcmp(row->setting->name, "jobs") == 0)
        return "verify SOURCE REF"; /* with list, it requires --hash */
    if (strcmp(row->setting->name, "schemes") == 0)
        return "list";
    if (strcmp(row->setting->name, "follow-symlinks") == 0)
        return "--allow-other SOURCE MOUNTPOINT";
    for (size_t i = 0; i < MXFS_COUNT(lines); i++) {
        if (options_is_for(row, (enum mxfs_command)i))
            return lines[i];
    }
    ck_abort_msg("--%s means nothing anywhere", row->setting->name);
    return NULL;
}

/* Parses `spelling` before and after the rest of a line, and checks the row's field. */
static void check_spelling(const struct options_row *row, const char *spelling, const char *value,
                           uint64_t number)
{
    char line[256];

    for (int after = 0; after < 2; after++) {
        snprintf(line, sizeof(line), "%s %s", after ? rest_of_line(row) : spelling,
                 after ? spelling : rest_of_line(row));
        struct parsed *p = parse_right(line);
        check_field(row, &p->options, value, number);
        done(p);
    }
}

START_TEST(every_row)
{
    const struct options_row *row = &options_table[_i];
    char spelling[128], name[64];
    uint64_t number = 0;
    const char *value = row->setting->kind == MXFS_SETTING_FLAG ? "" : sample_value(row, &number);
    const char *equals = row->setting->kind == MXFS_SETTING_FLAG ? "" : "=";

    if (row->help) {
        snprintf(spelling, sizeof(spelling), "--%s%s%s", row->setting->name, equals, value);
        check_spelling(row, spelling, value, number);
    }
    if (row->help && *equals) {
        snprintf(spelling, sizeof(spelling), "--%s %s", row->setting->name, value);
        check_spelling(row, spelling, value, number);
    }
    if (row->letter) {
        snprintf(spelling, sizeof(spelling), "-%c%s", row->letter, value);
        check_spelling(row, spelling, value, number);
    }
    snprintf(spelling, sizeof(spelling), "-o %s%s%s", row->setting->name, equals, value);
    check_spelling(row, spelling, value, number);
    snprintf(name, sizeof(name), "%s", row->setting->name);
    for (char *c = name; *c; c++)
        *c = *c == '-' ? '_' : *c;
    snprintf(spelling, sizeof(spelling), "-oro,%s%s%s,x-comment=1", name, equals, value);
    bool unmounts = strcmp(row->setting->name, "unmount") == 0;
    if (options_is_for(row, MXFS_COMMAND_MOUNT) && !unmounts) /* with mount's own words */
        check_spelling(row, spelling, value, number);
}
END_TEST

/* Expects a one-line message that names the option and the expected value. */

static void check_says(const char *line, const char *name, const char *expected)
{
    check_wrong(line, name);
    check_wrong(line, expected);
}

/* Passes `value` to the row as --name=value and in a list. */
static void check_wrong_value(const struct options_row *row, const char *value,
                              const char *expected)
{
    char line[256], named[64];

    snprintf(named, sizeof(named), "--%s=%s: ", row->setting->name, value);
    snprintf(line, sizeof(line), "--%s=%s %s", row->setting->name, value, rest_of_line(row));
    check_says(line, named, expected);
    snprintf(line, sizeof(line), "-o %s=%s %s", row->setting->name, value, rest_of_line(row));
    check_says(line, named, expected);
}

static void check_wrong_number(const struct options_row *row, const char *unit)
{
    static const char *const none[] = {"", "x", "-1", "+1", "0x10", "1.5", "1e3", "1x", "NaN"};
    char outside[32];

    for (size_t i = 0; i < MXFS_COUNT(none); i++)
        check_wrong_value(row, none[i], "expected a");
    check_wrong_value(row, "99999999999999999999999", "expected a");
    snprintf(outside, sizeof(outside), "%llu%s", (unsigned long long)row->setting->max + 1, unit);
    check_wrong_value(row, outside, "out of range, expected");
    if (row->setting->min > 0)
        check_wrong_value(row, "0", "out of range, expected");
}

START_TEST(wrong_values)
{
    const struct options_row *row = &options_table[_i];

    switch (row->setting->kind) {
    case MXFS_SETTING_FLAG:
        break;
    case MXFS_SETTING_STRING:
        check_wrong_value(row, "", row->setting->arg);
        break;
    case MXFS_SETTING_CHOICE:
        check_wrong_value(row, "", row->setting->choices);
        check_wrong_value(row, row->setting->choices, row->setting->choices);
        check_wrong_value(row, "nonsense", row->setting->choices);
        break;
    case MXFS_SETTING_OCTAL:
        check_wrong_value(row, "", "expected an octal number");
        check_wrong_value(row, "9", "expected an octal number");
        check_wrong_value(row, "7777777777777777777777777", "expected an octal number");
        break;
    case MXFS_SETTING_SIZE:
    case MXFS_SETTING_NUMBER:
        check_wrong_number(row, "");
        break;
    }
}
END_TEST

/* A value where none is allowed, and none where one is required. */
START_TEST(values_too_many_and_too_few)
{
    const struct options_row *row = &options_table[_i];
    char line[256];

    if (row->setting->kind == MXFS_SETTING_FLAG) {
        snprintf(line, sizeof(line), "-o %s=yes %s", row->setting->name, rest_of_line(row));
        check_says(line, row->setting->name, "takes no value");
        snprintf(line, sizeof(line), "--%s=yes %s", row->setting->name, rest_of_line(row));
        if (row->help) /* --auto, which is valid only in lists, would abbreviate --auto-unmount */
            check_says(line, row->setting->name, "takes no value");
        return;
    }
    snprintf(line, sizeof(line), "-o %s %s", row->setting->name, rest_of_line(row));
    check_says(line, row->setting->name, row->setting->arg);
    snprintf(line, sizeof(line), "%s --%s", rest_of_line(row), row->setting->name);
    check_says(line, row->setting->name, row->setting->arg);
    if (row->letter) {
        snprintf(line, sizeof(line), "%s -%c", rest_of_line(row), row->letter);
        check_says(line, "needs a value", row->setting->arg);
    }
}
END_TEST

/* The last one counts, in either spelling; a flag may be repeated. */
START_TEST(repeated)
{
    const struct options_row *row = &options_table[_i];
    char line[256], first[64];
    uint64_t number = 0;
    const char *value = row->setting->kind == MXFS_SETTING_FLAG ? "" : sample_value(row, &number);

    if (row->setting->kind == MXFS_SETTING_FLAG)
        snprintf(line, sizeof(line), "-o %s,%s -o %s %s", row->setting->name, row->setting->name,
                 row->setting->name, rest_of_line(row));
    else {
        snprintf(first, sizeof(first), "%.*s",
                 row->setting->choices ? (int)strcspn(row->setting->choices, "|")
                                       : (int)sizeof(first),
                 row->setting->choices                       ? row->setting->choices
                 : row->setting->kind == MXFS_SETTING_STRING ? value
                 : row->setting->kind == MXFS_SETTING_SIZE   ? "2M"
                                                             : "1");
        snprintf(line, sizeof(line), "--%s=%s %s -o %s=%s", row->setting->name, first,
                 rest_of_line(row), row->setting->name, value);
    }
    struct parsed *p = parse_right(line);
    check_field(row, &p->options, value, number);
    done(p);
}
END_TEST

/* Each option with every command to which it does not apply. */
START_TEST(out_of_place)
{
    static const char *const lines[MXFS_COMMAND_HELP] = {
        [MXFS_COMMAND_MOUNT] = "SOURCE MOUNTPOINT",
        [MXFS_COMMAND_LIST] = "list SOURCE",
        [MXFS_COMMAND_CAT] = "cat SOURCE TENSOR",
        [MXFS_COMMAND_EXPORT] = "export SOURCE DEST",
        [MXFS_COMMAND_VERIFY] = "verify SOURCE REF",
        [MXFS_COMMAND_STATS] = "stats MOUNTPOINT",
        [MXFS_COMMAND_UNMOUNT] = "--unmount MOUNTPOINT",
    };
    const struct options_row *row = &options_table[_i];
    char line[256], name[64];
    uint64_t number = 0;
    const char *value = row->setting->kind == MXFS_SETTING_FLAG ? "" : sample_value(row, &number);

    for (size_t i = 0; i < MXFS_COUNT(lines); i++) {
        if (options_is_for(row, (enum mxfs_command)i) || strcmp(row->setting->name, "unmount") == 0)
            continue;
        snprintf(line, sizeof(line), "-o %s%s%s %s", row->setting->name, *value ? "=" : "", value,
                 lines[i]);
        snprintf(name, sizeof(name), "--%s applies only to ", row->setting->name);
        check_wrong(line, name);
    }
}
END_TEST

START_TEST(rows_are_sound)
{
    for (const struct options_row *row = options_table; row->setting; row++) {
        ck_assert_uint_lt((size_t)(row - options_table), 64); /* bits of `given` */
        ck_assert(row->commands != 0);
        ck_assert_int_eq(row->setting->kind == MXFS_SETTING_FLAG, row->setting->arg == NULL);
        ck_assert_int_eq(row->setting->kind == MXFS_SETTING_CHOICE, row->setting->choices != NULL);
        ck_assert(row->setting->kind == MXFS_SETTING_FLAG || row->help);
        ck_assert_uint_lt(row->setting->offset, sizeof(struct mxfs_options));
        for (const struct options_row *other = row + 1; other->setting; other++) {
            ck_assert_str_ne(row->setting->name, other->setting->name);
            ck_assert(!row->letter || row->letter != other->letter);
        }
    }
}
END_TEST

/* Values. */

static const struct {
    const char *text;
    uint64_t size; /* 0 if invalid */
} sizes[] = {
    {"1048576", 1 << 20},
    {"1M", 1 << 20},
    {"1m", 1 << 20},
    {"1MB", 1 << 20},
    {"1MiB", 1 << 20},
    {"2048K", 2 << 20},
    {"1G", 1 << 30},
    {"64T", (uint64_t)1 << 46},
    {"65536G", (uint64_t)1 << 46},
    {"65T", 0},
    {"1048575", 0},
    {"1023K", 0},
    {"0", 0},
    {"", 0},
    {"M", 0},
    {"-1M", 0},
    {"+1M", 0},
    {" 1M", 0},
    {"1 M", 0},
    {"1.5G", 0},
    {"1P", 0},
    {"1Mi", 0},
    {"1MBs", 0},
    {"0x100000", 0},
    {"1e9", 0},
    {"18446744073709551616", 0},
    {"18446744073709551615T", 0},
    {"17592186044417M", 0}, /* would wrap to 1M if shifted without a check */
};

START_TEST(every_size)
{
    char option[64] = "--cache-size=";
    char *argv[] = {(char[]){"mxfs"}, option, (char[]){"S"}, (char[]){"M"}, NULL};
    struct mxfs_options o;
    struct mxfs_error err = {0};

    strcat(option, sizes[_i].text);
    int rc = mxfs_options_parse(&o, 4, argv, &err);
    ck_assert_msg(rc == (sizes[_i].size ? 0 : -EINVAL), "%s: %s", option, err.text);
    ck_assert_int_eq(err.code, sizes[_i].size ? MXFS_EXIT_OK : MXFS_EXIT_USAGE);
    if (sizes[_i].size)
        ck_assert_uint_eq(o.choices.cache_size, sizes[_i].size);
    mxfs_options_fini(&o);
}
END_TEST

START_TEST(numbers)
{
    struct parsed *p = parse_right("--threads=1 S M");
    ck_assert_uint_eq(p->options.threads, 1);
    done(p);
    p = parse_right("--threads=007 S M");
    ck_assert_uint_eq(p->options.threads, 7);
    done(p);
    check_wrong("--threads=0 S M", "1 to 256");
    check_wrong("--threads=257 S M", "1 to 256");
    check_wrong("--threads=4K S M", "a number");
    check_wrong("--threads=-1 S M", "a number");
    check_wrong("--threads= S M", "a number");
    check_wrong("--threads=99999999999999999999 S M", "a number");
}
END_TEST

START_TEST(octal_numbers)
{
    static const char *const wrong[] = {"",     "8",   "07778", "1000", "-1",
                                        "0o22", "rwx", "22 ",   "u=r"};
    char line[64];
    struct parsed *p = parse_right("-o uid=0,gid=4294967294,umask=0777 S M");

    ck_assert_uint_eq(p->options.uid, 0);
    ck_assert_uint_eq(p->options.gid, 4294967294);
    ck_assert_uint_eq(p->options.umask, 0777);
    done(p);
    for (size_t i = 0; i < MXFS_COUNT(wrong); i++) {
        char *argv[] = {(char[]){"mxfs"}, line, (char[]){"S"}, (char[]){"M"}, NULL};
        struct mxfs_options o;
        struct mxfs_error err = {0};
        snprintf(line, sizeof(line), "--umask=%s", wrong[i]);
        ck_assert_int_eq(mxfs_options_parse(&o, 4, argv, &err), -EINVAL);
        ck_assert_msg(strstr(err.text, "octal number up to 777"), "%s", err.text);
        mxfs_options_fini(&o);
    }
    check_wrong("--uid=4294967295 S M",
                "0 to 4294967294"); /* which chown() takes for "do not change" */
    check_wrong("--gid=users S M", "a number");
}
END_TEST

START_TEST(choices)
{
    static const struct {
        const char *line;
        int dtype, unsupported;
    } right[] = {
        {"--dtype=auto S M", MXFS_CHOOSE_AUTO, MXFS_UNSUPPORTED_REFUSE},
        {"--dtype=bf16 S M", MXFS_CHOOSE_BF16, MXFS_UNSUPPORTED_REFUSE},
        {"--dtype=f16 S M", MXFS_CHOOSE_F16, MXFS_UNSUPPORTED_REFUSE},
        {"--dtype=f32 --unsupported=raw S M", MXFS_CHOOSE_F32, MXFS_UNSUPPORTED_RAW},
        {"--dtype=f32 --dtype=f16 --unsupported=refuse S M", MXFS_CHOOSE_F16,
         MXFS_UNSUPPORTED_REFUSE}, /* the last one counts */
    };
    static const char *const wrong[] = {"",     "BF16", "bf",      "bf161",    "bf16|f16",
                                        "|f16", "f32|", "float32", "auto,bf16"};
    char line[64];

    for (size_t i = 0; i < MXFS_COUNT(right); i++) {
        struct parsed *p = parse_right(right[i].line);
        ck_assert_int_eq(p->options.choices.dtype, right[i].dtype);
        ck_assert_int_eq(p->options.choices.unsupported, right[i].unsupported);
        done(p);
    }
    for (size_t i = 0; i < MXFS_COUNT(wrong); i++) {
        snprintf(line, sizeof(line), "--dtype=%s S M", wrong[i]);
        check_wrong(line, "auto|bf16|f16|f32");
    }
}
END_TEST

START_TEST(schemes)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        char line[64];
        snprintf(line, sizeof(line), "--scheme=%s list S", (*s)->name);
        if (mxfs_scheme_decodes(*s))
            done(parse_right(line));
        else
            check_wrong(line, "expected one or more of: mxfp4-gptoss, ");
    }
    check_wrong("--scheme=mxfp4 S M", "fp8, nvfp4");
    check_wrong("--scheme= S M", "expected NAME");
    check_wrong("--scheme=fp8 stats M",
                "--scheme applies only to mount, list, cat, export, verify");
}
END_TEST

START_TEST(views)
{
    static const struct {
        const char *line;
        int bits;
    } right[] = {
        {"--views=none S M", 0},
        {"--views=tensors S M", MXFS_VIEW_TENSORS},
        {"--views=npy S M", MXFS_VIEW_NPY},
        {"--views=tensors,npy S M", MXFS_VIEW_TENSORS | MXFS_VIEW_NPY},
        {"--views=npy,tensors,npy S M", MXFS_VIEW_TENSORS | MXFS_VIEW_NPY},
        {"-o views=npy\\,tensors S M", MXFS_VIEW_TENSORS | MXFS_VIEW_NPY},
    };
    static const char *const wrong[] = {
        "--views= S M",         "--views=, S M",   "--views=tensors, S M",   "--views=,npy S M",
        "--views=none,npy S M", "--views=all S M", "--views=tensors;npy S M"};

    for (size_t i = 0; i < MXFS_COUNT(right); i++) {
        struct parsed *p = parse_right(right[i].line);
        ck_assert_int_eq(p->options.view_bits, right[i].bits);
        done(p);
    }
    for (size_t i = 0; i < MXFS_COUNT(wrong); i++)
        check_wrong(wrong[i], "--views=");
}
END_TEST

/* Lists after -o. */

START_TEST(lists)
{
    struct parsed *p = parse_right(
        "S M -o rw,nosuid,,allow_other,kernel=a\\,b\\\\c,x-systemd.automount,x-a=b -odtype=f16");
    ck_assert(p->options.allow_other);
    ck_assert_str_eq(p->options.choices.kernel, "a,b\\c");
    ck_assert_int_eq(p->options.choices.dtype, MXFS_CHOOSE_F16);
    done(p);
    p = parse_right("-o only=a=b,only-scheme=x list S");
    done(p);
    p = parse_right("-o only=a=b -o kernel=\\ S M"); /* a backslash at the end is literal */
    ck_assert_str_eq(p->options.choices.only, "a=b");
    ck_assert_str_eq(p->options.choices.kernel, "\\");
    done(p);
    p = parse_right("S M -o ,,");
    done(p);
    check_wrong("S M -o allow_other=1", "takes no value");
    check_wrong("S M -o dtype", "needs a value");
    check_wrong("S M -o dtype=f8", "auto|bf16|f16|f32");
    check_wrong("S M -o no_such_thing", "no_such_thing");
    check_wrong("S M -o =1,ro", "=1");
    check_wrong("S M -o kernel=", "--kernel=: expected NAME");
    check_wrong("S M -o ro,,cache_size=1", "out of range");
}
END_TEST

/* All lists are kept, since values point into them. */
START_TEST(values_of_all_lists_live_on)
{
    struct parsed *p = parse_right("-okernel=one -oonly=two -oro -orw -oviews=npy -oro S M");

    ck_assert_str_eq(p->options.choices.kernel, "one");
    ck_assert_str_eq(p->options.choices.only, "two");
    ck_assert_str_eq(p->options.views, "npy");
    done(p);
}
END_TEST

/* Commands and operands. */

START_TEST(commands)
{
    static const struct {
        const char *line;
        enum mxfs_command command;
        const char *operand[2];
    } right[] = {
        {"S M", MXFS_COMMAND_MOUNT, {"S", "M"}},
        {"-f S M", MXFS_COMMAND_MOUNT, {"S", "M"}},
        {"S -f M", MXFS_COMMAND_MOUNT, {"S", "M"}},
        {"S M -f", MXFS_COMMAND_MOUNT, {"S", "M"}},
        {"./list M", MXFS_COMMAND_MOUNT, {"./list", "M"}},
        {"S list", MXFS_COMMAND_MOUNT, {"S", "list"}},
        {"-- -S -M", MXFS_COMMAND_MOUNT, {"-S", "-M"}},
        {"- M", MXFS_COMMAND_MOUNT, {"-", "M"}},
        {"list S", MXFS_COMMAND_LIST, {"S", NULL}},
        {"--json list S", MXFS_COMMAND_LIST, {"S", NULL}},
        {"list list", MXFS_COMMAND_LIST, {"list", NULL}},
        {"cat S T", MXFS_COMMAND_CAT, {"S", "T"}},
        {"cat S ''", MXFS_COMMAND_CAT, {"S", ""}}, /* a tensor's name may be empty */
        {"cat S -- --help", MXFS_COMMAND_CAT, {"S", "--help"}},
        {"export S D", MXFS_COMMAND_EXPORT, {"S", "D"}},
        {"export S -", MXFS_COMMAND_EXPORT, {"S", "-"}},
        {"verify S R", MXFS_COMMAND_VERIFY, {"S", "R"}},
        {"stats M --json", MXFS_COMMAND_STATS, {"M", NULL}},
        {"-u M", MXFS_COMMAND_UNMOUNT, {"M", NULL}},
        {"--unmount list", MXFS_COMMAND_UNMOUNT, {"list", NULL}},
        {"-h", MXFS_COMMAND_HELP, {NULL, NULL}},
        {"--version", MXFS_COMMAND_VERSION, {NULL, NULL}},
        {"-V -h", MXFS_COMMAND_HELP, {NULL, NULL}},
        {"list a b c d --help", MXFS_COMMAND_HELP, {NULL, NULL}},
        {"models --help", MXFS_COMMAND_HELP, {NULL, NULL}},
        {"--generate=man", MXFS_COMMAND_GENERATE, {NULL, NULL}},
    };

    for (size_t i = 0; i < MXFS_COUNT(right); i++) {
        struct parsed *p = parse_right(right[i].line);
        ck_assert_msg(p->options.command == right[i].command, "%s", right[i].line);
        for (int n = 0; n < 2; n++) {
            const char *want = right[i].operand[n], *got = p->options.operand[n];
            ck_assert_msg(want ? got && strcmp(got, want) == 0 : !got, "%s", right[i].line);
        }
        done(p);
    }
}
END_TEST

START_TEST(topics_of_help)
{
    struct parsed *p = parse_right("--help");
    ck_assert_int_eq(p->options.topic, MXFS_COMMAND_HELP);
    done(p);
    p = parse_right("verify --help");
    ck_assert_int_eq(p->options.topic, MXFS_COMMAND_VERIFY);
    done(p);
    p = parse_right("S M --help");
    ck_assert_int_eq(p->options.topic, MXFS_COMMAND_HELP);
    done(p);
}
END_TEST

START_TEST(wrong_usage)
{
    static const struct {
        const char *line, *part;
    } wrong[] = {
        {"", "mxfs [OPTIONS] SOURCE MOUNTPOINT"},
        {"S", "too few"},
        {"S M X", "too many"},
        {"'' M", "empty"},
        {"S ''", "empty"},
        {"list", "mxfs list SOURCE"},
        {"list S X", "too many"},
        {"list ''", "empty"},
        {"cat S", "mxfs cat SOURCE TENSOR"},
        {"cat '' T", "empty"},
        {"export S", "mxfs export SOURCE DEST"},
        {"export S ''", "empty"},
        {"verify S", "mxfs verify SOURCE REFERENCE"},
        {"stats", "mxfs stats MOUNTPOINT"},
        {"stats M --dtype=f16", "--dtype"},
        {"-u", "mxfs -u MOUNTPOINT"},
        {"-u S M", "too many"},
        {"--no-such-thing S M", "--no-such-thing"},
        {"-x S M", "-x"},
        {"--foreground=yes S M", "--foreground=yes"},
        {"S M --kernel", "--kernel"},
        {"S M -o", "-o"},
        {"--ro S M", "--ro"}, /* valid only in lists */
        {"--json S M", "list"},
        {"--force S M", "export"},
        {"-f list S", "applies only to mount"},
        {"-o ro list S", "applies only to mount"},
        {"--views=npy cat S T", "applies only to mount"},
        {"--dtype=f16 -u M", "--dtype"},
        {"--tree --json list S", "--tree"},
        {"--tree --hash list S", "--tree"},
        {"-j2 list S", "--hash"},
        {"lst S M X", "did you mean 'list'?"},
        {"cta S T X", "did you mean 'cat'?"},
        {"exports S D", "did you mean 'export'?"},
        {"verifx S R X", "did you mean 'verify'?"},
        {"models S D X", "too many"},
    };

    for (size_t i = 0; i < MXFS_COUNT(wrong); i++)
        check_wrong(wrong[i].line, wrong[i].part);
}
END_TEST

START_TEST(unique_beginnings_of_names)
{
    struct parsed *p = parse_right("--fore --dty=f16 S M");
    ck_assert(p->options.foreground);
    ck_assert_int_eq(p->options.choices.dtype, MXFS_CHOOSE_F16);
    done(p);
    check_wrong("--d S M", "--d"); /* dtype, direct-io, debug */
}
END_TEST

START_TEST(debug_implies_foreground)
{
    struct parsed *p = parse_right("-d S M");
    ck_assert(p->options.debug && p->options.foreground);
    done(p);
}
END_TEST

START_TEST(control_characters_are_escaped)
{
    char *argv[] = {(char[]){"mxfs"}, (char[]){"--dtype=a\nb\x1b[1m"}, (char[]){"S"}, (char[]){"M"},
                    NULL};
    struct mxfs_options o;
    struct mxfs_error err = {0};

    ck_assert_int_eq(mxfs_options_parse(&o, 4, argv, &err), -EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "a\\x0ab\\x1b[1m"));
    mxfs_options_fini(&o);
}
END_TEST

/* Texts from the table. */

static char *text_of(void (*write)(FILE *out, int what), int what)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    write(out, what);
    fclose(out);
    return text;
}

static void write_help(FILE *out, int topic)
{
    mxfs_options_help(out, (enum mxfs_command)topic);
}

/* Whether the text contains `name` as a whole word. */
static bool has_word(const char *text, const char *name)
{
    for (const char *at = text; (at = strstr(at, name)); at++) {
        if (!strchr("-_", at[strlen(name)]) || !at[strlen(name)])
            return true;
    }
    return false;
}

START_TEST(help_names_everything)
{
    char *text = text_of(write_help, MXFS_COMMAND_HELP), name[64];

    for (const struct options_row *row = options_table; row->setting; row++) {
        snprintf(name, sizeof(name), "--%s", row->setting->name);
        ck_assert_msg(has_word(text, name) == (row->help != NULL), "%s", name);
        snprintf(name, sizeof(name), "-%c, --%s", row->letter, row->setting->name);
        ck_assert(!row->letter || strstr(text, name));
    }
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP; i++) {
        snprintf(name, sizeof(name), "%s ", options_commands[i].word);
        ck_assert_msg(strstr(text, name), "%s", name);
    }
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        ck_assert_int_le(end - line, 100);
        ck_assert(end == line || end[-1] != ' ');
    }
    free(text);
}
END_TEST

/* With a command: its options and no others, and no other command. */
START_TEST(help_of_one_command)
{
    char *text = text_of(write_help, _i), name[64];

    for (const struct options_row *row = options_table; row->setting; row++) {
        snprintf(name, sizeof(name), "\n      --%s", row->setting->name);
        if (row->letter)
            snprintf(name, sizeof(name), "\n  -%c, --%s", row->letter, row->setting->name);
        bool wanted = row->help && options_is_for(row, (enum mxfs_command)_i);
        ck_assert_msg(has_word(text, name) == wanted, "%s", name);
    }
    for (int i = MXFS_COMMAND_MOUNT; i < MXFS_COMMAND_HELP; i++)
        ck_assert_int_eq(strstr(text, options_commands[i].expected) != NULL, i == _i);
    free(text);
}
END_TEST

START_TEST(generated_texts_name_everything)
{
    char *text = text_of(mxfs_options_generate, _i), name[64];

    for (const struct options_row *row = options_table; row->setting; row++) {
        char *to = name;
        for (const char *c = row->setting->name; *c; *to++ = *c++) {
            if (_i == MXFS_GENERATE_MAN && *c == '-')
                *to++ = '\\';
        }
        *to = '\0';
        ck_assert_msg(!row->help || strstr(text, name), "%s", name);
    }
    ck_assert_ptr_nonnull(strstr(text, "mxfs"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *table = tcase_create("table"), *lines = tcase_create("lines");
    int rows = 0;

    while (options_table[rows].setting)
        rows++;
    tcase_add_loop_test(table, every_row, 0, rows);
    tcase_add_loop_test(table, wrong_values, 0, rows);
    tcase_add_loop_test(table, values_too_many_and_too_few, 0, rows);
    tcase_add_loop_test(table, repeated, 0, rows);
    tcase_add_loop_test(table, out_of_place, 0, rows);
    tcase_add_test(table, rows_are_sound);
    tcase_add_loop_test(table, every_size, 0, MXFS_COUNT(sizes));
    tcase_add_test(table, numbers);
    tcase_add_test(table, octal_numbers);
    tcase_add_test(table, choices);
    tcase_add_test(table, schemes);
    tcase_add_test(table, views);
    tcase_add_test(table, help_names_everything);
    tcase_add_loop_test(table, help_of_one_command, MXFS_COMMAND_MOUNT, MXFS_COMMAND_HELP);
    tcase_add_loop_test(table, generated_texts_name_everything, MXFS_GENERATE_MAN,
                        MXFS_GENERATE_FISH + 1);
    suite_add_tcase(suite, table);
    tcase_add_test(lines, defaults);
    tcase_add_test(lines, lists);
    tcase_add_test(lines, values_of_all_lists_live_on);
    tcase_add_test(lines, commands);
    tcase_add_test(lines, topics_of_help);
    tcase_add_test(lines, wrong_usage);
    tcase_add_test(lines, unique_beginnings_of_names);
    tcase_add_test(lines, debug_implies_foreground);
    tcase_add_test(lines, control_characters_are_escaped);
    suite_add_tcase(suite, lines);
    return test_run(suite);
}
