/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Choices as text. The program's table of options takes over the rows below and adds help to them.
 */
#include "mxfs/choices.h"

#include <errno.h>

#include "mxfs/scheme.h"

#define AT(field) offsetof(struct mxfs_choices, field)

const struct mxfs_choices mxfs_choices_default = {.cache_size = MXFS_CACHE_SIZE_DEFAULT};

const struct mxfs_setting mxfs_choice_settings[MXFS_CHOICE_COUNT] = {
    [MXFS_CHOICE_DTYPE] = {"dtype", MXFS_SETTING_CHOICE, AT(dtype), "TYPE", "auto|bf16|f16|f32", 0,
                           0},
    [MXFS_CHOICE_UNSUPPORTED] = {"unsupported", MXFS_SETTING_CHOICE, AT(unsupported), "HOW",
                                 "refuse|raw", 0, 0},
    [MXFS_CHOICE_ONLY] = {"only", MXFS_SETTING_STRING, AT(only), "GLOB", NULL, 0, 0},
    [MXFS_CHOICE_SCHEME] = {"scheme", MXFS_SETTING_STRING, AT(scheme), "NAMES", NULL, 0, 0},
    [MXFS_CHOICE_PARTIAL] = {"partial", MXFS_SETTING_FLAG, AT(partial), NULL, NULL, 0, 0},
    [MXFS_CHOICE_CACHE_SIZE] = {"cache-size", MXFS_SETTING_SIZE, AT(cache_size), "SIZE", NULL,
                                MXFS_CACHE_SIZE_MIN, (uint64_t)1 << 46},
    [MXFS_CHOICE_KERNEL] = {"kernel", MXFS_SETTING_STRING, AT(kernel), "NAME", NULL, 0, 0},
};

static int parse_item(struct mxfs_choices *choices, const char *item, struct mxfs_error *err)
{
    for (int i = 0; i < MXFS_CHOICE_COUNT; i++) {
        if (mxfs_setting_is_named(&mxfs_choice_settings[i], item))
            return mxfs_setting_apply(&mxfs_choice_settings[i], choices, item, err);
    }
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s: unknown option", item);
}

int mxfs_choices_parse(struct mxfs_choices *choices, char *list, struct mxfs_error *err)
{
    int rc = 0;

    for (char *item; rc == 0 && (item = mxfs_setting_next(&list));)
        rc = parse_item(choices, item, err);
    return rc == 0 ? mxfs_choices_check(choices, err) : rc;
}

int mxfs_choices_check(const struct mxfs_choices *choices, struct mxfs_error *err)
{
    char names[MXFS_SCHEME_NAMES];

    if (!choices->scheme || mxfs_scheme_are_known(choices->scheme))
        return 0;
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "--scheme=%s: expected one or more of: %s",
                     choices->scheme, mxfs_scheme_names(names));
}
