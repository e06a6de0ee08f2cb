/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * For LD_PRELOAD: pthread_create() fails with EAGAIN from call FAIL_AT (0, 1, ...) on.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int calls;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    const char *fail_at = getenv("FAIL_AT");

    if (!real)
        real = dlsym(RTLD_NEXT, "pthread_create");
    if (fail_at && atomic_fetch_add(&calls, 1) >= atoi(fail_at))
        return EAGAIN;
    return real(thread, attr, start, arg);
}
