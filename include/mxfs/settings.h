/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Settings: values given as text, "NAME=VALUE", stored into the fields of a struct. The command
 * line and the library describe their settings in tables and share this parser.
 *
 * Functions that take a value return 0, or -EINVAL with err filled (MXFS_EXIT_USAGE: what was given
 * and what was expected). Thread safety: per call.
 */
#ifndef MXFS_SETTINGS_H
#define MXFS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"

/** How a value is parsed, and the type of the field that stores it. */
enum mxfs_setting_kind {
    MXFS_SETTING_FLAG,   /**< bool; takes no value */
    MXFS_SETTING_STRING, /**< const char *; not empty; points into the parsed text */
    MXFS_SETTING_SIZE,   /**< uint64_t; bytes, with an optional unit K, M, G or T */
    MXFS_SETTING_NUMBER, /**< uint64_t; decimal */
    MXFS_SETTING_OCTAL,  /**< uint64_t; octal digits */
    MXFS_SETTING_CHOICE, /**< int; the position in `choices` */
};

/** One setting. */
struct mxfs_setting {
    const char *name;            /**< with hyphens; lists may use underscores instead */
    enum mxfs_setting_kind kind; /**< how its value is parsed */
    size_t offset;               /**< of the field in its struct */
    const char *arg;             /**< placeholder for the value, such as "SIZE"; NULL for a flag */
    const char *choices;         /**< "a|b|c" for MXFS_SETTING_CHOICE, else NULL */
    uint64_t min, max;           /**< bounds of a size or number; octal numbers have only `max` */
};

/** Stores `value` (NULL for a flag) into the field of `object`. */
int mxfs_setting_set(const struct mxfs_setting *setting, void *object, const char *value,
                     struct mxfs_error *err);

/** Whether `item`, "NAME" or "NAME=VALUE", names this setting. */
bool mxfs_setting_is_named(const struct mxfs_setting *setting, const char *item);

/** Stores the value of `item`, which names this setting, into the field of `object`. */
int mxfs_setting_apply(const struct mxfs_setting *setting, void *object, const char *item,
                       struct mxfs_error *err);

/**
 * Cuts the next item off a comma-separated list, in place; a backslash escapes the next character,
 * as in mount(8) lists. Skips empty items and "x-..." (comments for other programs). Returns NULL
 * at the end of the list. *rest is the rest of the list; it starts as the whole list.
 */
char *mxfs_setting_next(char **rest);

#endif
