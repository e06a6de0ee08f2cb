/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Cutting files and tensors into pieces for workers.
 *
 * Two workers that read the same packed unit would wait for each other while it is loaded, so
 * pieces end where units do.
 */
#include "pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/array.h"
#include "mxfs/bytes.h"

/* Appends an empty piece. */
static int open_piece(struct cmd_pieces *p, size_t owner, uint64_t offset)
{
    struct cmd_piece *grown =
        mxfs_array_grow(p->piece, p->count + 1, &p->capacity, sizeof(*p->piece));

    if (!grown)
        return -ENOMEM;
    p->piece = grown;
    p->piece[p->count++] = (struct cmd_piece){.offset = offset, .owner = owner};
    return 0;
}

/* Begins a new piece if `size` more bytes would make the last one too large. */
static int room_for(struct cmd_pieces *p, uint64_t size)
{
    const struct cmd_piece *last = &p->piece[p->count - 1];

    if (last->size == 0 || last->size + size <= p->usual)
        return 0;
    return open_piece(p, last->owner, last->offset + last->size);
}

/* Adds bytes that may be cut anywhere. */
static int add_run(struct cmd_pieces *p, uint64_t size)
{
    int rc = 0;

    while (size > 0 && (rc = room_for(p, 1)) == 0) {
        struct cmd_piece *last = &p->piece[p->count - 1];
        uint64_t n = mxfs_min_u64(size, p->usual - last->size);
        last->size += n;
        size -= n;
    }
    return rc;
}

static int add_units(struct cmd_pieces *p, const struct mxfs_group *g)
{
    size_t element = mxfs_out_size(g->out);
    struct mxfs_unit unit;
    int rc = 0;

    for (uint64_t at = 0; at < g->elements && rc == 0; at = unit.first + unit.count) {
        g->scheme->unit_at(g, at, &unit);
        rc = room_for(p, unit.count * element);
        if (rc == 0)
            p->piece[p->count - 1].size += unit.count * element;
    }
    return rc;
}

static int add_tensor(struct cmd_pieces *p, const struct mxfs_output *output)
{
    if (output->group && output->group->scheme->unit_at)
        return add_units(p, output->group);
    return add_run(p, mxfs_output_info(output).size);
}

int cmd_pieces_add(struct cmd_pieces *pieces, size_t owner, uint64_t size)
{
    int rc = open_piece(pieces, owner, 0);
    return rc == 0 ? add_run(pieces, size) : rc;
}

int cmd_pieces_add_plan(struct cmd_pieces *pieces, size_t owner, const struct mxfs_plan *plan)
{
    if (plan->verbatim)
        return cmd_pieces_add(pieces, owner, plan->size);
    int rc = cmd_pieces_add(pieces, owner, plan->data_offset);
    for (size_t i = 0; i < plan->count && rc == 0; i++)
        rc = add_tensor(pieces, &plan->outputs[i]);
    return rc;
}

int cmd_pieces_add_output(struct cmd_pieces *pieces, size_t owner, const struct mxfs_output *output)
{
    int rc = open_piece(pieces, owner, 0);
    return rc == 0 ? add_tensor(pieces, output) : rc;
}

void cmd_pieces_fini(struct cmd_pieces *pieces)
{
    free(pieces->piece);
    memset(pieces, 0, sizeof(*pieces));
}

int cmd_workers_init(struct cmd_workers *workers, unsigned count, size_t size,
                     const struct mxfs_vfile_env *env)
{
    *workers = (struct cmd_workers){.worker = calloc(count, sizeof(*workers->worker))};
    if (!workers->worker)
        return -ENOMEM;
    workers->count = count;
    for (unsigned i = 0; i < count; i++) {
        workers->worker[i].reader.env = env;
        if (!(workers->worker[i].buf = malloc(size)))
            return -ENOMEM;
    }
    return 0;
}

void cmd_workers_fini(struct cmd_workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++) {
        mxfs_vfile_reader_fini(&workers->worker[i].reader);
        free(workers->worker[i].buf);
    }
    free(workers->worker);
    *workers = (struct cmd_workers){0};
}

int cmd_workers_run(struct cmd_workers *workers, struct mxfs_pool_job job, struct mxfs_error *err)
{
    job.workers = workers->count;
    int rc = mxfs_pool_run(&job);
    for (unsigned i = 0; i < workers->count; i++) {
        const struct mxfs_error *own = &workers->worker[i].err;
        if (own->code != MXFS_EXIT_OK && err->code == MXFS_EXIT_OK)
            *err = *own;
    }
    return rc;
}

unsigned cmd_jobs(const struct mxfs_options *options)
{
    return options->jobs ? (unsigned)options->jobs : mxfs_pool_processors();
}
