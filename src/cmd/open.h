/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a source for a command, and the totals that commands print.
 */
#ifndef MXFS_CMD_OPEN_H
#define MXFS_CMD_OPEN_H

#include "mxfs/view.h"

/**
 * Opens the source at `path` without judging it. Raises the process's limit on descriptors as far
 * as the system allows.
 */
int cmd_open(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
             struct mxfs_error *err);

/** Opens the source as cmd_open() does, and fails if mxfs_view_judge() does. */
int cmd_open_judged(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
                    struct mxfs_error *err);

/** The most schemes that totals name; no model has as many. */
enum { CMD_SCHEMES_MAX = 64 };

/** Totals of a view. */
struct cmd_totals {
    size_t tensors;                       /**< tensors shown */
    size_t dequantized;                   /**< how many of them are dequantized */
    size_t files;                         /**< virtual files */
    uint64_t bytes_in;                    /**< size of the virtual files' tensors as stored */
    uint64_t bytes_out;                   /**< size of the same tensors as shown */
    const char *schemes[CMD_SCHEMES_MAX]; /**< of the dequantized tensors, in order of appearance */
    size_t scheme_count;                  /**< entries of `schemes` */
};

/** Adds up all files of a view. */
struct cmd_totals cmd_totals_of(const struct mxfs_view *view);

#endif
