/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Shared by all Check programs of the unit tests: running a suite, temporary folders, a quiet
 * stderr.
 */
#ifndef MXFS_TEST_SUITE_H
#define MXFS_TEST_SUITE_H

#include <check.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/** A path, by value, so that no test has to free one. */
struct test_path {
    char text[PATH_MAX];
};

/**
 * Runs the suite. Returns main()'s exit status: failure also when no test ran.
 */
int test_run(Suite *suite);

/**
 * Gives the tests of a case a folder for their files. It is made and removed by the process that
 * starts the tests, so it also goes when a test fails or crashes.
 */
void test_use_folder(TCase *tcase);

/** A new empty folder. */
struct test_path test_folder(void);

/** dir/name. */
struct test_path test_join(const char *dir, const char *name);

/** Writes dir/name anew. */
struct test_path test_write(const char *dir, const char *name, const void *data, size_t len);

/** The same for text. */
struct test_path test_write_text(const char *dir, const char *name, const char *text);

/** Sends stderr nowhere: log lines that a test provokes say nothing to people. */
void test_quiet(void);

/** stderr as it was. */
void test_loud(void);

/** Starts the random numbers anew. */
void test_seed(uint64_t seed);

/** The next random number (xorshift64*); the same ones on every run. */
uint32_t test_random(void);

#endif
