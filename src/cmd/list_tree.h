/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --tree.
 */
#ifndef MXFS_CMD_LIST_TREE_H
#define MXFS_CMD_LIST_TREE_H

#include "list_row.h"

/** Writes a tree of modules to stdout, identical modules once. Returns 0 or -ENOMEM. */
int cmd_list_tree(const struct cmd_listing *listing);

#endif
