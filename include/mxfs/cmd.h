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
 * Runs options->command. A mount in the foreground returns when it is unmounted, one in the
 * background when it is ready. Returns 0, or -errno with err filled; err->text is empty if the
 * failure has been printed already (see mxfs_fail_told()). Only main() may call this: it opens the
 * log and may catch signals.
 */
int mxfs_cmd_run(const struct mxfs_options *options, struct mxfs_error *err);

#endif
