/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list --tree.
 */
#ifndef MXFS_CMD_LIST_TREE_H
#define MXFS_CMD_LIST_TREE_H

#include "list_row.h"

/** Writes to stdout: modules and tensors, alike modules once. */
int cmd_list_tree(struct cmd_listing *listing);

#endif
