/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Source files: which ones open, exact reads, and changes that fail all later reads.
 */
#include "mxfs/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/suite.h"

static struct test_path path;

static void open_text(struct mxfs_source *s, const char *text)
{
    struct mxfs_error err = {0};

    path = test_write_text(test_folder().text, "file", text);
    ck_assert_msg(mxfs_source_open(s, path.text, NULL, &err) == 0, "%s", err.text);
}

START_TEST(reads_exactly)
{
    static const char text[] = "0123456789";
    struct mxfs_source s;
    char buf[12];

    open_text(&s, text);
    ck_assert_str_eq(s.path, path.text);
    ck_assert_int_eq(s.st.st_size, 10);
    for (size_t offset = 0; offset <= 10; offset++)
        for (size_t len = 0; offset + len <= 10; len++) {
            memset(buf, '-', sizeof(buf));
            ck_assert_int_eq(mxfs_source_read(&s, buf, len, offset), 0);
            ck_assert_int_eq(memcmp(buf, text + offset, len), 0);
            ck_assert_int_eq(buf[len], '-');
        }
    ck_assert(!s.changed);
    mxfs_source_close(&s);
    mxfs_source_close(&s);
    ck_assert_int_eq(s.fd, -1);
}
END_TEST

/* A large read continues if the system returns fewer bytes than requested. */
START_TEST(reads_much)
{
    enum { SIZE = 5 << 20 };
    struct mxfs_source s;
    struct mxfs_error err = {0};
    char *data = malloc(SIZE), *back = malloc(SIZE);

    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)test_random();
    path = test_write(test_folder().text, "file", data, SIZE);
    ck_assert_int_eq(mxfs_source_open(&s, path.text, NULL, &err), 0);
    ck_assert_int_eq(mxfs_source_read(&s, back, SIZE - 1, 1), 0);
    ck_assert_int_eq(memcmp(back, data + 1, SIZE - 1), 0);
    mxfs_source_close(&s);
    free(data);
    free(back);
}
END_TEST

static void check_refused(const char *what, const char *part)
{
    struct mxfs_source s;
    struct mxfs_error err = {0};

    ck_assert_int_lt(mxfs_source_open(&s, what, NULL, &err), 0);
    ck_assert_int_eq(err.code, MXFS_EXIT_SOURCE);
    ck_assert_ptr_nonnull(strstr(err.text, what));
    ck_assert_ptr_nonnull(strstr(err.text, part));
    ck_assert_int_eq(s.fd, -1);
    mxfs_source_close(&s);
}

START_TEST(what_is_no_file)
{
    struct test_path dir = test_folder(), fifo = test_join(dir.text, "fifo"),
                     link = test_join(dir.text, "link");

    check_refused(test_join(dir.text, "absent").text, "No such file");
    check_refused(dir.text, "is a directory");
    ck_assert_int_eq(mkfifo(fifo.text, 0600), 0);
    check_refused(fifo.text, "not a regular file"); /* returns at once, without a writer */
    check_refused("/dev/null", "not a regular file");
    ck_assert_int_eq(symlink(link.text, link.text), 0);
    check_refused(link.text, "symbolic links");
}
END_TEST

START_TEST(descriptors_are_not_inherited)
{
    struct mxfs_source s;

    open_text(&s, "x");
    ck_assert(fcntl(s.fd, F_GETFD) & FD_CLOEXEC);
    mxfs_source_close(&s);
}
END_TEST

static void check_fails_for_good(struct mxfs_source *s)
{
    char buf[4];

    test_quiet();
    ck_assert_int_eq(mxfs_source_read(s, buf, 4, 0), -EIO);
    ck_assert(s->changed);
    ck_assert_int_eq(mxfs_source_read(s, buf, 1, 0), -EIO);
    test_loud();
}

