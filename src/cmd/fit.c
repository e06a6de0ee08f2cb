/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How much memory a mount takes: what README promises.
 */
#include "fit.h"

#include <errno.h>
#include <inttypes.h>

#include "mxfs/choices.h"
#include "mxfs/log.h"

enum { MIB = 1 << 20, BESIDE_CACHE = 32 * MIB, BYTES_A_TENSOR = 400 };

/* Fails, naming the largest cache that fits, or the smallest limit with which one does. */
static int fail_to_fit(uint64_t taken, uint64_t limit, struct mxfs_error *err)
{
    if (limit >= taken + MXFS_CACHE_SIZE_MIN)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM,
                         "the control group's memory limit is %" PRIu64
                         " MiB, and the cache does not fit; use --cache-size=%" PRIu64 "M",
                         limit / MIB, (limit - taken) / MIB);
    return mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM,
                     "the control group's memory limit is %" PRIu64
                     " MiB, and not even --cache-size=1M fits; raise the limit to %" PRIu64 " MiB",
                     limit / MIB, (taken + MXFS_CACHE_SIZE_MIN + MIB - 1) / MIB);
}

int cmd_fit_cache(uint64_t *cache_size, uint64_t limit, struct mxfs_error *err)
{
    if (limit >= BESIDE_CACHE && limit - BESIDE_CACHE >= *cache_size)
        return 0;
    /* Half of what there is: tensors take memory too, and readers may be in the same group. */
    uint64_t half = limit >= BESIDE_CACHE ? (limit - BESIDE_CACHE) / 2 / MIB * MIB : 0;
    if (*cache_size != MXFS_CACHE_SIZE_DEFAULT || half < MXFS_CACHE_SIZE_MIN)
        return fail_to_fit(BESIDE_CACHE, limit, err);
    *cache_size = half;
    mxfs_log(MXFS_LOG_NOTICE,
             "the control group's memory limit is %" PRIu64 " MiB: using --cache-size=%" PRIu64 "M",
             limit / MIB, half / MIB);
    return 0;
}

int cmd_fit_tensors(uint64_t cache_size, size_t tensors, uint64_t limit, struct mxfs_error *err)
{
    uint64_t taken = BESIDE_CACHE + (uint64_t)tensors * BYTES_A_TENSOR;

    if (limit >= taken && limit - taken >= cache_size)
        return 0;
    return fail_to_fit(taken, limit, err);
}
