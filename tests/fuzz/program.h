/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A model folder made from a few bytes, for fuzz_folder.c.
 *
 * The bytes are a program. Each step begins with a byte that says what it adds or damages: a group
 * of some scheme with given dimensions, some of its parts left out, of another type, in another
 * shard; plain tensors with odd names and shapes; members of config.json and of the index; single
 * bytes of these texts; many copies of what there is. So a mutation of the program is a model that
 * is nearly right, which reaches further than a mutation of the text. Any bytes are a program.
 */
#ifndef MXFS_FUZZ_PROGRAM_H
#define MXFS_FUZZ_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/** A folder that was made, and how to open it. */
struct program_result {
    size_t tensors;   /**< tensors in all headers, and entries of the index */
    size_t text;      /**< bytes of headers, config and index */
    unsigned choices; /**< bits for the harness to choose by: the first byte of the program */
    char first[64];   /**< name of the first tensor */
};

/** Runs a program: fills the folder `dir`, which is empty. */
void program_run(const char *dir, const uint8_t *data, size_t size, struct program_result *out);

#endif
