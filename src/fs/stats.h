/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics of a running mount, asked for by an ioctl on its root: no file, which `cp -r` would
 * copy. Private to fs/.
 *
 * The request's number holds the size of the answer, so that never changes; what is in it may, and
 * `layout` then does.
 */
#ifndef MXFS_FS_STATS_H
#define MXFS_FS_STATS_H

#include <sys/ioctl.h>

#include "context.h"
#include "mxfs/stats.h"

/** The answer. Layout and version, with which `stats` begins, stay where they are for ever. */
union fs_stats_answer {
    struct {
        char magic[8];   /**< FS_STATS_MAGIC */
        uint32_t layout; /**< FS_STATS_LAYOUT: of what follows the version */
        uint32_t size;   /**< of struct mxfs_stats */
        struct mxfs_stats stats;
    };
    char room[1024];
};

#define FS_STATS_MAGIC "mxfs_st"
#define FS_STATS_LAYOUT 1
#define FS_STATS_IOCTL _IOR('m', 0xF5, union fs_stats_answer)

/** The state of a mount that this process serves. */
struct mxfs_stats mxfs_fs_stats_now(struct fs_context *fs);

/** Logs it. */
void mxfs_fs_stats_log(struct fs_context *fs);

/** Fills the answer to FS_STATS_IOCTL. */
void mxfs_fs_stats_answer(struct fs_context *fs, union fs_stats_answer *answer);

#endif
