/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Output to open descriptors.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/compiler.h"

/* The N of "/dev/fd/N" or "/proc/self/fd/N"; -1 for any other path. */
static int numbered(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    char *end;

    for (size_t i = 0; i < MXFS_COUNT(folders); i++) {
        size_t n = strlen(folders[i]);
        if (strncmp(path, folders[i], n) != 0 || path[n] < '0' || path[n] > '9')
            continue;
        unsigned long fd = strtoul(path + n, &end, 10);
        return *end == '\0' && fd <= INT_MAX ? (int)fd : -1;
    }
    return -1;
}

static int descriptor_of(const char *path)
{
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    return strcmp(path, "/dev/stderr") == 0 ? STDERR_FILENO : numbered(path);
}

static bool is_writable(int fd)
{
    int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

bool cmd_output_find(struct cmd_output *output, const char *path)
{
    output->fd = descriptor_of(path);
    if (output->fd == STDOUT_FILENO)
        snprintf(output->name, sizeof(output->name), "stdout");
    else
        snprintf(output->name, sizeof(output->name), "descriptor %d", output->fd);
    /* "-" always means stdout: if that is closed, writing to it fails and says so. */
    return strcmp(path, "-") == 0 || is_writable(output->fd);
}

int cmd_output_check_terminal(const struct cmd_output *output, bool force, struct mxfs_error *err)
{
    if (force || !isatty(output->fd))
        return 0;
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "%s is a terminal; redirect it, or use --force",
                     output->name);
}
