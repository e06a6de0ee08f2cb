/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Parsing values. Messages show a setting as an option, --NAME=VALUE, wherever it came from.
 */
#include "mxfs/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"

enum { BOUND_TEXT = 24 };

static int bad_value(struct mxfs_error *err, const struct mxfs_setting *s, const char *value,
                     const char *expected)
{
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--%s=%s: expected %s", s->name, value,
                     expected);
}

static int parse_choice(const struct mxfs_setting *s, const char *value, int *out,
                        struct mxfs_error *err)
{
    size_t len = strlen(value);
    int place = 0;

    for (const char *c = s->choices; *c; place++) {
        size_t n = strcspn(c, "|");
        if (n == len && memcmp(c, value, n) == 0) {
            *out = place;
            return 0;
        }
        c += n + (c[n] == '|');
    }
    return bad_value(err, s, value, s->choices);
}

/*
 * The binary logarithm of a unit, or -1 if there is no such unit. "K", "KB" and "KiB" all mean
 * 1024.
 */
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

/* A bound as a user would write it: "1M", not 1048576. */
static const char *format_bound(char out[BOUND_TEXT], const struct mxfs_setting *s, uint64_t n)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    size_t u = 0;

    for (; s->kind == MXFS_SETTING_SIZE && n > 0 && n % 1024 == 0 && u + 1 < MXFS_COUNT(units); u++)
        n /= 1024;
    snprintf(out, BOUND_TEXT, "%llu%s", (unsigned long long)n, units[u]);
    return out;
}

static int out_of_range(const struct mxfs_setting *s, const char *value, struct mxfs_error *err)
{
    char low[BOUND_TEXT], high[BOUND_TEXT];

    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--%s=%s: out of range, expected %s to %s",
                     s->name, value, format_bound(low, s, s->min), format_bound(high, s, s->max));
}

static int parse_number(const struct mxfs_setting *s, const char *value, uint64_t *out,
                        struct mxfs_error *err)
{
    bool is_size = s->kind == MXFS_SETTING_SIZE;
    char *end;

    if (!isdigit((unsigned char)*value))
        return bad_value(err, s, value, "a number");
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (errno != 0)
        return bad_value(err, s, value, "a number");
    int shift = is_size ? unit_shift(end) : *end ? -1 : 0;
    if (shift < 0)
        return bad_value(err, s, value, is_size ? "a size like 64M or 1G" : "a number");
    if (n > s->max >> shift || n << shift < s->min)
        return out_of_range(s, value, err);
    *out = n << shift;
    return 0;
}

static int parse_octal(const struct mxfs_setting *s, const char *value, uint64_t *out,
                       struct mxfs_error *err)
{
    uint64_t n = 0;

    for (const char *c = value; *c && n <= s->max; c++)
        n = *c < '0' || *c > '7' ? s->max + 1 : n * 8 + (uint64_t)(*c - '0');
    if (!*value || n > s->max)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                         "--%s=%s: expected an octal number up to %llo", s->name, value,
                         (unsigned long long)s->max);
    *out = n;
    return 0;
}

int mxfs_setting_set(const struct mxfs_setting *setting, void *object, const char *value,
                     struct mxfs_error *err)
{
    void *field = (char *)object + setting->offset;

    switch (setting->kind) {
    case MXFS_SETTING_FLAG:
        *(bool *)field = true;
        return 0;
    case MXFS_SETTING_STRING:
        if (!*value)
            return bad_value(err, setting, value, setting->arg);
        *(const char **)field = value;
        return 0;
    case MXFS_SETTING_CHOICE:
        return parse_choice(setting, value, field, err);
    case MXFS_SETTING_OCTAL:
        return parse_octal(setting, value, field, err);
    case MXFS_SETTING_SIZE:
    case MXFS_SETTING_NUMBER:
        return parse_number(setting, value, field, err);
    }
    return -EINVAL;
}

bool mxfs_setting_is_named(const struct mxfs_setting *setting, const char *item)
{
    const char *name = setting->name;
    size_t len = strcspn(item, "=");

    if (strlen(name) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char a = name[i] == '_' ? '-' : name[i], b = item[i] == '_' ? '-' : item[i];
        if (a != b)
            return false;
    }
    return true;
}

int mxfs_setting_apply(const struct mxfs_setting *setting, void *object, const char *item,
                       struct mxfs_error *err)
{
    const char *equals = strchr(item, '=');
    bool is_flag = setting->kind == MXFS_SETTING_FLAG;

    if (is_flag && equals)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s: this option takes no value", item);
    if (!is_flag && !equals)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s: this option needs a value; expected %s",
                         item, setting->arg);
    return mxfs_setting_set(setting, object, equals ? equals + 1 : NULL, err);
}

/*
 * Terminates the first item of the list and removes its backslashes. Returns the rest of the list.
 */
static char *cut_item(char *list)
{
    char *from = list, *to = list;

    while (*from && *from != ',') {
        if (*from == '\\' && from[1])
            from++;
        *to++ = *from++;
    }
    from += *from == ',';
    *to = '\0';
    return from;
}

char *mxfs_setting_next(char **rest)
{
    while (**rest) {
        char *item = *rest;
        *rest = cut_item(item);
        if (*item && strncmp(item, "x-", 2) != 0)
            return item;
    }
    return NULL;
}
