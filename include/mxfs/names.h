/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Tensor name <-> file name.
 *
 * The mapping is injective and safe for any name: `/`, NUL, `%`, `~`, control bytes and a leading
 * dot (hence "." and "..") become %XX, and an empty name becomes "%". A name that would exceed 255
 * bytes with its extension is cut and ends in `~` and a hash of the whole name. Thread safety: per
 * call.
 */
#ifndef MXFS_NAMES_H
#define MXFS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes of the longest file name, including the final NUL. */
#define MXFS_FILE_NAME_SIZE 256

/**
 * Writes the file name of a tensor, ending in `ext` (such as ".npy" or ""), to `out`,
 * NUL-terminated. Returns its length.
 */
size_t mxfs_name_to_file(char out[MXFS_FILE_NAME_SIZE], const char *name, size_t len,
                         const char *ext);

/**
 * Finds the tensor name that maps to a file name: *len bytes at `name`, which has room for
 * strlen(file). Returns false when there is none; *hashed is then true if the file may be that of a
 * cut name.
 */
bool mxfs_name_from_file(char *name, size_t *len, bool *hashed, const char *file, const char *ext);

#endif
