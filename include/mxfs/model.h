/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A model: the files that belong together, their tensors, and how these form quantized groups.
 *
 * A model is one .safetensors file, or the shards that an index (`*.safetensors.index.json`) names.
 * Companions of a tensor are sought in all of its model.
 * Thread safety: immutable after open, except that sources may be read by many threads.
 */
#ifndef MXFS_MODEL_H
#define MXFS_MODEL_H

#include "mxfs/grouping.h"
#include "mxfs/safetensors.h"
#include "mxfs/source.h"

/** One file of a model. */
struct mxfs_shard {
    struct mxfs_source source;
    struct mxfs_safetensors header;
};

/** What the user chose. */
struct mxfs_model_options {
    int out;           /**< enum mxfs_out, or -1: what the config says if BF16 or F32, else BF16 */
    uint64_t unit_max; /**< bytes, see struct mxfs_match */
    const char *only;  /**< glob of the tensors to show, or NULL; borrowed while opening */
    const char *schemes; /**< see mxfs_grouping_options.forced; borrowed while opening */
    bool partial;        /**< leave out tensors that need a missing shard */
    /** What may be opened beside the file that the caller names; NULL: everything; borrowed. What
     * is out of reach is not there, but a shard that is meant is an error. */
    const struct mxfs_reach *reach;
};

/** An open model. Zero-initialised is a valid closed one. */
struct mxfs_model {
    struct mxfs_shard *shards;
    size_t shard_count;
    size_t main;                 /**< index of the file that was asked for, or MXFS_NOT_FOUND */
    bool restricted;             /**< only some tensors are shown */
    bool has_stale;              /**< shards hold copies that the index does not mean */
    size_t missing;              /**< shards that the index names and that are not there */
    char *index_path;            /**< of the index that names the shards, or NULL */
    char *first_missing;         /**< file name of the first of these, or NULL */
    struct mxfs_tensors tensors; /**< of all shards; stale copies are left out */
    struct mxfs_quant_config config;
    struct mxfs_grouping grouping;
};

/**
 * Opens the file at `path` (absolute) as a model: reads config.json beside it, and the other shards
 * when an index beside it names it as one. On failure err is filled and *model is closed.
 */
int mxfs_model_open_file(struct mxfs_model *model, const char *path,
                         const struct mxfs_model_options *options, struct mxfs_error *err);

/** The same for a file that is a model of its own, whatever indexes are beside it. */
int mxfs_model_open_single(struct mxfs_model *model, const char *path,
                           const struct mxfs_model_options *options, struct mxfs_error *err);

/**
 * Opens the shards that the index at `path` (absolute) names; model->main is then none of them.
 * Missing shards are no error here.
 */
int mxfs_model_open_index(struct mxfs_model *model, const char *path,
                          const struct mxfs_model_options *options, struct mxfs_error *err);

/** Closes and frees; accepts a closed model. */
void mxfs_model_close(struct mxfs_model *model);

/** The file that holds a tensor of the model. */
static inline struct mxfs_source *mxfs_model_source(const struct mxfs_model *model,
                                                    const struct mxfs_tensor *t)
{
    return &model->shards[t->shard].source;
}

/**
 * Whether `t` is in model->tensors (false: a stale copy). *index is a hint where to look, and on
 * return its place there.
 */
bool mxfs_model_find(const struct mxfs_model *model, const struct mxfs_tensor *t, size_t *index);

#endif
