/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * For LD_PRELOAD: allocation number FAIL_AT (from 0) of mxfs itself fails or, with FAIL_ALL=1, that
 * one and all that follow. Allocations of jansson do not count: its parser (2.14) goes on, with
 * data lost, after some of them failed. Nor do those of libseccomp (2.5.4), which frees twice if
 * its generator gets no memory, nor those after exit(), which gcov makes in a program built for
 * coverage. Prints nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_long left;
static bool armed, all;

__attribute__((constructor)) static void arm(void)
{
    const char *at = getenv("FAIL_AT");
    all = getenv("FAIL_ALL") != NULL;
    if (at) {
        atomic_store(&left, atol(at));
        armed = true;
    }
}

static bool is_anothers(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) && info.dli_fname &&
           (strstr(info.dli_fname, "libjansson") || strstr(info.dli_fname, "libseccomp"));
}

static void disarm(void)
{
    armed = false;
}

static bool fails(const void *caller)
{
    static atomic_flag registered = ATOMIC_FLAG_INIT;

    if (!armed || is_anothers(caller))
        return false;
    /* Not in arm(): functions registered before main() run after the program's own destructors. */
    if (!atomic_flag_test_and_set(&registered))
        atexit(disarm);
    long n = atomic_fetch_sub(&left, 1);
    if (n == 0 || (all && n < 0)) {
        errno = ENOMEM;
        return true;
    }
    return false;
}

void *malloc(size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t a, size_t n)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(a, n);
}