START_TEST(truncated)
{
    struct mxfs_source s;

    open_text(&s, "0123456789");
    ck_assert_int_eq(truncate(path.text, 2), 0);
    check_fails_for_good(&s);
    mxfs_source_close(&s);
}
END_TEST

START_TEST(grown)
{
    struct mxfs_source s;

    open_text(&s, "0123456789");
    ck_assert_int_eq(truncate(path.text, 20), 0);
    struct timespec back[2] = {{0, UTIME_OMIT}, s.st.st_mtim};
    ck_assert_int_eq(utimensat(AT_FDCWD, path.text, back, 0), 0); /* only the size differs */
    check_fails_for_good(&s);
    mxfs_source_close(&s);
}
END_TEST

START_TEST(touched)
{
    struct mxfs_source s;

    open_text(&s, "0123456789");
    struct timespec later[2] = {{0, UTIME_OMIT}, s.st.st_mtim};
    later[1].tv_nsec ^= 1; /* the smallest possible difference */
    ck_assert_int_eq(utimensat(AT_FDCWD, path.text, later, 0), 0);
    check_fails_for_good(&s);
    ck_assert_int_eq(utimensat(AT_FDCWD, path.text, (struct timespec[]){later[0], s.st.st_mtim}, 0),
                     0);
    check_fails_for_good(&s); /* even if it looks unchanged again */
    mxfs_source_close(&s);
}
END_TEST

/* Changes that keep the bytes do not count, and a replaced file is still read from the old one. */
START_TEST(renamed_replaced_and_removed)
{
    struct mxfs_source s;
    char buf[10];

    open_text(&s, "0123456789");
    struct test_path dir = test_folder(), other = test_join(dir.text, "moved");
    ck_assert_int_eq(chmod(path.text, 0400), 0);
    ck_assert_int_eq(rename(path.text, other.text), 0);
    ck_assert_int_eq(mxfs_source_read(&s, buf, 10, 0), 0);
    ck_assert_int_eq(rename(test_write_text(dir.text, "new", "else").text, other.text), 0);
    ck_assert_int_eq(mxfs_source_read(&s, buf, 10, 0), 0);
    ck_assert_int_eq(unlink(other.text), 0);
    ck_assert_int_eq(mxfs_source_read(&s, buf, 10, 0), 0);
    ck_assert_int_eq(memcmp(buf, "0123456789", 10), 0);
    mxfs_source_close(&s);
}
END_TEST

START_TEST(slurp)
{
    struct test_path dir = test_folder();
    struct test_path file = test_write(dir.text, "file", "a\0b", 3);
    struct test_path empty = test_write(dir.text, "empty", "", 0);
    struct mxfs_error err = {0};
    char *text;
    size_t len;

    ck_assert_int_eq(mxfs_source_slurp(file.text, NULL, 3, &text, &len, &err), 0);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(memcmp(text, "a\0b", 4), 0);
    free(text);
    ck_assert_int_eq(mxfs_source_slurp(empty.text, NULL, 0, &text, &len, &err), 0);
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(text, "");
    free(text);
    ck_assert_int_lt(mxfs_source_slurp(file.text, NULL, 2, &text, &len, &err), 0);
    ck_assert_int_eq(err.code, MXFS_EXIT_MALFORMED);
    err = (struct mxfs_error){0};
    ck_assert_int_lt(mxfs_source_slurp(dir.text, NULL, 9, &text, &len, &err), 0);
    ck_assert_int_eq(err.code, MXFS_EXIT_SOURCE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source");
    TCase *tests = tcase_create("files");

    test_use_folder(tests);
    tcase_add_test(tests, reads_exactly);
    tcase_add_test(tests, reads_much);
    tcase_add_test(tests, what_is_no_file);
    tcase_add_test(tests, descriptors_are_not_inherited);
    tcase_add_test(tests, truncated);
    tcase_add_test(tests, grown);
    tcase_add_test(tests, touched);
    tcase_add_test(tests, renamed_replaced_and_removed);
    tcase_add_test(tests, slurp);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
