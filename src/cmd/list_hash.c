/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --hash: XXH3 (128 bits) of each tensor's bytes as shown, as xxh128sum prints it. The
 * hash can only be computed from front to back, so each worker takes whole tensors.
 */
#include "list_hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "pieces.h"
#include "progress.h"

enum { CHUNK = 512 << 10 };

struct hashing {
    struct cmd_listing *listing;
    struct cmd_workers workers;
    struct cmd_progress progress;
};

static int hash_row(void *data, unsigned worker, uint64_t item)
{
    struct hashing *h = data;
    struct cmd_worker *w = &h->workers.worker[worker];
    const struct cmd_row *r = &h->listing->rows[item];
    XXH3_state_t *state = XXH3_createState();
    ssize_t n;

    if (!state)
        return -ENOMEM;
    XXH3_128bits_reset(state);
    for (uint64_t at = 0;; at += (uint64_t)n) {
        n = mxfs_vfile_read_output(&w->reader, r->file->plan, r->output, w->buf, CHUNK, at);
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
        return mxfs_fail_told(&w->err, MXFS_EXIT_SOURCE, (int)-n); /* the log names the tensor */
    return 0;
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

    for (size_t i = 0; i < listing->count; i++)
        total += mxfs_output_info(listing->rows[i].output).size;
    listing->hashes = calloc(listing->count + 1, sizeof(*listing->hashes));
    int rc = listing->hashes ? cmd_workers_init(&h.workers, workers, CHUNK, &listing->view->env)
                             : -ENOMEM;
    if (rc == 0) {
        const struct mxfs_pool_job job = {
            .items = listing->count, .data = &h, .work = hash_row, .tick = tick};
        cmd_progress_begin(&h.progress, total, quiet);
        rc = cmd_workers_run(&h.workers, job, err);
        cmd_progress_end(&h.progress, NULL);
    }
    cmd_workers_fini(&h.workers);
    return rc;
}
