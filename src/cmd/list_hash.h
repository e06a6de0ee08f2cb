/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --hash. Private to the command.
 */
#ifndef MXFS_CMD_LIST_HASH_H
#define MXFS_CMD_LIST_HASH_H

#include "list_row.h"

/** Fills listing->hashes by reading everything, with `workers` threads. */
int cmd_listing_hash(struct cmd_listing *listing, unsigned workers, bool quiet,
                     struct mxfs_error *err);

#endif
