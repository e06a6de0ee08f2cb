/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Output to a descriptor that is already open. Thread safety: per call.
 */
#ifndef MXFS_CMD_OUTPUT_H
#define MXFS_CMD_OUTPUT_H

#include <stdbool.h>

#include "mxfs/error.h"

/** A descriptor to write to sequentially. */
struct cmd_output {
    int fd;        /**< borrowed */
    char name[32]; /**< for messages: "stdout" or "descriptor N" */
};

/**
 * Whether `path` names a descriptor that is open for writing: "-", /dev/stdout, /dev/stderr,
 * /dev/fd/N or /proc/self/fd/N. Write to that descriptor: opening the path would open its file
 * again, and truncate or replace it.
 */
bool cmd_output_find(struct cmd_output *output, const char *path);

/** Without `force`, fails (MXFS_EXIT_USAGE) on a terminal, which binary data would garble. */
int cmd_output_check_terminal(const struct cmd_output *output, bool force, struct mxfs_error *err);

#endif
