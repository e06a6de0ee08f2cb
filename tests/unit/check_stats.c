/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics as text: the same numbers in every form.
 */
#include "mxfs/stats.h"

#include <stdlib.h>
#include <string.h>

#include "support/suite.h"

static const struct mxfs_stats sample = {
    .version = "1.2.3",
    .uptime_ns = 61000000000,
    .open_files = 1,
    .reads = 22,
    .bytes_served = UINT64_MAX,
    .bytes_read = 4444,
    .errors = 5,
    .cache_hits = 66,
    .cache_misses = 7,
    .cache_bytes = 8888,
    .cache_limit = 99999,
    .units = 10,
    .load_ns = 1500,
    .decode_ns = 2000000999,
};

static char *text_of(enum mxfs_stats_form form)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    mxfs_stats_write(out, &sample, form);
    fclose(out);
    return text;
}

static void check_text(enum mxfs_stats_form form, const char *expected)
{
    char *text = text_of(form);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(line)
{
    check_text(MXFS_STATS_LINE,
               "version 1.2.3, uptime seconds 61.000000, open files 1, reads 22, "
               "bytes served 18446744073709551615, bytes read 4444, errors 5, cache hits 66, "
               "cache misses 7, cache bytes 8888, cache limit 99999, units loaded 10, "
               "load seconds 0.000001, decode seconds 2.000000");
}
END_TEST

START_TEST(table)
{
    check_text(MXFS_STATS_TABLE, "version             1.2.3\n"
                                 "uptime seconds      61.000000\n"
                                 "open files          1\n"
                                 "reads               22\n"
                                 "bytes served        18446744073709551615\n"
                                 "bytes read          4444\n"
                                 "errors              5\n"
                                 "cache hits          66\n"
                                 "cache misses        7\n"
                                 "cache bytes         8888\n"
                                 "cache limit         99999\n"
                                 "units loaded        10\n"
                                 "load seconds        0.000001\n"
                                 "decode seconds      2.000000\n");
}
END_TEST

START_TEST(people)
{
    check_text(MXFS_STATS_PEOPLE, "version             1.2.3\n"
                                  "uptime              61.0 s\n"
                                  "open files          1\n"
                                  "reads               22\n"
                                  "bytes served        18.4 EB\n"
                                  "bytes read          4.4 kB\n"
                                  "errors              5\n"
                                  "cache hits          66\n"
                                  "cache misses        7\n"
                                  "cache bytes         8.9 kB\n"
                                  "cache limit         100.0 kB\n"
                                  "units loaded        10\n"
                                  "load time           0.0015 ms\n"
                                  "decode time         2.0 s\n");
}
END_TEST

START_TEST(json)
{
    check_text(MXFS_STATS_JSON,
               "{\"version\":\"1.2.3\",\"uptime_seconds\":61.000000,\"open_files\":1,\"reads\":22,"
               "\"bytes_served\":18446744073709551615,\"bytes_read\":4444,\"errors\":5,"
               "\"cache_hits\":66,\"cache_misses\":7,\"cache_bytes\":8888,\"cache_limit\":99999,"
               "\"units_loaded\":10,\"load_seconds\":0.000001,\"decode_seconds\":2.000000}\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats");
    TCase *tests = tcase_create("forms");

    tcase_add_test(tests, line);
    tcase_add_test(tests, table);
    tcase_add_test(tests, people);
    tcase_add_test(tests, json);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
