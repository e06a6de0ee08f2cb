/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The commands, one file each. Each returns 0, or -errno with err filled; a command that has
 * already reported its failure uses mxfs_fail_told().
 */
#ifndef MXFS_CMD_COMMANDS_H
#define MXFS_CMD_COMMANDS_H

#include "mxfs/options.h"

/** mxfs SOURCE MOUNTPOINT: mounts and serves, in the background unless --foreground. */
int cmd_mount(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs list SOURCE: prints the tensors that a mount would show. */
int cmd_list(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs cat SOURCE TENSOR: writes a tensor's bytes to stdout. */
int cmd_cat(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs export SOURCE DEST: writes the files that a mount would show. */
int cmd_export(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs verify SOURCE REFERENCE: compares tensors bit for bit. */
int cmd_verify(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs stats MOUNTPOINT: prints a mount's statistics. */
int cmd_stats(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs -u MOUNTPOINT: unmounts. */
int cmd_unmount(const struct mxfs_options *options, struct mxfs_error *err);

#endif
