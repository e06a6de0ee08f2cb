/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs list as a table, and the lines that end a table and a tree.
 */
#ifndef MXFS_CMD_LIST_TABLE_H
#define MXFS_CMD_LIST_TABLE_H

#include "list_row.h"

/** Writes a table to stdout, for people if that is a terminal, else for programs. */
void cmd_list_table(const struct cmd_listing *listing);

/** Writes the lines after the tensors: what is refused, incomplete or worth a note, and sums. */
void cmd_list_notes(const struct cmd_listing *listing);

#endif
