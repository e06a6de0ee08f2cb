/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Numbers in human-readable form, rounded to the precision that people need.
 */
#include "mxfs/text.h"

#include <inttypes.h>
#include <stddef.h>

#include "mxfs/compiler.h"

const char *mxfs_text_size(char out[MXFS_TEXT_SIZE], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)bytes;
    size_t u = 0;

    while (v >= 999.95 && u + 1 < MXFS_COUNT(units)) {
        v /= 1000;
        u++;
    }
    snprintf(out, MXFS_TEXT_SIZE, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
    return out;
}

const char *mxfs_text_time(char out[MXFS_TEXT_SIZE], double seconds)
{
    if (seconds < 0.9995)
        snprintf(out, MXFS_TEXT_SIZE, "%.3g ms", seconds * 1e3);
    else if (seconds < 120)
        snprintf(out, MXFS_TEXT_SIZE, "%.1f s", seconds);
    else if (seconds < 120 * 60)
        snprintf(out, MXFS_TEXT_SIZE, "%.0f min", seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(out, MXFS_TEXT_SIZE, "%.0f h", seconds / 3600);
    else
        snprintf(out, MXFS_TEXT_SIZE, "%.0f days", seconds / 86400);
    return out;
}

int mxfs_text_dims(FILE *out, const uint64_t *dims, uint32_t count)
{
    char number[24];
    int length = 2;

    if (out)
        fputc('[', out);
    for (uint32_t i = 0; i < count; i++) {
        length += snprintf(number, sizeof(number), "%s%" PRIu64, i ? "," : "", dims[i]);
        if (out)
            fputs(number, out);
    }
    if (out)
        fputc(']', out);
    return length;
}
