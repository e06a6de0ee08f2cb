/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Finding tensors by name, from any starting point.
 */
#include "mxfs/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "support/suite.h"

enum { COUNT = 300 };

static char names[COUNT][32];
static struct mxfs_tensor tensors[COUNT];
static const struct mxfs_tensor *sorted[COUNT];

static struct mxfs_tensors make_set(size_t count)
{
    struct mxfs_tensors set = {.sorted = sorted, .count = count};

    for (size_t i = 0; i < count; i++) {
        /* Out of order, with shared prefixes, and names that are prefixes of others. */
        size_t k = i * 7919 % 1000;
        snprintf(names[i], sizeof(names[i]), i % 3 ? "m.%zu.weight" : "m.%zu", k);
        tensors[i] = (struct mxfs_tensor){.name = names[i], .name_len = (uint32_t)strlen(names[i])};
        sorted[i] = &tensors[i];
    }
    mxfs_tensors_sort(&set);
    return set;
}

START_TEST(sorted_by_name)
{
    struct mxfs_tensors set = make_set(COUNT);
    for (size_t i = 1; i < set.count; i++)
        ck_assert_int_lt(mxfs_name_compare(sorted[i - 1]->name, sorted[i - 1]->name_len,
                                           sorted[i]->name, sorted[i]->name_len),
                         0);
}
END_TEST

START_TEST(found_from_anywhere)
{
    struct mxfs_tensors set = make_set(COUNT);
    for (size_t i = 0; i < set.count; i++) {
        const struct mxfs_tensor *t = set.sorted[i];
        for (size_t near = 0; near <= set.count; near += 7) {
            size_t stem = t->name_len / 2;
            ck_assert_uint_eq(mxfs_tensors_find(&set, near, t->name, stem, t->name + stem), i);
            ck_assert_uint_eq(mxfs_tensors_find(&set, near, t->name, t->name_len, ""), i);
            ck_assert_uint_eq(mxfs_tensors_find(&set, near, "", 0, t->name), i);
        }
    }
}
END_TEST

START_TEST(absent_is_not_found)
{
    static const char *const absent[] = {"", "a", "m", "m.", "m.0.weigh", "m.1000", "z", "\xff"};
    for (size_t count = 0; count < COUNT; count += 13) {
        struct mxfs_tensors set = make_set(count);
        for (size_t a = 0; a < MXFS_COUNT(absent); a++)
            for (size_t near = 0; near < count + 2; near++)
                ck_assert_uint_eq(mxfs_tensors_find(&set, near, absent[a], strlen(absent[a]), ""),
                                  MXFS_NOT_FOUND);
    }
}
END_TEST

START_TEST(suffixes)
{
    struct mxfs_tensor t = {.name = "a.weight_scale", .name_len = 14};
    size_t stem = 99;
    ck_assert(mxfs_tensor_has_suffix(&t, "_scale", &stem));
    ck_assert_uint_eq(stem, 8);
    ck_assert(mxfs_tensor_has_suffix(&t, "", &stem));
    ck_assert_uint_eq(stem, 14);
    ck_assert(mxfs_tensor_has_suffix(&t, "a.weight_scale", &stem));
    ck_assert_uint_eq(stem, 0);
    ck_assert(!mxfs_tensor_has_suffix(&t, "ba.weight_scale", &stem));
    ck_assert(!mxfs_tensor_has_suffix(&t, "_scales", &stem));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tensors");
    TCase *tcase = tcase_create("tensors");

    tcase_add_test(tcase, sorted_by_name);
    tcase_add_test(tcase, found_from_anywhere);
    tcase_add_test(tcase, absent_is_not_found);
    tcase_add_test(tcase, suffixes);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
