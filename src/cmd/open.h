/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a source for a command, and what every command asks about it.
 */
#ifndef MXFS_CMD_OPEN_H
#define MXFS_CMD_OPEN_H

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

/** More schemes than any model has. */
enum { CMD_SCHEMES_MAX = 64 };

/** What the views hold, all in all. */
struct cmd_totals {
    size_t tensors;                       /**< shown */
    size_t dequantized;                   /**< of them */
    size_t files;                         /**< virtual files */
    uint64_t bytes_in;                    /**< of these files as stored */
    uint64_t bytes_out;                   /**< as shown */
    const char *schemes[CMD_SCHEMES_MAX]; /**< of those dequantized, as they were met */
    size_t scheme_count;
};

/** Adds up a folder and all below it. */
struct cmd_totals cmd_source_totals(const struct cmd_source *source);

/** Closes; accepts a zero-initialised object. */
void cmd_source_close(struct cmd_source *source);

#endif
