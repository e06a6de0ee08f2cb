/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics of a running mount: the numbers, and how they are written.
 *
 * Thread safety: per call.
 */
#ifndef MXFS_STATS_H
#define MXFS_STATS_H

#include <stdint.h>
#include <stdio.h>

/** Room for a version as text. */
#define MXFS_STATS_VERSION 32

/** The state of a mount at one moment; counted since it began. */
struct mxfs_stats {
    char version[MXFS_STATS_VERSION]; /**< of the program that serves it */
    uint64_t uptime_ns;
    uint64_t open_files;   /**< now */
    uint64_t reads;        /**< requests answered with data */
    uint64_t bytes_served; /**< in these answers; what the kernel has cached is not asked for */
    uint64_t bytes_read;   /**< from the source */
    uint64_t errors;       /**< read requests that failed */
    uint64_t cache_hits;   /**< units asked for that were in memory */
    uint64_t cache_misses; /**< and that were not */
    uint64_t cache_bytes;  /**< held now */
    uint64_t cache_limit;  /**< --cache-size */
    uint64_t units;        /**< packed units loaded, also ahead of readers */
    uint64_t load_ns;      /**< reading the source for these and packing them */
    uint64_t decode_ns;    /**< in decoding kernels, of all threads */
};

/** Ways to write them. */
enum mxfs_stats_form {
    MXFS_STATS_LINE,   /**< "reads 3, errors 0, ...", for a log; without a newline */
    MXFS_STATS_TABLE,  /**< a line each, exact, for pipes */
    MXFS_STATS_PEOPLE, /**< a line each, in units, for terminals */
    MXFS_STATS_JSON,   /**< an object, and a newline */
};

/** Writes them. */
void mxfs_stats_write(FILE *out, const struct mxfs_stats *stats, enum mxfs_stats_form form);

#endif
