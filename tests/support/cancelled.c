/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * For LD_PRELOAD: the second thread that becomes cancellable takes the lock of stderr and waits,
 * like a thread of libfuse that is cancelled in perror().
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

static atomic_int threads;
static _Thread_local bool counted;

int pthread_setcancelstate(int state, int *old)
{
    static int (*real)(int, int *);
    sem_t never;

    if (!real)
        real = dlsym(RTLD_NEXT, "pthread_setcancelstate");
    int rc = real(state, old);
    if (state == PTHREAD_CANCEL_ENABLE && !counted) {
        counted = true;
        if (atomic_fetch_add(&threads, 1) == 1) {
            flockfile(stderr);
            sem_init(&never, 0, 0);
            sem_wait(&never);
        }
    }
    return rc;
}
