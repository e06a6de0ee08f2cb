/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Asks the kernel for all the address space at once, and gives it back: limits do not change by
 * themselves.
 */
#include "room.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

enum {
    MIB = 1 << 20,
    OTHER_THREADS = 2,         /* that of signals, and the one that decodes ahead */
    BUFFERS = 2 * MIB + 65536, /* a request and a reply of libfuse's largest size */
    THE_REST = 32 * MIB,
};

static uint64_t room_needed(const struct mxfs_fs_options *o)
{
    pthread_attr_t attr;
    size_t stack = 0, guard = 0;

    pthread_attr_init(&attr);
    pthread_attr_getstacksize(&attr, &stack);
    pthread_attr_getguardsize(&attr, &guard);
    pthread_attr_destroy(&attr);
    return (o->threads + OTHER_THREADS) * (uint64_t)(stack + guard) +
           o->threads * (uint64_t)BUFFERS + o->cache_size + THE_REST;
}

#ifdef __GLIBC__
/* Otherwise each thread takes 64 MiB of address space for a heap of its own. */
static void share_heap_if_limited(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        mallopt(M_ARENA_MAX, 1);
}
#else
static void share_heap_if_limited(void)
{
}
#endif

int fs_room_check(const struct mxfs_fs_options *options, struct mxfs_error *err)
{
    uint64_t need = room_needed(options);

    share_heap_if_limited();
    void *room = need > SIZE_MAX ? MAP_FAILED
                                 : mmap(NULL, need, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM,
                         "not enough address space: serving takes %" PRIu64
                         " MiB more (see ulimit -v); fewer --threads (now %u) or a smaller "
                         "--cache-size take less",
                         need / MIB, options->threads);
    munmap(room, need);
    return 0;
}
