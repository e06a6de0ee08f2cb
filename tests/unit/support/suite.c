/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Running suites and managing their files.
 */
#include "support/suite.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct test_path root;

static void make_root(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(root.text, sizeof(root.text), "%s/mxfs-unit-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(root.text)) {
        perror(root.text);
        abort();
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root.text, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void test_use_folder(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, make_root, remove_root);
}

struct test_path test_join(const char *dir, const char *name)
{
    struct test_path p;

    ck_assert_int_lt(snprintf(p.text, sizeof(p.text), "%s/%s", dir, name), (int)sizeof(p.text));
    return p;
}

struct test_path test_folder(void)
{
    struct test_path p = test_join(root.text, "XXXXXX");

    ck_assert_ptr_nonnull(mkdtemp(p.text));
    return p;
}

struct test_path test_write(const char *dir, const char *name, const void *data, size_t len)
{
    struct test_path p = test_join(dir, name);
    FILE *file = fopen(p.text, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(len ? fwrite(data, 1, len, file) : 0, len);
    ck_assert_int_eq(fclose(file), 0);
    return p;
}

struct test_path test_write_text(const char *dir, const char *name, const char *text)
{
    return test_write(dir, name, text, strlen(text));
}

static int saved_stderr = -1;

void test_quiet(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(null, 0);
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    dup2(null, STDERR_FILENO);
    close(null);
}

void test_loud(void)
{
    fflush(stderr);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
}

static uint64_t random_state = 88172645463325252u;

void test_seed(uint64_t seed)
{
    random_state = seed * 2 + 1;
}

uint32_t test_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1du) >> 32);
}
