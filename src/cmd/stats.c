/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs stats: prints the statistics of a mount.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "mxfs/fs.h"
#include "mxfs/path.h"

int cmd_stats(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct mxfs_stats stats;
    char *path;

    int rc = mxfs_path_resolve(&path, options->operand[0], MXFS_EXIT_FAILED, err);
    if (rc == 0)
        rc = mxfs_fs_stats(path, &stats, err);
    if (rc == 0)
        mxfs_stats_write(stdout, &stats,
                         options->json           ? MXFS_STATS_JSON
                         : isatty(STDOUT_FILENO) ? MXFS_STATS_PEOPLE
                                                 : MXFS_STATS_TABLE);
    free(path);
    return rc;
}
