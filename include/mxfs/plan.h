/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The plan of a virtual file: its header and its tensors, each copied from the source or decoded.
 *
 * The file is byte for byte the one that the reference safetensors library (0.8.0, save_file) would
 * write for the dequantized tensors. A file in which nothing is dequantized or dropped is shown as
 * it is ("verbatim"). Thread safety: immutable after init.
 */
#ifndef MXFS_PLAN_H
#define MXFS_PLAN_H

#include "mxfs/model.h"

/** A tensor of the virtual file; exactly one of the two pointers is set. */
struct mxfs_output {
    const struct mxfs_tensor *tensor; /**< the stored tensor to copy, or NULL */
    const struct mxfs_group *group;   /**< the group to decode, or NULL */
    uint64_t offset;                  /**< of its first byte in the virtual file */
};

/** A virtual file. Zero-initialised is a valid empty object. */
struct mxfs_plan {
    struct mxfs_model *model;    /**< borrowed */
    size_t shard;                /**< index of the source file in the model */
    struct mxfs_output *outputs; /**< in file order: back to back, by ascending offset; owned */
    uint32_t *by_name;           /**< indices of outputs, sorted by name; owned */
    size_t count;                /**< of outputs */
    char *header;                /**< owned; NULL when verbatim */
    uint64_t data_offset;        /**< where the header ends */
    uint64_t size;               /**< of the whole file */
    bool verbatim;               /**< the source file, unchanged */
};

/** Description of an output, whether copied or decoded. */
struct mxfs_output_info {
    const char *name;          /**< not terminated; borrowed */
    const uint64_t *shape;     /**< `rank` dimensions; borrowed */
    uint64_t size;             /**< bytes */
    uint32_t name_len;         /**< bytes of `name` */
    uint32_t rank;             /**< 0 for a scalar */
    enum mxfs_dtype dtype : 8; /**< element type */
};

/**
 * Plans the virtual file of shard `shard` of a model. Returns 0, or -errno with err filled when two
 * outputs would have the same name, sizes overflow, or memory runs out.
 */
int mxfs_plan_init(struct mxfs_plan *plan, struct mxfs_model *model, size_t shard,
                   struct mxfs_error *err);

/** Frees; accepts an empty object. */
void mxfs_plan_fini(struct mxfs_plan *plan);

/** The source file of a plan. */
static inline struct mxfs_source *mxfs_plan_source(const struct mxfs_plan *plan)
{
    return &plan->model->shards[plan->shard].source;
}

/** Describes an output; pointers are borrowed. */
struct mxfs_output_info mxfs_output_info(const struct mxfs_output *output);

/** The name of the scheme that decodes an output, or "plain". */
const char *mxfs_output_scheme(const struct mxfs_output *output);

/** Fills in the stored tensors that an output is made of, main part first. Returns their number. */
unsigned mxfs_output_sources(const struct mxfs_output *output,
                             const struct mxfs_tensor *sources[MXFS_PARTS_MAX]);

/** Whether an output is a stale copy: the model's index places its tensor in another shard. */
bool mxfs_plan_is_stale(const struct mxfs_plan *plan, const struct mxfs_output *output);

/** The position in by_name of the output called `name`, or MXFS_NOT_FOUND. */
size_t mxfs_plan_find(const struct mxfs_plan *plan, const char *name, size_t len);

/** The output that holds byte `offset` of the file (data_offset <= offset < size). */
const struct mxfs_output *mxfs_plan_at(const struct mxfs_plan *plan, uint64_t offset);

/** The sizes of the source file and of the virtual file, in bytes. */
void mxfs_plan_totals(const struct mxfs_plan *plan, uint64_t *bytes_in, uint64_t *bytes_out);

#endif
