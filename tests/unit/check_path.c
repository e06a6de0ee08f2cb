/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Paths as text.
 */
#include "mxfs/path.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/suite.h"

/* Compares and frees. */
static void expect(char *got, const char *want)
{
    ck_assert_str_eq(got, want);
    free(got);
}

START_TEST(absolute)
{
    char *cwd = getcwd(NULL, 0), *want = mxfs_path_join(cwd, "a/../b");
    expect(mxfs_path_absolute("a/../b"), want); /* does not resolve anything */
    expect(mxfs_path_absolute("/x//"), "/x");
    expect(mxfs_path_absolute("/"), "/");
    expect(mxfs_path_absolute("///"), "/");
    free(want);
    free(cwd);
}
END_TEST

START_TEST(resolved)
{
    struct mxfs_error err = {0};
    char dir[] = "/tmp/check_path.XXXXXX", *path;

    ck_assert_int_eq(mxfs_path_resolve(&path, "/x/", MXFS_EXIT_SOURCE, &err), 0);
    expect(path, "/x");
    ck_assert_ptr_nonnull(mkdtemp(dir)); /* each test is a process of its own */
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(mxfs_path_resolve(&path, "x", MXFS_EXIT_SOURCE, &err), -ENOENT);
    ck_assert_ptr_null(path);
    ck_assert_int_eq(err.code, MXFS_EXIT_SOURCE);
    ck_assert_str_eq(err.text, "x: the current folder no longer exists: No such file or directory");
}
END_TEST

START_TEST(pieces)
{
    expect(mxfs_path_dirname("/a/b"), "/a");
    expect(mxfs_path_dirname("/a"), "/");
    expect(mxfs_path_join("/", "a"), "/a");
    expect(mxfs_path_join("/a", "b"), "/a/b");
    ck_assert_str_eq(mxfs_path_basename("/a/b"), "b");
    ck_assert_str_eq(mxfs_path_basename("b"), "b");
}
END_TEST

START_TEST(plain_names)
{
    ck_assert(mxfs_path_is_plain_name("model-00001.safetensors"));
    ck_assert(mxfs_path_is_plain_name("...")); /* odd, but inside */
    ck_assert(!mxfs_path_is_plain_name(""));
    ck_assert(!mxfs_path_is_plain_name("."));
    ck_assert(!mxfs_path_is_plain_name(".."));
    ck_assert(!mxfs_path_is_plain_name("../x"));
    ck_assert(!mxfs_path_is_plain_name("/etc/passwd"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("path");
    TCase *tcase = tcase_create("path");

    tcase_add_test(tcase, absolute);
    tcase_add_test(tcase, resolved);
    tcase_add_test(tcase, pieces);
    tcase_add_test(tcase, plain_names);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
