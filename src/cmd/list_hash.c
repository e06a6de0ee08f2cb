/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --hash: XXH3 (128 bits) of each tensor's bytes as shown, as xxh128sum prints it. A hash
 * of this kind has to be taken from front to back, so workers take whole tensors.
 */
#include "list_hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "mxfs/pool.h"
#include "pieces.h"
#include "progress.h"

enum { CHUNK = 512 << 10 };

struct hashing {
    struct cmd_listing *listing;
    struct cmd_worker *workers;
    struct cmd_progress progress;
};

static int hash_row(void *data, unsigned worker, uint64_t item)
{
    struct hashing *h = data;
    struct cmd_worker *w = &h->workers[worker];
    const struct cmd_row *r = &h->listing->rows[item];
    XXH3_state_t *state = XXH3_createState();
    ssize_t n;

    if (!state)
        return -ENOMEM;
    XXH3_128bits_reset(state);
    for (uint64_t at = 0;; at += (uint64_t)n) {
        n = mxfs_vfile_read_output(&w->reader, r->plan, r->output, w->buf, CHUNK, at);
        if (n <= 0)
            break;
        XXH3_128bits_update(state, w->buf, (size_t)n);
        atomic_fetch_add_explicit(&h->progress.done, (unsigned long long)n, memory_order_relaxed);
    }
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    snprintf(h->listing->hashes[item], CMD_HASH_TEXT, "%016" PRIx64 "%016" PRIx64,
             (uint64_t)hash.high64, (uint64_t)hash.low64);
    if (n < 0)
        w->err.code = MXFS_EXIT_SOURCE; /* the log has named the tensor */
    return (int)n;
}

static int tick(void *data)
{
    cmd_progress_draw(&((struct hashing *)data)->progress);
    return 0;
}

int cmd_listing_hash(struct cmd_listing *listing, unsigned workers, bool quiet,
                     struct mxfs_error *err)
{
    struct hashing h = {.listing = listing};
    uint64_t total = 0;
    int rc = -ENOMEM;

    for (size_t i = 0; i < listing->count; i++)
        total += mxfs_output_info(listing->rows[i].output).size;
    listing->hashes = calloc(listing->count + 1, sizeof(*listing->hashes));
    h.workers = cmd_workers_new(workers, CHUNK, &listing->source->env);
    if (listing->hashes && h.workers) {
        const struct mxfs_pool_job job = {.workers = workers,
                                          .items = listing->count,
                                          .data = &h,
                                          .work = hash_row,
                                          .tick = tick};
        cmd_progress_begin(&h.progress, total, quiet);
        rc = mxfs_pool_run(&job);
        cmd_progress_end(&h.progress, NULL);
        rc = cmd_workers_fail(h.workers, workers, rc, err);
    }
    cmd_workers_free(h.workers, workers);
    return rc;
}
