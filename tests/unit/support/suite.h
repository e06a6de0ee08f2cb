/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Shared by all unit tests: running a suite, temporary folders, silencing stderr, random numbers.
 */
#ifndef MXFS_TEST_SUITE_H
#define MXFS_TEST_SUITE_H

#include <check.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/** A path by value, so that tests need not free it. */
struct test_path {
    char text[PATH_MAX];
};

/** Runs the suite. Returns main()'s exit status, which is failure also if no test ran. */
int test_run(Suite *suite);

/**
 * Gives the tests of a case a folder for their files. The process that starts the tests makes and
 * removes it, so it is removed even if a test fails or crashes.
 */
void test_use_folder(TCase *tcase);

/** Makes an empty folder. */
struct test_path test_folder(void);

/** Returns dir/name. */
struct test_path test_join(const char *dir, const char *name);

/** Writes dir/name, replacing any old contents. Returns its path. */
struct test_path test_write(const char *dir, const char *name, const void *data, size_t len);

/** The same for text. */
struct test_path test_write_text(const char *dir, const char *name, const char *text);

/** Discards stderr, for tests that provoke log messages. */
void test_quiet(void);

/** Restores stderr. */
void test_loud(void);

/** Restarts the random numbers. */
void test_seed(uint64_t seed);

/** The next random number (xorshift64*); the sequence is the same on every run. */
uint32_t test_random(void);

#endif
