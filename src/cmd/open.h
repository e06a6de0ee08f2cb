/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a source for a command, and what the commands say of it.
 */
#ifndef MXFS_CMD_OPEN_H
#define MXFS_CMD_OPEN_H

#include "mxfs/view.h"

/**
 * Opens SOURCE at `path` for the whole process: asks for as many file descriptors as the system
 * allows. Nothing is judged yet.
 */
int cmd_open(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
             struct mxfs_error *err);

/** Opens and judges. */
int cmd_open_judged(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
                    struct mxfs_error *err);

/** More schemes than any model has. */
enum { CMD_SCHEMES_MAX = 64 };

/** Sums over a view. */
struct cmd_totals {
    size_t tensors;                       /**< shown */
    size_t dequantized;                   /**< of them */
    size_t files;                         /**< virtual files */
    uint64_t bytes_in;                    /**< of these files as stored */
    uint64_t bytes_out;                   /**< as shown */
    const char *schemes[CMD_SCHEMES_MAX]; /**< of the dequantized tensors, in order of appearance */
    size_t scheme_count;
};

/** Adds up all files of a view. */
struct cmd_totals cmd_totals_of(const struct mxfs_view *view);

#endif
