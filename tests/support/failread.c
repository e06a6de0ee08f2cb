/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * For LD_PRELOAD: a device with a bad spot. pread() fails with EIO if it begins at a file offset in
 * [FAIL_FROM, FAIL_TO). Writes a line to the file FAIL_LOG each time.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int fails(off_t offset)
{
    if (offset < number("FAIL_FROM") || offset >= number("FAIL_TO"))
        return 0;
    int log = open(getenv("FAIL_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (log < 0 || write(log, "EIO\n", 4) != 4 || close(log) != 0)
        abort();
    errno = EIO;
    return 1;
}

ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
    static ssize_t (*real)(int, void *, size_t, off_t);

    if (!real)
        real = (ssize_t(*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    return fails(offset) ? -1 : real(fd, buf, len, offset);
}

ssize_t pread64(int fd, void *buf, size_t len, off_t offset)
{
    return pread(fd, buf, len, offset);
}

ssize_t __pread_chk(int fd, void *buf, size_t len, off_t offset, size_t size)
{
    (void)size;
    return pread(fd, buf, len, offset);
}

ssize_t __pread64_chk(int fd, void *buf, size_t len, off_t offset, size_t size)
{
    (void)size;
    return pread(fd, buf, len, offset);
}
