/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics of a running mount, and the forms they are written in.
 *
 * Thread safety: per call.
 */
#ifndef MXFS_STATS_H
#define MXFS_STATS_H

#include <stdint.h>
#include <stdio.h>

/** Bytes for a version as text. */
#define MXFS_STATS_VERSION 32

/** Statistics of a mount, counted since it started. */
struct mxfs_stats {
    char version[MXFS_STATS_VERSION]; /**< of the program that serves it */
    uint64_t uptime_ns;               /**< since the mount was made */
    uint64_t open_files;              /**< now */
    uint64_t reads;                   /**< requests answered with data */
    uint64_t bytes_served; /**< in these answers; excludes reads from the kernel's page cache */
    uint64_t bytes_read;   /**< from the source */
    uint64_t errors;       /**< read requests that failed */
    uint64_t cache_hits;   /**< requested units that were in the cache */
    uint64_t cache_misses; /**< requested units that were not */
    uint64_t cache_bytes;  /**< held now */
    uint64_t cache_limit;  /**< --cache-size */
    uint64_t units;        /**< packed units loaded, on demand and ahead */
    uint64_t load_ns;      /**< time to read and pack these */
    uint64_t decode_ns;    /**< time in decoding kernels, all threads together */
};

/** Forms of the output. */
enum mxfs_stats_form {
    MXFS_STATS_LINE,   /**< "reads 3, errors 0, ...", for a log; without a newline */
    MXFS_STATS_TABLE,  /**< one number a line, exact, for pipes */
    MXFS_STATS_PEOPLE, /**< one number a line, with units, for terminals */
    MXFS_STATS_JSON,   /**< an object and a newline */
};

/** Writes statistics in one of the forms; the caller checks `out` for errors. */
void mxfs_stats_write(FILE *out, const struct mxfs_stats *stats, enum mxfs_stats_form form);

#endif
