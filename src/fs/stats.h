/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics of a running mount, requested by an ioctl on its root. Not a file, because `cp -r`
 * would copy it. Private to fs/.
 *
 * The number of the request contains the size of the answer, so the size must never change. The
 * contents may change, and `layout` with them.
 */
#ifndef MXFS_FS_STATS_H
#define MXFS_FS_STATS_H

#include <sys/ioctl.h>

#include "context.h"
#include "mxfs/stats.h"

/** The answer. `layout`, and the version at the start of `stats`, never move. */
union fs_stats_answer {
    struct {
        char magic[8];           /**< FS_STATS_MAGIC */
        uint32_t layout;         /**< FS_STATS_LAYOUT: describes `stats` after its version */
        uint32_t size;           /**< bytes of struct mxfs_stats */
        struct mxfs_stats stats; /**< the numbers */
    };
    char room[1024]; /**< fixes the size */
};

/** The first bytes of an answer. */
#define FS_STATS_MAGIC "mxfs_st"

/** The version of struct mxfs_stats. */
#define FS_STATS_LAYOUT 1

/** The request. */
#define FS_STATS_IOCTL _IOR('m', 0xF5, union fs_stats_answer)

/** Logs the present numbers as one line. */
void fs_stats_log(struct fs_context *fs);

/** Fills the answer to FS_STATS_IOCTL. */
void fs_stats_answer(struct fs_context *fs, union fs_stats_answer *answer);

#endif
