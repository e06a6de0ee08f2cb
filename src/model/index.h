/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The index of a sharded model: tensor name -> shard. Private to model/.
 */
#ifndef MXFS_MODEL_INDEX_H
#define MXFS_MODEL_INDEX_H

#include <jansson.h>
#include <stdbool.h>

#include "mxfs/error.h"
#include "mxfs/tensor.h"

/** A loaded index. Zero-initialised: there is none. */
struct mxfs_index {
    json_t *root;        /**< owned */
    const json_t *map;   /**< its weight_map: object of strings */
    const char **shards; /**< distinct file names, sorted; owned array */
    size_t shard_count;
    char *path; /**< of the index file; owned */
};

/**
 * Looks beside a file for an index whose weight_map names it. None is no error (index->map NULL).
 * Shard names that would lead out of the directory, and broken JSON, are MXFS_EXIT_MALFORMED.
 */
int mxfs_index_find(struct mxfs_index *index, const char *dir, const char *file,
                    struct mxfs_error *err);

/** Loads the index file at `path`; none there is -ENOENT, with err filled. */
int mxfs_index_load(struct mxfs_index *index, const char *path, struct mxfs_error *err);

/** The shard that the index gives for a tensor, or NULL. */
const char *mxfs_index_shard_of(const struct mxfs_index *index, const struct mxfs_tensor *t);

/** Frees; accepts an empty index. */
void mxfs_index_fini(struct mxfs_index *index);

#endif
