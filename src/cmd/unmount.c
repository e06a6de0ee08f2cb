/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs -u MOUNTPOINT.
 */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "mxfs/fs.h"
#include "mxfs/path.h"

int cmd_unmount(const struct mxfs_options *options, struct mxfs_error *err)
{
    char *path = mxfs_path_absolute(options->operand[0]);
    int rc = path ? mxfs_fs_unmount(path, err)
                  : mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "out of memory");

    free(path);
    return rc;
}
