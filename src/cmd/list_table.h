/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list as a table, and the closing lines of a table or a tree.
 */
#ifndef MXFS_CMD_LIST_TABLE_H
#define MXFS_CMD_LIST_TABLE_H

#include "list_row.h"

/** Writes the table and its closing lines to stdout: aligned on a terminal, elsewhere exact. */
void cmd_list_table(const struct cmd_listing *listing);

/** Writes the closing lines: refused and incomplete tensors, notes, and totals. */
void cmd_list_notes(const struct cmd_listing *listing);

#endif
