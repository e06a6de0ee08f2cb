/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Settings in the library's string form: lists of choices. Kinds of values are tested with the
 * command line, in check_options.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/choices.h"
#include "mxfs/compiler.h"
#include "support/suite.h"

/* The items of a list, joined by '|'. */
START_TEST(items)
{
    static const char *const lists[][2] = {
        {"", ""},
        {"a", "a|"},
        {"a,b=c", "a|b=c|"},
        {",,a,,b,", "a|b|"},
        {"x-systemd.automount,a,x-", "a|"},
        {"a\\,b,c", "a,b|c|"},
        {"a\\\\,b", "a\\|b|"},
        {"a\\", "a\\|"},
        {"\\x-a", ""}, /* a comment, whatever follows the backslash */
        {"ax-b", "ax-b|"},
    };

    for (size_t i = 0; i < MXFS_COUNT(lists); i++) {
        char got[64] = "", *list = strdup(lists[i][0]), *rest = list;
        for (char *item; (item = mxfs_setting_next(&rest));)
            strcat(strcat(got, item), "|");
        ck_assert_str_eq(got, lists[i][1]);
        free(list);
    }
}
END_TEST

static int parse(struct mxfs_choices *choices, char *list, struct mxfs_error *err)
{
    *choices = mxfs_choices_default;
    *err = (struct mxfs_error){0};
    return mxfs_choices_parse(choices, list, err);
}

START_TEST(right_lists)
{
    char all[] = "dtype=f32,unsupported=raw,only=a\\,b,scheme=fp8,partial,cache_size=2M,kernel=x";
    char none[] = "";
    struct mxfs_choices c;
    struct mxfs_error err;

    ck_assert_int_eq(parse(&c, none, &err), 0);
    ck_assert_int_eq(c.dtype, MXFS_CHOOSE_AUTO);
    ck_assert_int_eq(c.unsupported, MXFS_UNSUPPORTED_REFUSE);
    ck_assert(!c.only && !c.scheme && !c.kernel && !c.partial && !c.confined && !c.trim);
    ck_assert_uint_eq(c.cache_size, MXFS_CACHE_SIZE_DEFAULT);
    ck_assert_int_eq(parse(&c, all, &err), 0);
    ck_assert_int_eq(c.dtype, MXFS_CHOOSE_F32);
    ck_assert_int_eq(c.unsupported, MXFS_UNSUPPORTED_RAW);
    ck_assert_str_eq(c.only, "a,b");
    ck_assert_str_eq(c.scheme, "fp8");
    ck_assert(c.partial);
    ck_assert_uint_eq(c.cache_size, 2 << 20);
    ck_assert_str_eq(c.kernel, "x");
}
END_TEST

START_TEST(wrong_lists)
{
    static const char *const lists[][2] = {
        {"dtype=f8", "--dtype=f8: expected auto|bf16|f16|f32"},
        {"partial=1", "partial=1: this option takes no value"},
        {"only", "only: this option needs a value; expected GLOB"},
        {"cache-size=1K", "--cache-size=1K: out of range, expected 1M to 64T"},
        {"scheme=plain", "--scheme=plain: expected one or more of: "},
        {"views=npy", "views=npy: unknown option"}, /* the library does not mount */
        {"=1", "=1: unknown option"},
        {"kernel=", "--kernel=: expected NAME"},
    };

    for (size_t i = 0; i < MXFS_COUNT(lists); i++) {
        char *list = strdup(lists[i][0]);
        struct mxfs_choices c;
        struct mxfs_error err;
        ck_assert_int_eq(parse(&c, list, &err), -EINVAL);
        ck_assert_int_eq(err.code, MXFS_EXIT_USAGE);
        ck_assert_msg(strncmp(err.text, lists[i][1], strlen(lists[i][1])) == 0, "%s", err.text);
        free(list);
    }
}
END_TEST

START_TEST(types)
{
    static const struct {
        enum mxfs_dtype_choice choice;
        enum mxfs_out out;
    } cases[] = {{MXFS_CHOOSE_AUTO, MXFS_OUT_COUNT},
                 {MXFS_CHOOSE_BF16, MXFS_OUT_BF16},
                 {MXFS_CHOOSE_F16, MXFS_OUT_F16},
                 {MXFS_CHOOSE_F32, MXFS_OUT_F32}};

    for (size_t i = 0; i < MXFS_COUNT(cases); i++) {
        const struct mxfs_choices c = {.dtype = (int)cases[i].choice};
        ck_assert_int_eq(mxfs_choices_out(&c, MXFS_OUT_COUNT), cases[i].out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tcase = tcase_create("settings");

    tcase_add_test(tcase, items);
    tcase_add_test(tcase, right_lists);
    tcase_add_test(tcase, wrong_lists);
    tcase_add_test(tcase, types);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
