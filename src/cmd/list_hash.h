/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --hash. Private to the command.
 */
#ifndef MXFS_CMD_LIST_HASH_H
#define MXFS_CMD_LIST_HASH_H

#include "list_row.h"

/**
 * Fills listing->hashes by reading every tensor with `workers` threads; shows progress unless
 * `quiet`. Returns 0 or -errno; if a tensor cannot be read, the log names it.
 */
int cmd_listing_hash(struct cmd_listing *listing, unsigned workers, bool quiet,
                     struct mxfs_error *err);

#endif
