/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The commands, one file each. Each returns 0 or -errno with err filled (see mxfs_fail_told() for a
 * command that has printed its failure itself).
 */
#ifndef MXFS_CMD_COMMANDS_H
#define MXFS_CMD_COMMANDS_H

#include "mxfs/options.h"

/** mxfs SOURCE MOUNTPOINT */
int cmd_mount(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs list SOURCE */
int cmd_list(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs cat SOURCE TENSOR */
int cmd_cat(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs export SOURCE DEST */
int cmd_export(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs verify SOURCE REFERENCE */
int cmd_verify(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs stats MOUNTPOINT */
int cmd_stats(const struct mxfs_options *options, struct mxfs_error *err);
/** mxfs -u MOUNTPOINT */
int cmd_unmount(const struct mxfs_options *options, struct mxfs_error *err);

#endif
