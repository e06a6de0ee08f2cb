/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Editing of a model's JSON files as text.
 *
 * Members are cut, renamed or given another value where they stand; everything else stays byte for
 * byte: numbers such as 1e-05, order, indentation, line endings, escapes, what follows the last
 * brace. Understood is Python's dialect (RFC 8259 plus NaN, Infinity and -Infinity), in UTF-8
 * without BOM, with an object at the root and at most 2048 levels of nesting. A name that occurs
 * twice in an object is edited at every occurrence. Time is linear in the size of the text.
 *
 * Both functions return 0 with *out (which the caller frees; a NUL follows its *out_len bytes),
 * -EINVAL when the text is not JSON, or -ENOMEM; on failure *out is NULL. Thread safety: per call.
 */
#ifndef MXFS_JSONEDIT_H
#define MXFS_JSONEDIT_H

#include <stddef.h>
#include <stdint.h>

/** What mxfs_jsonedit_config() leaves alone. */
enum mxfs_jsonedit_flags {
    MXFS_JSONEDIT_KEEP_EXPERT_DTYPE = 1, /**< `expert_dtype` is not removed */
};

/**
 * Edits a config.json so that it describes dequantized weights, at the root and in every object
 * whose key ends in `_config`, at the root or inside another of these:
 *
 * - `quantization_config`, `compression_config`, `quantization` and, unless `flags` says otherwise,
 *   `expert_dtype` are removed;
 * - `dtype` and `torch_dtype` are set to `dtype` ("bfloat16"; NULL: left alone), whether they were
 *   a name (also "torch.float16"), null (transformers: undecided, look at the first weight) or an
 *   object of names (transformers: one for each part); a number is something else that is called
 *   dtype, and stays. Where none is set, `torch_dtype` is added to the root.
 *
 * `flags` are those of enum mxfs_jsonedit_flags.
 */
int mxfs_jsonedit_config(const char *text, size_t len, const char *dtype, unsigned flags,
                         char **out, size_t *out_len);

/** What becomes of a member of a weight map. */
enum mxfs_jsonedit_fate {
    MXFS_JSONEDIT_KEEP,   /**< stays as it is */
    MXFS_JSONEDIT_DROP,   /**< is removed */
    MXFS_JSONEDIT_RENAME, /**< gets another key */
};

/** A member of a weight map, decoded. The names are borrowed for the call and not terminated. */
struct mxfs_jsonedit_weight {
    const char *name;    /**< of the tensor */
    size_t name_len;     /**< bytes */
    const char *shard;   /**< file name */
    size_t shard_len;    /**< bytes */
    const char *renamed; /**< set by the callback for RENAME: well-formed UTF-8, borrowed until the
                            next call */
    size_t renamed_len;  /**< bytes */
};

/** Says what becomes of a member: an enum mxfs_jsonedit_fate, or -errno, which ends the editing. */
typedef int mxfs_jsonedit_decide(void *data, struct mxfs_jsonedit_weight *weight);

/**
 * Edits a *.safetensors.index.json: each member of the root's `weight_map` has the fate that
 * decide(data, member) says, in the order of the text, and `metadata.total_size` becomes
 * `total_size` where there is one. Also -EINVAL when a weight_map is not an object of strings or a
 * new name is not UTF-8, and what `decide` fails with.
 */
int mxfs_jsonedit_index(const char *text, size_t len, uint64_t total_size,
                        mxfs_jsonedit_decide *decide, void *data, char **out, size_t *out_len);

#endif
