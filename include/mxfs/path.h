/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Paths as text. Symbolic links are never resolved, because the name, config and index of a file
 * belong to the path as given (a Hugging Face snapshot links to blobs/<hash>).
 *
 * Functions that return `char *` return a new string, which the caller frees, or NULL with errno
 * set. Thread safety: per call.
 */
#ifndef MXFS_PATH_H
#define MXFS_PATH_H

#include <stdbool.h>

/**
 * The path, below the working directory if it is relative, without trailing slashes. Also NULL with
 * ENOENT when the working directory was removed.
 */
char *mxfs_path_absolute(const char *path);

/** The part before the last component of an absolute path; "/" if that is empty. */
char *mxfs_path_dirname(const char *path);

/** dir + "/" + name. */
char *mxfs_path_join(const char *dir, const char *name);

/** The last component of a path; points into `path`. */
const char *mxfs_path_basename(const char *path);

/** Whether a name is one component inside its folder: not empty, "." or "..", and no slash. */
bool mxfs_path_is_plain_name(const char *name);

#endif
