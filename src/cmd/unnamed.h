/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Files without a name (O_TMPFILE): they vanish with their last descriptor, even if the process is
 * killed. Thread safety: per call.
 */
#ifndef MXFS_CMD_UNNAMED_H
#define MXFS_CMD_UNNAMED_H

/**
 * Makes a file without a name on the filesystem of the folder `base` and opens it for writing.
 * Returns a descriptor, or -1 when it must have a name after all: the filesystem cannot do it,
 * /proc is missing, or half of the process's descriptors are in use (the rest is for the source).
 */
int cmd_unnamed_make(int base);

/** Gives it the name `name` in `folder`. Returns 0 or -errno: -EEXIST where there is something. */
int cmd_unnamed_name(int fd, int folder, const char *name);

#endif
