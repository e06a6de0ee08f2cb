/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list as a table, and the lines that end a table and a tree.
 */
#ifndef MXFS_CMD_LIST_TABLE_H
#define MXFS_CMD_LIST_TABLE_H

#include "list_row.h"

/** Writes to stdout: a table for people or for programs. */
int cmd_list_table(struct cmd_listing *listing);

/** The end of both: what is not shown as it should be, and sums. */
int cmd_list_notes(struct cmd_listing *listing);

#endif
