/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Links on the way to a mountpoint.
 */
#include "point.h"

#include <errno.h>
#include <fcntl.h>

#include "place.h"

static int fail_link(const char *path, struct mxfs_error *err)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, EPERM,
                     "%s: refused: a symbolic link of another user leads to a folder that is not "
                     "theirs; name that folder itself",
                     path);
}

int cmd_point_open(const char *path, int *folder, struct mxfs_error *err)
{
    struct cmd_place place;
    int rc = 0;

    *folder = -1;
    if (cmd_place_find(&place, path) == 0 && place.self >= 0) {
        if (cmd_place_check_links(&place, place.self) != 0)
            rc = fail_link(path, err);
        else
            *folder = fcntl(place.self, F_DUPFD_CLOEXEC, 3);
    }
    cmd_place_close(&place);
    return rc;
}

int cmd_point_check(const char *path, struct mxfs_error *err)
{
    struct cmd_place place;
    int rc = 0;

    /* A dead mount, or another user's, fails only once it has been reached. */
    cmd_place_find(&place, path);
    if (place.folder >= 0 && cmd_place_check_links(&place, place.folder) != 0)
        rc = fail_link(path, err);
    cmd_place_close(&place);
    return rc;
}
