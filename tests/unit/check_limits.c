/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Memory limits of control groups, from files made for it.
 */
#include "mxfs/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/suite.h"

static struct test_path folder;

static void make_folder(void)
{
    folder = test_folder();
}

/* Writes folder/name with the text, and the folders up to it. */
static void put(const char *name, const char *text)
{
    struct test_path path = test_join(folder.text, name);

    for (char *slash = strchr(path.text + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path.text, 0700);
        *slash = '/';
    }
    FILE *f = fopen(path.text, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* The limit where the table of mounts has this line, with the folder of the test in place of %s. */
static uint64_t limit_of(const char *groups, const char *before, const char *after)
{
    char *mounts;

    ck_assert_int_ge(asprintf(&mounts,
                              "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                              "%s%s%s\n"
                              "99 22 0:9 / /proc rw shared:7 - proc proc rw\n",
                              before, folder.text, after),
                     0);
    put("groups", groups);
    put("mounts", mounts);
    free(mounts);
    return mxfs_limits_memory(test_join(folder.text, "groups").text,
                              test_join(folder.text, "mounts").text);
}

START_TEST(version_2)
{
    static const char before[] = "30 22 0:26 / ", after[] = " rw - cgroup2 cgroup2 rw,nsdelegate";

    put("a/b/memory.max", "max\n");
    put("a/memory.max", "104857600\n");
    put("a/c/memory.max", "1048576\n");
    ck_assert_uint_eq(limit_of("0::/a/b\n", before, after), 104857600);
    ck_assert_uint_eq(limit_of("0::/a\n", before, after), 104857600);
    ck_assert_uint_eq(limit_of("0::/a/c\n", before, after), 1048576);
    ck_assert_uint_eq(limit_of("0::/a/c/absent\n", before, after), 1048576);
    ck_assert_uint_eq(limit_of("0::/\n", before, after), UINT64_MAX);
    ck_assert_uint_eq(limit_of("", before, after), UINT64_MAX);
}
END_TEST

START_TEST(version_1)
{
    static const char before[] = "30 22 0:26 / ", after[] = " rw - cgroup cgroup rw,memory";

    put("a/memory.limit_in_bytes", "9223372036854771712\n");
    put("a/b/memory.limit_in_bytes", "67108864\n");
    ck_assert_uint_eq(limit_of("5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n", before, after), 67108864);
    ck_assert_uint_eq(limit_of("4:hugetlb,memory:/a/b\n", before, after), 67108864);
    ck_assert_uint_eq(limit_of("4:memory:/a\n", before, after), UINT64_MAX);
    ck_assert_uint_eq(limit_of("5:memory2:/a/b\n0::/a/b\n", before, after), UINT64_MAX);
    ck_assert_uint_eq(limit_of("4:memory:/a/b\n", before, " rw - cgroup cgroup rw,cpu"),
                      UINT64_MAX);
}
END_TEST

/* In a container, the group that is mounted may be ours, not the root. */
START_TEST(containers)
{
    static const char after[] = " rw - cgroup2 cgroup rw";

    put("memory.max", "50000000\n");
    put("in/memory.max", "40000000\n");
    ck_assert_uint_eq(limit_of("0::/docker/17\n", "30 22 0:26 /docker/17 ", after), 50000000);
    ck_assert_uint_eq(limit_of("0::/docker/17/in\n", "30 22 0:26 /docker/17 ", after), 40000000);
    ck_assert_uint_eq(limit_of("0::/docker/170/in\n", "30 22 0:26 /docker/17 ", after), 50000000);
    ck_assert_uint_eq(limit_of("0::/elsewhere\n", "30 22 0:26 /docker/17 ", after), 50000000);
    ck_assert_uint_eq(limit_of("0::/in\n", "30 22 0:26 / ", after), 40000000);
}
END_TEST

START_TEST(nothing_to_read)
{
    ck_assert_uint_eq(mxfs_limits_memory("/nowhere/groups", "/nowhere/mounts"), UINT64_MAX);
    ck_assert_uint_eq(limit_of("no colon\nnor:two\n", "- ", " - cgroup2"), UINT64_MAX);
    put("memory.max", "");
    ck_assert_uint_eq(limit_of("0::/\n", "30 22 0:26 / ", " rw - cgroup2 c rw"), UINT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");

    test_use_folder(tcase);
    tcase_add_checked_fixture(tcase, make_folder, NULL);
    tcase_add_test(tcase, version_2);
    tcase_add_test(tcase, version_1);
    tcase_add_test(tcase, containers);
    tcase_add_test(tcase, nothing_to_read);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
