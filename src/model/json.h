/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * JSON files beside the weights, as Python writes them. Private to model/.
 */
#ifndef MXFS_MODEL_JSON_H
#define MXFS_MODEL_JSON_H

#include <jansson.h>

#include "mxfs/error.h"
#include "mxfs/reach.h"

/**
 * Reads and parses a JSON file whose root is an object. Python's NaN, Infinity and -Infinity are
 * read as 0: mxfs asks for none of them. *out is a new reference. Fails with MXFS_EXIT_SOURCE when
 * unreadable (-ENOENT without err when there is no such file within reach), MXFS_EXIT_MALFORMED
 * when broken.
 */
int mxfs_json_load(const char *path, const struct mxfs_reach *reach, json_t **out,
                   struct mxfs_error *err);

#endif
