/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Paths as text. Symbolic links are never resolved, because the name, config and index of a file
 * belong to the path as given (a Hugging Face snapshot links to blobs/<hash>).
 *
 * Strings returned are new (caller frees), or NULL with errno set when out of memory.
 * Thread safety: per call.
 */
#ifndef MXFS_PATH_H
#define MXFS_PATH_H

#include <stdbool.h>

#include "mxfs/error.h"

/** cwd + path when relative, the path itself otherwise; trailing slashes removed. NULL also where
 * the cwd has no path (ENOENT: it was removed). */
char *mxfs_path_absolute(const char *path);

/**
 * Sets *out to the absolute path of `path`, as above. On failure *out is NULL and err filled: no
 * memory, or (with `code`) the current folder is gone.
 */
int mxfs_path_resolve(char **out, const char *path, enum mxfs_exit code, struct mxfs_error *err);

/** The part before the last component of an absolute path ("/" at least). */
char *mxfs_path_dirname(const char *path);

/** dir + "/" + name. */
char *mxfs_path_join(const char *dir, const char *name);

/** The last component of a path; points into `path`. */
const char *mxfs_path_basename(const char *path);

/** Whether a name is one component inside its folder: not empty, "." or "..", and no slash. */
bool mxfs_path_is_plain_name(const char *name);

#endif
