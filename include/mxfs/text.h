/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Numbers in human-readable form. Thread safety: per call.
 */
#ifndef MXFS_TEXT_H
#define MXFS_TEXT_H

#include <stdint.h>
#include <stdio.h>

/** Bytes of a size or time as text, including the final NUL. */
#define MXFS_TEXT_SIZE 32

/** Writes "512 bytes", "1.5 kB", "13.8 GB"; units of 1000. Returns `out`. */
const char *mxfs_text_size(char out[MXFS_TEXT_SIZE], uint64_t bytes);

/** Writes "3.2 ms", "1.5 s", "26 min", "4 h", "12 days". Returns `out`. */
const char *mxfs_text_time(char out[MXFS_TEXT_SIZE], double seconds);

/** Writes a shape or an index as "[2,3]" (`out` NULL: writes nothing). Returns its length. */
int mxfs_text_dims(FILE *out, const uint64_t *dims, uint32_t count);

#endif
