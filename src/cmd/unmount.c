/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs -u: unmounts.
 */
#include <stdlib.h>

#include "commands.h"
#include "mxfs/fs.h"
#include "mxfs/path.h"
#include "point.h"

int cmd_unmount(const struct mxfs_options *options, struct mxfs_error *err)
{
    char *path;

    int rc = mxfs_path_resolve(&path, options->operand[0], MXFS_EXIT_FAILED, err);
    if (rc == 0)
        rc = cmd_point_check(path, err);
    if (rc == 0)
        rc = mxfs_fs_unmount(path, err);
    free(path);
    return rc;
}
