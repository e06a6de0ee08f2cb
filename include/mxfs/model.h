/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A model: its files, their tensors, and how these form quantized groups.
 *
 * A model is one .safetensors file, or the shards that an index (`*.safetensors.index.json`) names.
 * The parts of a group may be in any of its files. Thread safety: immutable after open, except that
 * sources may be read by many threads.
 */
#ifndef MXFS_MODEL_H
#define MXFS_MODEL_H

#include "mxfs/choices.h"
#include "mxfs/grouping.h"
#include "mxfs/safetensors.h"
#include "mxfs/source.h"

/** One file of a model. */
struct mxfs_shard {
    struct mxfs_source source;      /**< the open file */
    struct mxfs_safetensors header; /**< its parsed header */
};

/** An open model. Zero-initialised is a valid closed one. */
struct mxfs_model {
    struct mxfs_shard *shards; /**< owned */
    size_t shard_count;        /**< of open shards; missing ones do not count */
    size_t main;      /**< index in `shards` of the file that the caller named, or MXFS_NOT_FOUND */
    bool restricted;  /**< only some tensors are shown */
    bool has_stale;   /**< shards hold copies of tensors that the index places elsewhere */
    size_t missing;   /**< shards that the index names but that do not exist */
    char *index_path; /**< of the index that names the shards, or NULL; owned */
    char *first_missing;             /**< file name of the first missing shard, or NULL; owned */
    struct mxfs_tensors tensors;     /**< of all shards; stale copies are left out */
    struct mxfs_quant_config config; /**< from config.json, see mxfs/scheme.h */
    struct mxfs_grouping grouping;   /**< the role of each of `tensors` */
};

/**
 * Opens the file at `path` (absolute) as a model: reads config.json in the same folder and, if an
 * index there names the file as a shard, opens the other shards too. Returns 0, or -errno with err
 * filled and *model closed. Takes a descriptor for each shard.
 */
int mxfs_model_open_file(struct mxfs_model *model, const char *path,
                         const struct mxfs_choices *choices, struct mxfs_error *err);

/** Like mxfs_model_open_file(), but ignores any index: the file is the only one of its model. */
int mxfs_model_open_single(struct mxfs_model *model, const char *path,
                           const struct mxfs_choices *choices, struct mxfs_error *err);

/**
 * Like mxfs_model_open_file(), but opens the shards that the index at `path` (absolute) names, and
 * sets model->main to MXFS_NOT_FOUND. Missing shards are counted, not refused.
 */
int mxfs_model_open_index(struct mxfs_model *model, const char *path,
                          const struct mxfs_choices *choices, struct mxfs_error *err);

/** Closes and frees; accepts a closed model. */
void mxfs_model_close(struct mxfs_model *model);

/** The file that holds a tensor of the model. */
static inline struct mxfs_source *mxfs_model_source(const struct mxfs_model *model,
                                                    const struct mxfs_tensor *t)
{
    return &model->shards[t->shard].source;
}

/**
 * Whether `t` is in model->tensors; if not, it is a stale copy. The search starts at *index, which
 * affects only its speed; if found, *index is set to the index of `t`.
 */
bool mxfs_model_find(const struct mxfs_model *model, const struct mxfs_tensor *t, size_t *index);

#endif
