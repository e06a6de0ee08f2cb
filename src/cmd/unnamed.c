/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Files without a name.
 */
#include "unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROC_NAME = 32 };

/* Linking by descriptor alone (AT_EMPTY_PATH) needs a privilege; linking by this path does not. */
static const char *proc_name(char out[PROC_NAME], int fd)
{
    snprintf(out, PROC_NAME, "/proc/self/fd/%d", fd);
    return out;
}

static bool can_be_named(int fd)
{
    struct stat a, b;
    char name[PROC_NAME];

    return fstat(fd, &a) == 0 && stat(proc_name(name, fd), &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* New descriptors get the lowest free number, so the number tells how many are in use. */
static bool leaves_descriptors(int fd)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd < limit.rlim_cur / 2;
}

int cmd_unnamed_make(int base)
{
    int fd = openat(base, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);

    if (fd >= 0 && can_be_named(fd) && leaves_descriptors(fd))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

int cmd_unnamed_name(int fd, int folder, const char *name)
{
    char proc[PROC_NAME];
    int rc = linkat(AT_FDCWD, proc_name(proc, fd), folder, name, AT_SYMLINK_FOLLOW);

    return rc == 0 ? 0 : -errno;
}
