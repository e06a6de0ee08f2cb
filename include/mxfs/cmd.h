/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The commands of the program.
 */
#ifndef MXFS_CMD_H
#define MXFS_CMD_H

#include "mxfs/error.h"
#include "mxfs/options.h"

/**
 * Runs options->command to its end: a mount in the foreground returns when it is unmounted, one in
 * the background when it is ready. Returns 0 or -errno with err filled (see mxfs_fail_told() for a
 * failure that has been printed already). For main() only: it opens the log and may catch signals.
 */
int mxfs_cmd_run(const struct mxfs_options *options, struct mxfs_error *err);

#endif
