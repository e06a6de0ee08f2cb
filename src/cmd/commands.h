/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The commands, one file each. Each returns 0 or -errno with err filled; a command that has printed
 * its failure itself leaves err->text empty and sets only the code.
 */
#ifndef MXFS_CMD_COMMANDS_H
#define MXFS_CMD_COMMANDS_H

#include "mxfs/options.h"

/**
 * An operand as an absolute path; the caller frees *out, which is NULL on failure: no memory, or
 * (with `code`) the current folder is gone.
 */
int cmd_path(char **out, const char *operand, enum mxfs_exit code, struct mxfs_error *err);

/** The commands. Each returns 0, or -errno with err filled. */
int cmd_mount(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_list(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_cat(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_export(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_verify(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_stats(const struct mxfs_options *options, struct mxfs_error *err);
int cmd_unmount(const struct mxfs_options *options, struct mxfs_error *err);

#endif
