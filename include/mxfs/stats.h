/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics of a running mount, and the forms in which they are written.
 *
 * Thread safety: per call.
 */
#ifndef MXFS_STATS_H
#define MXFS_STATS_H

#include <stdint.h>
#include <stdio.h>

/** Bytes of a version as text, including the final NUL. */
#define MXFS_STATS_VERSION 32

/** Statistics of a mount, counted since it started. */
struct mxfs_stats {
    char version[MXFS_STATS_VERSION]; /**< of the program that serves it */
    uint64_t uptime_ns;               /**< nanoseconds since the mount started */
    uint64_t open_files;              /**< files that are open now */
    uint64_t reads;                   /**< read requests answered with data */
    uint64_t bytes_served; /**< bytes in these answers; excludes reads from the page cache */
    uint64_t bytes_read;   /**< bytes read from the source */
    uint64_t errors;       /**< read requests that failed */
    uint64_t cache_hits;   /**< units that readers needed and found in the cache */
    uint64_t cache_misses; /**< units that readers needed and had to load */
    uint64_t cache_bytes;  /**< bytes cached now */
    uint64_t cache_limit;  /**< the bound of the cache in bytes, --cache-size */
    uint64_t units;        /**< packed units loaded, on demand or ahead */
    uint64_t load_ns;      /**< nanoseconds spent reading and packing these */
    uint64_t decode_ns;    /**< nanoseconds spent in decoding kernels, summed over threads */
};

/** Forms of the output. */
enum mxfs_stats_form {
    MXFS_STATS_LINE,   /**< "reads 3, errors 0, ...", for a log; without a newline */
    MXFS_STATS_TABLE,  /**< one exact number per line, for pipes */
    MXFS_STATS_PEOPLE, /**< one number per line, rounded, with its unit, for terminals */
    MXFS_STATS_JSON,   /**< an object and a newline */
};

/** Writes statistics in one of the forms; the caller checks `out` for errors. */
void mxfs_stats_write(FILE *out, const struct mxfs_stats *stats, enum mxfs_stats_form form);

#endif
