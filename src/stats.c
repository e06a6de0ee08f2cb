/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics as text. All forms are written from one table, so that they agree.
 */
#include "mxfs/stats.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/text.h"

/* The column in which the numbers of a table begin. */
enum { VALUE_COLUMN = 20 };

enum kind { COUNT, BYTES, NANOSECONDS /* written as seconds */ };

static const struct {
    const char *name;  /* in JSON; elsewhere with spaces for underscores */
    size_t offset;     /* in struct mxfs_stats */
    enum kind kind;    /* how the number is written */
    const char *label; /* on a terminal, where it differs from `name` */
} fields[] = {
    {"uptime_seconds", offsetof(struct mxfs_stats, uptime_ns), NANOSECONDS, "uptime"},
    {"open_files", offsetof(struct mxfs_stats, open_files), COUNT, NULL},
    {"reads", offsetof(struct mxfs_stats, reads), COUNT, NULL},
    {"bytes_served", offsetof(struct mxfs_stats, bytes_served), BYTES, NULL},
    {"bytes_read", offsetof(struct mxfs_stats, bytes_read), BYTES, NULL},
    {"errors", offsetof(struct mxfs_stats, errors), COUNT, NULL},
    {"cache_hits", offsetof(struct mxfs_stats, cache_hits), COUNT, NULL},
    {"cache_misses", offsetof(struct mxfs_stats, cache_misses), COUNT, NULL},
    {"cache_bytes", offsetof(struct mxfs_stats, cache_bytes), BYTES, NULL},
    {"cache_limit", offsetof(struct mxfs_stats, cache_limit), BYTES, NULL},
    {"units_loaded", offsetof(struct mxfs_stats, units), COUNT, NULL},
    {"load_seconds", offsetof(struct mxfs_stats, load_ns), NANOSECONDS, "load time"},
    {"decode_seconds", offsetof(struct mxfs_stats, decode_ns), NANOSECONDS, "decode time"},
};

static void put_value(FILE *out, uint64_t value, enum kind kind)
{
    if (kind == NANOSECONDS)
        fprintf(out, "%" PRIu64 ".%06" PRIu64, value / 1000000000, value % 1000000000 / 1000);
    else
        fprintf(out, "%" PRIu64, value);
}

static void put_human(FILE *out, uint64_t value, enum kind kind)
{
    char text[MXFS_TEXT_SIZE];

    if (kind == NANOSECONDS)
        fputs(mxfs_text_time(text, (double)value / 1e9), out);
    else if (kind == BYTES)
        fputs(mxfs_text_size(text, value), out);
    else
        put_value(out, value, kind);
}

/* Writes a name with spaces for underscores, padded in a table. */
static void put_label(FILE *out, const char *name, bool table)
{
    int width = 0;

    for (; *name; name++, width++)
        fputc(*name == '_' ? ' ' : *name, out);
    fprintf(out, "%*s", table ? VALUE_COLUMN - width : 1, "");
}

void mxfs_stats_write(FILE *out, const struct mxfs_stats *stats, enum mxfs_stats_form form)
{
    bool json = form == MXFS_STATS_JSON, people = form == MXFS_STATS_PEOPLE;
    bool table = form == MXFS_STATS_TABLE || people;

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
            put_label(out, people && fields[i].label ? fields[i].label : fields[i].name, table);
        uint64_t value;
        memcpy(&value, (const char *)stats + fields[i].offset, sizeof(value));
        (people ? put_human : put_value)(out, value, fields[i].kind);
    }
    fputs(json ? "}\n" : table ? "\n" : "", out);
}
