/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Errors and log limits: any input bytes become one clean line of bounded length.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/compiler.h"
#include "mxfs/error.h"
#include "mxfs/log.h"
#include "mxfs/utf8.h"

/* A literal with its length, NULs included. */
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
    const char *in;
    size_t len;
    const char *escaped;
    const char *quoted;
} texts[] = {
    {BYTES(""), "", "\"\""},
    {BYTES("plain text"), "plain text", "\"plain text\""},
    {BYTES("a\"b\\c"), "a\"b\\c", "\"a\\\"b\\\\c\""},
    {BYTES("\0\x01\x1f\x7f"), "\\x00\\x01\\x1f\\x7f", "\"\\x00\\x01\\x1f\\x7f\""},
    {BYTES("a\nb\r\t"), "a\\x0ab\\x0d\\x09", "\"a\\x0ab\\x0d\\x09\""},
    {BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {BYTES("\xc2\x80\xc2\x9f\xc2\xa0"), "\\xc2\\x80\\xc2\\x9f\xc2\xa0",
     "\"\\xc2\\x80\\xc2\\x9f\xc2\xa0\""},
    {BYTES("\xe2\x80\xa7|\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xaf"),
     "\xe2\x80\xa7|\\xe2\\x80\\xa8|\\xe2\\x80\\xa9|\xe2\x80\xaf",
     "\"\xe2\x80\xa7|\\xe2\\x80\\xa8|\\xe2\\x80\\xa9|\xe2\x80\xaf\""},
    /*
     * U+061C, and both ends of U+200E..200F, U+202A..202E and U+2066..2069; then their neighbours
     */
    {BYTES("\xd8\x9c|\xe2\x80\x8e\xe2\x80\x8f|\xe2\x80\xaa\xe2\x80\xae"),
     "\\xd8\\x9c|\\xe2\\x80\\x8e\\xe2\\x80\\x8f|\\xe2\\x80\\xaa\\xe2\\x80\\xae",
     "\"\\xd8\\x9c|\\xe2\\x80\\x8e\\xe2\\x80\\x8f|\\xe2\\x80\\xaa\\xe2\\x80\\xae\""},
    {BYTES("\xe2\x81\xa6\xe2\x81\xa9"), "\\xe2\\x81\\xa6\\xe2\\x81\\xa9",
     "\"\\xe2\\x81\\xa6\\xe2\\x81\\xa9\""},
    {BYTES("\xd8\x9b\xe2\x80\x8d\xe2\x80\x90\xe2\x81\xa5\xe2\x81\xaa"),
     "\xd8\x9b\xe2\x80\x8d\xe2\x80\x90\xe2\x81\xa5\xe2\x81\xaa",
     "\"\xd8\x9b\xe2\x80\x8d\xe2\x80\x90\xe2\x81\xa5\xe2\x81\xaa\""},
    {BYTES("\xff\xc0\xaf\xed\xa0\x80"), "\\xff\\xc0\\xaf\\xed\\xa0\\x80",
     "\"\\xff\\xc0\\xaf\\xed\\xa0\\x80\""},
    {BYTES("\xe2\x82"), "\\xe2\\x82", "\"\\xe2\\x82\""},
};

START_TEST(escape_and_quote)
{
    char out[200];

    for (size_t i = 0; i < MXFS_COUNT(texts); i++) {
        size_t len = mxfs_escape(out, sizeof(out), texts[i].in, texts[i].len);
        ck_assert_str_eq(out, texts[i].escaped);
        ck_assert_uint_eq(len, strlen(out));
        ck_assert_str_eq(mxfs_quote(texts[i].in, texts[i].len).text, texts[i].quoted);
    }
}
END_TEST

START_TEST(escape_cuts_between_characters)
{
    char out[8];

    for (size_t size = 1; size <= sizeof(out); size++) {
        memset(out, 'z', sizeof(out));
        size_t len = mxfs_escape(out, size, BYTES("a\xe2\x82\xac\n"));
        static const size_t expected[] = {0, 0, 1, 1, 1, 4, 4, 4, 4};
        ck_assert_uint_eq(len, expected[size]);
        ck_assert_int_eq(out[len], 0);
        for (size_t i = size; i < sizeof(out); i++)
            ck_assert_int_eq(out[i], 'z');
    }
}
END_TEST

/*
 * Every length near the limits, with characters of 1 to 4 bytes and with bytes that need escapes.
 */
START_TEST(long_names_are_shortened_in_the_middle)
{
    static const char *const units[] = {"x",  "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                        "\n", "\"",       "\xff"};
    static char name[2000];

    for (size_t u = 0; u < MXFS_COUNT(units); u++)
        for (size_t count = 1; count < 300; count++) {
            size_t unit = strlen(units[u]), len = 0;
            for (size_t i = 0; i < count; i++, len += unit)
                memcpy(name + len, units[u], unit);
            name[0] = 'A';
            memcpy(name + len, "Z", 1);
            struct mxfs_quoted q = mxfs_quote(name, len + 1);
            size_t shown = strlen(q.text);
            ck_assert_uint_lt(shown, MXFS_QUOTED);
            ck_assert_int_eq(q.text[1], 'A');
            ck_assert_int_eq(q.text[shown - 2], 'Z');
            ck_assert_int_eq(q.text[shown - 1], '"');
            for (size_t i = 0, step; i < shown; i += step) {
                step = mxfs_utf8_char_len((const unsigned char *)q.text + i, shown - i);
                ck_assert_uint_ne(step, 0);
            }
            if (unit == 1 && units[u][0] == 'x' && count <= 196)
                ck_assert_ptr_null(strstr(q.text, "..."));
        }
}
END_TEST

START_TEST(first_error_wins)
{
    struct mxfs_error err = {0};

    ck_assert_int_eq(mxfs_fail(&err, MXFS_EXIT_MALFORMED, EINVAL, "%s: %d", "a\nb", 7), -EINVAL);
    ck_assert_int_eq(mxfs_fail(&err, MXFS_EXIT_FAILED, ENOMEM, "later"), -ENOMEM);
    ck_assert_int_eq(err.code, MXFS_EXIT_MALFORMED);
    ck_assert_str_eq(err.text, "a\\x0ab: 7");
    ck_assert_int_eq(mxfs_fail(NULL, MXFS_EXIT_FAILED, EIO, "nowhere"), -EIO);
}
END_TEST

START_TEST(long_messages_keep_both_ends)
{
    static char path[6000];

    memset(path, 'p', sizeof(path) - 1);
    for (size_t len = 900; len < sizeof(path); len += 17) {
        struct mxfs_error err = {0};
        mxfs_fail(&err, MXFS_EXIT_SOURCE, EIO, "/%.*s: the reason", (int)len, path);
        ck_assert_uint_lt(strlen(err.text), MXFS_ERROR_TEXT);
        ck_assert_int_eq(strncmp(err.text, "/ppp", 4), 0);
        ck_assert_str_eq(err.text + strlen(err.text) - 12, ": the reason");
        ck_assert_int_eq(strstr(err.text, "...") != NULL, len > 1010);
    }
}
END_TEST

START_TEST(log_limit_counts_what_it_drops)
{
    struct mxfs_log_limit limit = {0};
    uint64_t dropped = 99;

    ck_assert(mxfs_log_allow(&limit, &dropped));
    ck_assert_uint_eq(dropped, 0);
    limit.last += 1000; /* simulates the same second */
    ck_assert(!mxfs_log_allow(&limit, &dropped));
    ck_assert(!mxfs_log_allow(&limit, &dropped));
    limit.last = 0;
    ck_assert(mxfs_log_allow(&limit, &dropped));
    ck_assert_uint_eq(dropped, 2);
    ck_assert_uint_eq(limit.dropped, 0);
}
END_TEST

/* The messages that a sink received. */
struct heard {
    int lines;
    enum mxfs_log_level level;
    char line[100];
};

static void hear(void *data, enum mxfs_log_level level, const char *line)
{
    struct heard *h = data;

    h->lines++;
    h->level = level;
    snprintf(h->line, sizeof(h->line), "%s", line);
}

START_TEST(log_lines_go_to_the_sink)
{
    struct heard h = {0};

    mxfs_log(MXFS_LOG_ERROR, "dropped: there is no sink yet");
    mxfs_log_open(hear, &h, MXFS_LOG_WARNING);
    mxfs_log(MXFS_LOG_NOTICE, "dropped: below the level");
    ck_assert_int_eq(h.lines, 0);
    mxfs_log(MXFS_LOG_WARNING, "%s", "two\nlines");
    ck_assert_int_eq(h.lines, 1);
    ck_assert_int_eq(h.level, MXFS_LOG_WARNING);
    ck_assert_str_eq(h.line, "two\\x0alines");
    mxfs_log_open(NULL, NULL, MXFS_LOG_DEBUG);
    mxfs_log(MXFS_LOG_ERROR, "dropped");
    ck_assert_int_eq(h.lines, 1);
}
END_TEST

START_TEST(log_lines_on_stderr)
{
    char line[100] = "";
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    fflush(stderr);
    ck_assert_int_ge(dup2(fileno(file), fileno(stderr)), 0); /* each test is a process of its own */
    mxfs_log(MXFS_LOG_ERROR, "not shown: there is no sink");
    mxfs_log_open(mxfs_log_stderr, NULL, MXFS_LOG_NOTICE);
    mxfs_log(MXFS_LOG_ERROR, "%s", "two\nlines");
    mxfs_log(MXFS_LOG_DEBUG, "not shown");
    fflush(stderr);
    rewind(file);
    ck_assert_uint_eq(fread(line, 1, sizeof(line) - 1, file), 19);
    ck_assert_str_eq(line, "mxfs: two\\x0alines\n");
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tests = tcase_create("text");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(tests, escape_and_quote);
    tcase_add_test(tests, escape_cuts_between_characters);
    tcase_add_test(tests, long_names_are_shortened_in_the_middle);
    tcase_add_test(tests, first_error_wins);
    tcase_add_test(tests, long_messages_keep_both_ends);
    tcase_add_test(tests, log_limit_counts_what_it_drops);
    tcase_add_test(tests, log_lines_go_to_the_sink);
    tcase_add_test(tests, log_lines_on_stderr);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
