/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * For LD_PRELOAD: another user who is always quick enough. Before and after each call that makes,
 * renames or removes something, runs `sh -c $MEDDLE` with "before" or "after" and the name of the
 * call as arguments, as the user $MEDDLE_UID (default: ours). If MEDDLE_WHEN is set, to "before
 * CALL" or "after CALL", runs it only then; without MEDDLE, never. With NO_TMPFILE, the filesystem
 * cannot make files without a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void meddle(const char *when, const char *call)
{
    const char *script = getenv("MEDDLE"), *user = getenv("MEDDLE_UID");
    const char *only = getenv("MEDDLE_WHEN");
    char now[64];
    int status;

    snprintf(now, sizeof(now), "%s %s", when, call);
    if (!script || (only && strcmp(only, now) != 0))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        uid_t uid = (uid_t)atoi(user ? user : "");
        unsetenv("LD_PRELOAD");
        if (!user || (syscall(SYS_setgroups, 0, NULL) == 0 && setgid(uid) == 0 && setuid(uid) == 0))
            execl("/bin/sh", "sh", "-c", script, when, call, (char *)NULL);
        _exit(126);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        abort();
}

/* Defines a wrapper of a call that makes the system call with the same arguments. */
#define MEDDLED(name, parameters, ...)                 \
    int name parameters                                \
    {                                                  \
        meddle("before", #name);                       \
        int rc = (int)syscall(__VA_ARGS__), e = errno; \
        meddle("after", #name);                        \
        errno = e;                                     \
        return rc;                                     \
    }

MEDDLED(mkdir, (const char *path, mode_t mode), SYS_mkdirat, AT_FDCWD, path, mode)
MEDDLED(mkdirat, (int at, const char *path, mode_t mode), SYS_mkdirat, at, path, mode)
MEDDLED(linkat, (int a, const char *from, int b, const char *to, int flags), SYS_linkat, a, from, b,
        to, flags)
MEDDLED(rename, (const char *from, const char *to), SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)
MEDDLED(renameat, (int a, const char *from, int b, const char *to), SYS_renameat2, a, from, b, to,
        0)
MEDDLED(renameat2, (int a, const char *from, int b, const char *to, unsigned flags), SYS_renameat2,
        a, from, b, to, flags)
MEDDLED(unlink, (const char *path), SYS_unlinkat, AT_FDCWD, path, 0)
MEDDLED(rmdir, (const char *path), SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR)
MEDDLED(unlinkat, (int at, const char *path, int flags), SYS_unlinkat, at, path, flags)

/* Calls that create a file count, too. */
static int open_any(int at, const char *path, int flags, mode_t mode)
{
    bool makes = (flags & O_CREAT) != 0;

    if ((flags & O_TMPFILE) == O_TMPFILE && getenv("NO_TMPFILE")) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (makes)
        meddle("before", "create");
    int fd = (int)syscall(SYS_openat, at, path, flags, mode), e = errno;
    if (makes)
        meddle("after", "create");
    errno = e;
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

int openat(int at, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_any(at, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_any(AT_FDCWD, path, flags, mode);
}
