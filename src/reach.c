/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Paths are resolved first, judged, and then opened as they were resolved, without following any
 * link: one that is put in their way in between is an error.
 */
#include "mxfs/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
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

static int open_resolved(const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_NO_SYMLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

    if (fd < 0 && errno == ENOSYS) /* before Linux 5.6 only the last name can be guarded */
        fd = open(path, flags | O_NOFOLLOW);
    if (fd >= 0)
        return fd;
    return errno == ELOOP ? -EXDEV : -errno;
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
