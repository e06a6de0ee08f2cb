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
 * Returns a descriptor, or -1 if the file needs a name after all: the filesystem cannot do without,
 * /proc is missing, or half of the process's descriptors are in use (the source needs the rest).
 */
int cmd_unnamed_make(int base);

/** Names such a file `name` in `folder`. Returns 0 or -errno, with -EEXIST if the name is taken. */
int cmd_unnamed_name(int fd, int folder, const char *name);

#endif
