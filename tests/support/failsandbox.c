/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * To be preloaded into mxfs: one step into the sandbox fails. FAIL_STEP names it, FAIL_ERRNO is the
 * error's number.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int failure(const char *step)
{
    const char *wanted = getenv("FAIL_STEP"), *number = getenv("FAIL_ERRNO");

    return wanted && number && strcmp(wanted, step) == 0 ? (int)strtol(number, NULL, 10) : 0;
}

static const char *step_of(long call)
{
    return call == SYS_landlock_create_ruleset  ? "create"
           : call == SYS_landlock_add_rule      ? "add"
           : call == SYS_landlock_restrict_self ? "restrict"
           : call == SYS_capset                 ? "capset"
                                                : "";
}

long syscall(long call, ...)
{
    static long (*real)(long, ...);
    va_list args;
    long a[6];

    va_start(args, call);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    errno = failure(step_of(call));
    if (errno)
        return -1;
    if (!real)
        real = dlsym(RTLD_NEXT, "syscall");
    return real(call, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int prctl(int option, ...)
{
    static int (*real)(int, ...);
    va_list args;
    long a[4];

    va_start(args, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    errno = failure(option == PR_GET_SECCOMP        ? "seccomp"
                    : option == PR_SET_NO_NEW_PRIVS ? "no_new_privs"
                                                    : "");
    if (errno)
        return -1;
    if (!real)
        real = dlsym(RTLD_NEXT, "prctl");
    return real(option, a[0], a[1], a[2], a[3]);
}

int seccomp_load(void *filter)
{
    int (*real)(void *) = dlsym(RTLD_NEXT, "seccomp_load");
    int e = failure("load");

    return e ? -e : real(filter);
}
