/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Paths as text. Symbolic links are never resolved: a Hugging Face snapshot links to blobs/<hash>,
 * while the name, config and index of a file are found at the path as given.
 *
 * Returned strings are new (caller frees), or NULL with errno set when out of memory. Thread
 * safety: per call.
 */
#ifndef MXFS_PATH_H
#define MXFS_PATH_H

#include <stdbool.h>

#include "mxfs/error.h"

/**
 * Makes a path absolute and removes trailing slashes. Returns NULL also when the path is relative
 * and the current folder has no path (ENOENT: it was removed).
 */
char *mxfs_path_absolute(const char *path);

/**
 * Sets *out to mxfs_path_absolute(path). Returns 0, or -errno with *out NULL and err filled: out of
 * memory, or (with `code`) the current folder was removed.
 */
int mxfs_path_resolve(char **out, const char *path, enum mxfs_exit code, struct mxfs_error *err);

/** The part of an absolute path before its last component, at least "/". */
char *mxfs_path_dirname(const char *path);

/** Joins a folder and a name with a slash. */
char *mxfs_path_join(const char *dir, const char *name);

/** The last component of a path; points into `path`. */
const char *mxfs_path_basename(const char *path);

/** Whether a name is a single component: not empty, not "." or "..", and without a slash. */
bool mxfs_path_is_plain_name(const char *name);

#endif
