/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Cutting files and tensors into pieces, and the workers that read them.
 */
#ifndef MXFS_CMD_PIECES_H
#define MXFS_CMD_PIECES_H

#include "mxfs/options.h"
#include "mxfs/plan.h"
#include "mxfs/vfile.h"

/**
 * A run of bytes of a file or a tensor that a worker handles by itself: no packed unit is needed by
 * two pieces.
 */
struct cmd_piece {
    uint64_t offset;
    uint64_t size;
    size_t owner; /**< the caller's number of the file or tensor */
};

/** A growing list of pieces. Zero-initialised but for `usual` is a valid empty list. */
struct cmd_pieces {
    uint64_t usual; /**< bytes that a piece should have */
    struct cmd_piece *piece;
    size_t count;
};

/** Cuts `size` bytes anywhere: one piece at least. Returns 0 or -ENOMEM, as do the others. */
int cmd_pieces_add(struct cmd_pieces *pieces, size_t owner, uint64_t size);
/** Cuts a virtual file. */
int cmd_pieces_add_plan(struct cmd_pieces *pieces, size_t owner, const struct mxfs_plan *plan);
/** Cuts a tensor. */
int cmd_pieces_add_output(struct cmd_pieces *pieces, size_t owner,
                          const struct mxfs_output *output);
/** Frees; accepts an empty list. */
void cmd_pieces_fini(struct cmd_pieces *pieces);

/** What one worker has to itself. */
struct cmd_worker {
    struct mxfs_vfile_reader reader;
    uint8_t *buf;
    struct mxfs_error err; /**< why it failed */
};

/** Makes `count` workers with buffers of `size` bytes that read in env; NULL when out of memory. */
struct cmd_worker *cmd_workers_new(unsigned count, size_t size, const struct mxfs_vfile_env *env);
/** Frees; accepts NULL. */
void cmd_workers_free(struct cmd_worker *workers, unsigned count);
/** Takes over the failure of the first worker that has one; returns rc. */
int cmd_workers_fail(const struct cmd_worker *workers, unsigned count, int rc,
                     struct mxfs_error *err);

/** How many threads: --jobs, or as many as there are processors. */
unsigned cmd_jobs(const struct mxfs_options *options);

#endif
