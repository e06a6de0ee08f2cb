/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Cutting files and tensors into pieces, and the workers that read them.
 */
#ifndef MXFS_CMD_PIECES_H
#define MXFS_CMD_PIECES_H

#include "mxfs/options.h"
#include "mxfs/plan.h"
#include "mxfs/pool.h"
#include "mxfs/vfile.h"

/**
 * A run of bytes of a file or a tensor that a worker handles by itself: no packed unit is needed by
 * two pieces.
 */
struct cmd_piece {
    uint64_t offset; /**< bytes */
    uint64_t size;   /**< bytes */
    size_t owner;    /**< the caller's number of the file or tensor */
};

/** A growing list of pieces. Zero-initialised but for `usual` is a valid empty list. */
struct cmd_pieces {
    uint64_t usual;          /**< bytes that a piece should have */
    struct cmd_piece *piece; /**< owned */
    size_t count, capacity;
};

/** Cuts `size` bytes anywhere, into one piece at least. Returns 0 or -ENOMEM. */
int cmd_pieces_add(struct cmd_pieces *pieces, size_t owner, uint64_t size);
/** Cuts a virtual file. Returns 0 or -ENOMEM. */
int cmd_pieces_add_plan(struct cmd_pieces *pieces, size_t owner, const struct mxfs_plan *plan);
/** Cuts a tensor. Returns 0 or -ENOMEM. */
int cmd_pieces_add_output(struct cmd_pieces *pieces, size_t owner,
                          const struct mxfs_output *output);
/** Frees; accepts an empty list. */
void cmd_pieces_fini(struct cmd_pieces *pieces);

/** What one worker has to itself. */
struct cmd_worker {
    struct mxfs_vfile_reader reader; /**< for reads */
    uint8_t *buf;                    /**< owned; of the size given to cmd_workers_init() */
    struct mxfs_error err;           /**< why it failed */
};

/** The workers of a job. Zero-initialised is a valid empty object. */
struct cmd_workers {
    struct cmd_worker *worker; /**< owned */
    unsigned count;
};

/** Makes `count` workers with buffers of `size` bytes that read in `env`. Returns 0 or -ENOMEM. */
int cmd_workers_init(struct cmd_workers *workers, unsigned count, size_t size,
                     const struct mxfs_vfile_env *env);
/** Frees; accepts an empty object. */
void cmd_workers_fini(struct cmd_workers *workers);

/** Runs a job with one thread a worker. The first worker that has failed says why in err. */
int cmd_workers_run(struct cmd_workers *workers, struct mxfs_pool_job job, struct mxfs_error *err);

/**
 * The number of workers to make: --jobs, or as many as there are processors, which may be another
 * number the next time.
 */
unsigned cmd_jobs(const struct mxfs_options *options);

#endif
