/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Where MOUNTPOINT leads. Private to cmd/.
 */
#ifndef MXFS_CMD_POINT_H
#define MXFS_CMD_POINT_H

#include "mxfs/error.h"

/**
 * Follows `path` (absolute) and opens the folder at its end (O_PATH): *folder, or -1 when it cannot
 * be opened, which is for later calls to report. Fails with -EPERM (MXFS_EXIT_FAILED) when a link
 * of another user led to a folder that is not theirs: anyone could make root mount over /etc.
 */
int cmd_point_open(const char *path, int *folder, struct mxfs_error *err);

/**
 * Fails likewise before something is unmounted at `path`. The owner of the folder above counts,
 * since what is mounted there can claim any.
 */
int cmd_point_check(const char *path, struct mxfs_error *err);

#endif
