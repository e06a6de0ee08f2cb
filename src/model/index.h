/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The index of a sharded model: tensor name -> shard. Private to model/.
 */
#ifndef MXFS_MODEL_INDEX_H
#define MXFS_MODEL_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"
#include "mxfs/reach.h"

/** A member of the weight map. */
struct mxfs_index_entry {
    const char *name;  /**< of the tensor; not terminated */
    uint32_t name_len; /**< bytes */
    uint32_t shard;    /**< index in index->shards */
};

/** A string that does not stand in the text as it is. */
struct mxfs_index_string {
    struct mxfs_index_string *next;
    char data[];
};

/** A loaded index. Zero-initialised: there is none. */
struct mxfs_index {
    char *path;                       /**< of the index file; owned; NULL: there is none */
    struct mxfs_index_entry *entries; /**< in the order of the text */
    size_t count;
    char **shards; /**< distinct file names, sorted; owned */
    size_t shard_count;
    char *text;                        /**< of the file; owned: names point into it */
    struct mxfs_index_string *strings; /**< owned: the other names */
};

/**
 * Looks beside a file for an index (within reach) whose weight_map names it. None is no error
 * (index->path NULL). Shard names that would lead out of the directory, and broken JSON, are
 * MXFS_EXIT_MALFORMED.
 */
int mxfs_index_find(struct mxfs_index *index, const char *dir, const char *file,
                    const struct mxfs_reach *reach, struct mxfs_error *err);

/** Loads the index file at `path`; none there is -ENOENT, with err filled. */
int mxfs_index_load(struct mxfs_index *index, const char *path, const struct mxfs_reach *reach,
                    struct mxfs_error *err);

/** Frees; accepts an empty index. */
void mxfs_index_fini(struct mxfs_index *index);

#endif
