/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The index of a sharded model, which maps tensor names to shards. Private to model/.
 */
#ifndef MXFS_MODEL_INDEX_H
#define MXFS_MODEL_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"
#include "mxfs/reach.h"

/** A member of the weight map. */
struct model_index_entry {
    const char *name;  /**< of the tensor; not terminated */
    uint32_t name_len; /**< bytes */
    uint32_t shard;    /**< index in index->shards */
};

/** A loaded index. Zero-initialised means that there is none. */
struct model_index {
    char *path;                        /**< of the index file; owned; NULL: there is no index */
    struct model_index_entry *entries; /**< in the order of the text; owned */
    size_t count;                      /**< of entries */
    char **shards;                     /**< distinct file names, sorted; owned */
    size_t shard_count;                /**< of shards */
    char *text;                        /**< of the file, escapes decoded; owned; holds the names */
};

/**
 * Looks in the folder `dir` for an index, within reach, whose weight_map names `file`. Returns 0
 * with index->path NULL when there is none. Fails with MXFS_EXIT_MALFORMED when an index is not
 * JSON, is too large, or names a shard outside the folder.
 */
int model_index_find(struct model_index *index, const char *dir, const char *file,
                     const struct mxfs_reach *reach, struct mxfs_error *err);

/** Loads the index at `path`. Fails like model_index_find(); a missing file is -ENOENT, with err
 * filled. */
int model_index_load(struct model_index *index, const char *path, const struct mxfs_reach *reach,
                     struct mxfs_error *err);

/** Frees; accepts an empty index. */
void model_index_fini(struct model_index *index);

#endif
