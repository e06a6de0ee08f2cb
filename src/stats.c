/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics as text. All forms go through one table, so they cannot differ in what they say.
 */
#include "mxfs/stats.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "mxfs/compiler.h"

/* Column where the numbers of a table begin. */
enum { VALUE_COLUMN = 20 };

static const struct {
    const char *name; /* in JSON; with spaces for people */
    size_t offset;
    bool seconds; /* nanoseconds, written as seconds */
} fields[] = {
    {"uptime_seconds", offsetof(struct mxfs_stats, uptime_ns), true},
    {"open_files", offsetof(struct mxfs_stats, open_files), false},
    {"reads", offsetof(struct mxfs_stats, reads), false},
    {"bytes_served", offsetof(struct mxfs_stats, bytes_served), false},
    {"bytes_read", offsetof(struct mxfs_stats, bytes_read), false},
    {"errors", offsetof(struct mxfs_stats, errors), false},
    {"cache_hits", offsetof(struct mxfs_stats, cache_hits), false},
    {"cache_misses", offsetof(struct mxfs_stats, cache_misses), false},
    {"cache_bytes", offsetof(struct mxfs_stats, cache_bytes), false},
    {"cache_limit", offsetof(struct mxfs_stats, cache_limit), false},
    {"units_loaded", offsetof(struct mxfs_stats, units), false},
    {"load_seconds", offsetof(struct mxfs_stats, load_ns), true},
    {"decode_seconds", offsetof(struct mxfs_stats, decode_ns), true},
};

static void put_value(FILE *out, uint64_t value, bool seconds)
{
    if (seconds)
        fprintf(out, "%" PRIu64 ".%06" PRIu64, value / 1000000000, value % 1000000000 / 1000);
    else
        fprintf(out, "%" PRIu64, value);
}

/* "bytes served " for people, filled up to the column of values in a table. */
static void put_label(FILE *out, const char *name, bool table)
{
    int width = 0;

    for (; *name; name++, width++)
        fputc(*name == '_' ? ' ' : *name, out);
    fprintf(out, "%*s", table ? VALUE_COLUMN - width : 1, "");
}

void mxfs_stats_write(FILE *out, const struct mxfs_stats *stats, enum mxfs_stats_form form)
{
    bool json = form == MXFS_STATS_JSON, table = form == MXFS_STATS_TABLE;

    if (json)
        fprintf(out, "{\"version\":\"%s\"", stats->version);
    else
        put_label(out, "version", table);
    if (!json)
        fputs(stats->version, out);
    for (size_t i = 0; i < MXFS_COUNT(fields); i++) {
        fputs(table ? "\n" : json ? "," : ", ", out);
        if (json)
            fprintf(out, "\"%s\":", fields[i].name);
        else
            put_label(out, fields[i].name, table);
        uint64_t value;
        memcpy(&value, (const char *)stats + fields[i].offset, sizeof(value));
        put_value(out, value, fields[i].seconds);
    }
    fputs(json ? "}\n" : table ? "\n" : "", out);
}
