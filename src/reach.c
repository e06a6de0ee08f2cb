/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A path is resolved and checked, and its resolved form is then opened without following links, so
 * that a link swapped in after the check is an error.
 */
#include "mxfs/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/compiler.h"

static bool is_inside(const struct mxfs_reach *reach, const char *resolved)
{
    for (size_t i = 0; i < MXFS_COUNT(reach->inside); i++) {
        size_t n = reach->inside[i] ? strlen(reach->inside[i]) : 0;
        if (n > 0 && strncmp(resolved, reach->inside[i], n) == 0 && (resolved[n] == '/' || n == 1))
            return true;
    }
    return false;
}

bool mxfs_reach_has(const struct mxfs_reach *reach, const char *path)
{
    char resolved[PATH_MAX];
    return !reach || (realpath(path, resolved) && is_inside(reach, resolved));
}

bool mxfs_reach_lacks(const struct mxfs_reach *reach, const char *path)
{
    if (access(path, F_OK) != 0)
        return errno == ENOENT;
    return !mxfs_reach_has(reach, path);
}

/* Opens the path `rest` below `folder`, component by component; closes `folder`. */
static int open_below(int folder, char *rest, int flags)
{
    for (char *slash; (slash = strchr(rest, '/')); rest = slash + 1) {
        *slash = '\0';
        int next = openat(folder, rest, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), e = errno;
        close(folder);
        if (next < 0)
            return -e;
        folder = next;
    }
    int fd = openat(folder, rest, flags | O_NOFOLLOW), e = errno;
    close(folder);
    return fd < 0 ? -e : fd;
}

static int open_resolved(char *path, int flags)
{
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = root < 0 ? -errno : open_below(root, path + 1, flags);

    /* A component was replaced by a link after it was resolved. */
    return rc == -ELOOP || rc == -ENOTDIR ? -EXDEV : rc;
}

int mxfs_reach_open(const struct mxfs_reach *reach, const char *path, int flags)
{
    char resolved[PATH_MAX];

    if (!reach) {
        int fd = open(path, flags);
        return fd < 0 ? -errno : fd;
    }
    if (!realpath(path, resolved))
        return -errno;
    return is_inside(reach, resolved) ? open_resolved(resolved, flags) : -EXDEV;
}

void mxfs_reach_fini(struct mxfs_reach *reach)
{
    for (size_t i = 0; i < MXFS_COUNT(reach->inside); i++)
        free(reach->inside[i]);
    memset(reach, 0, sizeof(*reach));
}
