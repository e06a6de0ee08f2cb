/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The readahead window of the mount, in /sys/class/bdi (Documentation/ABI/testing/sysfs-class-bdi
 * of the kernel).
 */
#include "readahead.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int fs_readahead_open(dev_t device)
{
    char path[80];

    snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", major(device),
             minor(device));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int widen(int fd, uint64_t kib)
{
    char text[24];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    if (n < 0)
        return -errno;
    text[n] = '\0';
    if (strtoull(text, NULL, 10) >= kib)
        return 0;
    n = snprintf(text, sizeof(text), "%" PRIu64, kib);
    return write(fd, text, (size_t)n) == n ? 0 : -errno;
}

int fs_readahead_widen(int fd, uint64_t size)
{
    int rc = widen(fd, size >> 10);

    close(fd);
    return rc;
}
