/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --schemes: the formats that mxfs knows.
 */
#ifndef MXFS_CMD_LIST_SCHEMES_H
#define MXFS_CMD_LIST_SCHEMES_H

#include "mxfs/options.h"

/** Prints the table of formats, as lines or with --json as an array. Returns 0 or -errno. */
int cmd_list_schemes(const struct mxfs_options *options, struct mxfs_error *err);

#endif
