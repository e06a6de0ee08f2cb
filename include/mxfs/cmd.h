/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What the command line asks for.
 */
#ifndef MXFS_CMD_H
#define MXFS_CMD_H

#include "mxfs/error.h"
#include "mxfs/options.h"

/**
 * Runs options->command to its end: a mount in the foreground returns when it is over, one in the
 * background when it stands. Returns 0 or -errno with err filled; a command that has printed its
 * failure itself leaves err->text empty and sets only the code. For main() only: it opens the log
 * and may catch signals.
 */
int mxfs_cmd_run(const struct mxfs_options *options, struct mxfs_error *err);

#endif
