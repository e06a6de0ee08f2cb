/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The commands: what `main` dispatches to. Each returns 0 or -errno with err filled; a command that
 * has printed its failure itself leaves err->text empty and sets only the code.
 */
#ifndef MXFS_CMD_H
#define MXFS_CMD_H

#include <stdatomic.h>
#include <time.h>

#include "mxfs/options.h"
#include "mxfs/repo.h"
#include "mxfs/vfile.h"

/** An open source, ready to be read: what every command starts with. */
struct cmd_source {
    char *path; /**< absolute */
    struct mxfs_repo repo;
    struct mxfs_vfile_env env;
};

/** Opens options->operand[0]. Refusals are not judged yet. */
int cmd_source_open(struct cmd_source *source, const struct mxfs_options *options,
                    struct mxfs_error *err);

/**
 * Judges what cannot be dequantized: with --unsupported=refuse prints a line for each scheme and
 * reason, and fails (MXFS_EXIT_UNSUPPORTED, or MXFS_EXIT_SOURCE when missing shards explain it).
 * Notices are logged.
 */
int cmd_source_judge(const struct cmd_source *source, const struct mxfs_options *options,
                     struct mxfs_error *err);

/** What the views hold, all in all. */
struct cmd_totals {
    size_t tensors;     /**< shown */
    size_t dequantized; /**< of them */
    size_t files;       /**< virtual files */
    uint64_t bytes_in;  /**< of these files as stored */
    uint64_t bytes_out; /**< as shown */
};

/** Adds up a folder and all below it. */
struct cmd_totals cmd_source_totals(const struct cmd_source *source);

/** Closes; accepts a zero-initialised object. */
void cmd_source_close(struct cmd_source *source);

/** Room for a size as cmd_size() writes it. */
#define CMD_SIZE_TEXT 32

/** Writes "1.2 GB": decimal units, as disks and downloads are measured. Returns `out`. */
const char *cmd_size(char out[CMD_SIZE_TEXT], uint64_t bytes);

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
    struct mxfs_scratch scratch;
    uint8_t *buf;
    struct mxfs_error err; /**< why it failed */
};

/** Makes `count` workers with buffers of `size` bytes; NULL when out of memory. */
struct cmd_worker *cmd_workers_new(unsigned count, size_t size);
/** Frees; accepts NULL. */
void cmd_workers_free(struct cmd_worker *workers, unsigned count);
/** Takes over the failure of the first worker that has one; returns rc. */
int cmd_workers_fail(const struct cmd_worker *workers, unsigned count, int rc,
                     struct mxfs_error *err);

/** How many threads: --jobs, or as many as there are processors. */
unsigned cmd_jobs(const struct mxfs_options *options);

/**
 * A progress bar on stderr, if that is a terminal: what is done, rate, time left. Only `done` may
 * be touched by several threads.
 */
struct cmd_progress {
    bool shown;            /**< stderr is a terminal */
    uint64_t total;        /**< bytes */
    atomic_ullong done;    /**< of them */
    struct timespec start; /**< of all */
    struct timespec last;  /**< when the rate was measured last */
    uint64_t last_done;
    double rate; /**< bytes a second, of the last few seconds */
};

/** Starts; `quiet`: show nothing. */
void cmd_progress_begin(struct cmd_progress *progress, uint64_t total, bool quiet);
/** Draws. */
void cmd_progress_draw(struct cmd_progress *progress);
/** Takes the bar away; `what`, if not NULL, gets a last line with size, time and rate. */
void cmd_progress_end(struct cmd_progress *progress, const char *what);

/**
 * From here on SIGINT, SIGTERM and SIGHUP only set a flag, once: a second one kills. Signals that
 * are ignored stay so.
 */
void cmd_interrupt_catch(void);
/** Whether one came. */
bool cmd_interrupt_came(void);
/** Handles them as before; if one came, dies of it. */
void cmd_interrupt_release(void);

int cmd_mount(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_list(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_cat(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_export(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_verify(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_unmount(const struct mxfs_options *options, struct mxfs_error *err);

#endif
