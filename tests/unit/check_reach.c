/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Which files may be opened, even while links are swapped.
 */
#include "mxfs/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/suite.h"

enum { SWAPS = 20000 };

/*
 * base/in/{file, sub/file, link -> file, away -> ../out/file, up -> ../out, back -> ../in/sub},
 * base/out/file, base/in-not/file; a reach of base/in. Files contain their folder's first letter.
 */
static struct test_path base, in;
static struct mxfs_reach reach;

static struct test_path make_folder(const char *dir, const char *name)
{
    struct test_path path = test_join(dir, name);
    ck_assert_int_eq(mkdir(path.text, 0700), 0);
    return path;
}

static void make_link(const char *target, const char *name)
{
    ck_assert_int_eq(symlink(target, test_join(in.text, name).text), 0);
}

static void set_up(void)
{
    base = test_folder();
    in = make_folder(base.text, "in");
    test_write_text(in.text, "file", "i");
    test_write_text(make_folder(in.text, "sub").text, "file", "s");
    test_write_text(make_folder(base.text, "out").text, "file", "o");
    test_write_text(make_folder(base.text, "in-not").text, "file", "n");
    make_link("file", "link");
    make_link("../out/file", "away");
    make_link("../out", "up");
    make_link("../in-not/file", "near");
    make_link("../in/sub", "back");
    make_link(test_join(in.text, "sub/file").text, "absolute");
    make_link("nowhere", "dangling");
    reach = (struct mxfs_reach){.inside = {realpath(in.text, NULL)}};
}

static void tear_down(void)
{
    mxfs_reach_fini(&reach);
}

/* The letter in a file, or -errno. */
static int letter(const struct mxfs_reach *how, const char *name)
{
    char byte = 0;
    int fd = mxfs_reach_open(how, test_join(in.text, name).text, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fd;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    close(fd);
    return byte;
}

START_TEST(inside_and_outside)
{
    static const struct {
        const char *name;
        int confined, free;
    } cases[] = {
        {"file", 'i', 'i'},           {"sub/file", 's', 's'},
        {"link", 'i', 'i'},           {"back/file", 's', 's'},
        {"absolute", 's', 's'},       {"away", -EXDEV, 'o'},
        {"up/file", -EXDEV, 'o'},     {"near", -EXDEV, 'n'},
        {"sub/../file", 'i', 'i'},    {"dangling", -ENOENT, -ENOENT},
        {"../out/file", -EXDEV, 'o'},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct test_path path = test_join(in.text, cases[i].name);
        ck_assert_int_eq(letter(&reach, cases[i].name), cases[i].confined);
        ck_assert_int_eq(letter(NULL, cases[i].name), cases[i].free);
        ck_assert_int_eq(mxfs_reach_has(&reach, path.text), cases[i].confined > 0);
        ck_assert_int_eq(mxfs_reach_lacks(&reach, path.text), cases[i].confined < 0);
        ck_assert_int_eq(mxfs_reach_lacks(NULL, path.text), cases[i].free < 0);
    }
}
END_TEST

START_TEST(the_root_reaches_everywhere)
{
    struct mxfs_reach root = {.inside = {strdup("/")}};
    ck_assert_int_eq(letter(&root, "away"), 'o');
    mxfs_reach_fini(&root);
}
END_TEST

START_TEST(nothing_is_in_reach_of_nothing)
{
    struct mxfs_reach none = {0};
    ck_assert_int_eq(letter(&none, "file"), -EXDEV);
}
END_TEST

/* Swaps the folder base/in/sub with the link base/in/up, which leads out, until told to stop. */
static void *swap(void *stop)
{
    while (!atomic_load((atomic_bool *)stop))
        renameat2(AT_FDCWD, test_join(in.text, "sub").text, AT_FDCWD, test_join(in.text, "up").text,
                  RENAME_EXCHANGE);
    return NULL;
}

START_TEST(a_link_that_comes_in_between)
{
    atomic_bool stop = false;
    pthread_t thread;
    int inside = 0, refused = 0;

    ck_assert_int_eq(pthread_create(&thread, NULL, swap, &stop), 0);
    for (int i = 0; i < SWAPS; i++) {
        int got = letter(&reach, "sub/file");
        inside += got == 's';
        refused += got == -EXDEV;
        ck_assert_msg(got == 's' || got == -EXDEV, "%d", got);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ck_assert_int_gt(inside, 0);
    ck_assert_int_gt(refused, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reach");
    TCase *tcase = tcase_create("reach");

    test_use_folder(tcase);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, inside_and_outside);
    tcase_add_test(tcase, the_root_reaches_everywhere);
    tcase_add_test(tcase, nothing_is_in_reach_of_nothing);
    tcase_add_test(tcase, a_link_that_comes_in_between);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
