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
 * A run of bytes of a file or a tensor for one worker. No two pieces share a packed unit, unless
 * cmd_pieces_add() cut them.
 */
struct cmd_piece {
    uint64_t offset; /**< where it begins, in bytes */
    uint64_t size;   /**< in bytes */
    size_t owner;    /**< the caller's number for the file or tensor */
};

/** A growing list of pieces. Zero-initialised except for `usual` is a valid empty list. */
struct cmd_pieces {
    uint64_t usual;          /**< intended size of a piece, in bytes */
    struct cmd_piece *piece; /**< owned */
    size_t count;            /**< pieces in use */
    size_t capacity;         /**< pieces allocated */
};

/** Cuts `size` bytes anywhere, into at least one piece. Returns 0 or -ENOMEM. */
int cmd_pieces_add(struct cmd_pieces *pieces, size_t owner, uint64_t size);
/** Cuts a virtual file. Returns 0 or -ENOMEM. */
int cmd_pieces_add_plan(struct cmd_pieces *pieces, size_t owner, const struct mxfs_plan *plan);
/** Cuts a tensor. Returns 0 or -ENOMEM. */
int cmd_pieces_add_output(struct cmd_pieces *pieces, size_t owner,
                          const struct mxfs_output *output);
/** Frees; accepts an empty list. */
void cmd_pieces_fini(struct cmd_pieces *pieces);

/** One worker's own state. */
struct cmd_worker {
    struct mxfs_vfile_reader reader; /**< used by this worker alone */
    uint8_t *buf;                    /**< of the size given to cmd_workers_init(); owned */
    struct mxfs_error err;           /**< why this worker failed */
};

/** The workers of a job. Zero-initialised is a valid empty object. */
struct cmd_workers {
    struct cmd_worker *worker; /**< owned */
    unsigned count;            /**< workers */
};

/** Makes `count` workers that read in `env`, with buffers of `size` bytes. Returns 0 or -ENOMEM. */
int cmd_workers_init(struct cmd_workers *workers, unsigned count, size_t size,
                     const struct mxfs_vfile_env *env);
/** Frees; accepts an empty object. */
void cmd_workers_fini(struct cmd_workers *workers);

/**
 * Runs a job with one thread for each worker. Returns 0 or -errno; err gets the failure of the
 * first worker, by index, that reported one.
 */
int cmd_workers_run(struct cmd_workers *workers, struct mxfs_pool_job job, struct mxfs_error *err);

/**
 * The number of workers to make: --jobs, or the number of processors. The latter can change between
 * two calls.
 */
unsigned cmd_jobs(const struct mxfs_options *options);

#endif
