/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Editing a model's JSON files as text.
 *
 * Members are removed, renamed or given another value in place. Everything else stays the same byte
 * for byte: numbers such as 1e-05, order, indentation, line endings, escapes, anything after the
 * last brace. The dialect is Python's (mxfs/json.h), with an object at the root. If a name occurs
 * twice in an object, every occurrence is edited. Time is linear in the size of the text.
 *
 * Functions return 0, -EINVAL when the text is not JSON, or -ENOMEM. Thread safety: per call.
 */
#ifndef MXFS_JSONEDIT_H
#define MXFS_JSONEDIT_H

#include <stddef.h>
#include <stdint.h>

/** Options of mxfs_jsonedit_config(). */
enum mxfs_jsonedit_flags {
    MXFS_JSONEDIT_KEEP_EXPERT_DTYPE = 1, /**< do not remove `expert_dtype` */
};

/**
 * Edits a config.json so that it describes dequantized weights, at the root and in every object
 * whose key ends in `_config`, at the root or inside another such object:
 *
 * - `quantization_config`, `compression_config`, `quantization` and, unless `flags` says otherwise,
 *   `expert_dtype` are removed;
 * - `dtype` and `torch_dtype` are set to `dtype`, such as "bfloat16" (NULL: left alone), if they
 *   hold a name (even "torch.float16"), null (for transformers: take the dtype of the first weight)
 *   or an object of names (for transformers: one for each part). A number under that name means
 *   something else and stays. If neither is set anywhere, `torch_dtype` is added to the root.
 *
 * `flags` are those of enum mxfs_jsonedit_flags. On success *out (caller frees) has *out_len bytes
 * and a NUL after them; on failure it is NULL.
 */
int mxfs_jsonedit_config(const char *text, size_t len, const char *dtype, unsigned flags,
                         char **out, size_t *out_len);

/**
 * A *.safetensors.index.json being edited. The caller walks through the members of the weight map
 * and decides about each one:
 *
 *     rc = mxfs_jsonedit_index_new(&index, text, len, total_size);
 *     while (rc == 0 && (more = mxfs_jsonedit_index_next(index, &weight)) > 0)
 *         rc = mxfs_jsonedit_index_keep(index), or _drop(index), or _rename(index, name, len);
 *     mxfs_jsonedit_index_finish(index, &out, &out_len);
 *     mxfs_jsonedit_index_free(index);
 *
 * After a failure only mxfs_jsonedit_index_free() may be called.
 */
struct mxfs_jsonedit_index;

/** A member of a weight map. The strings are decoded, not terminated, and valid until the next call
 * of mxfs_jsonedit_index_next(). */
struct mxfs_jsonedit_weight {
    const char *name;  /**< of the tensor */
    size_t name_len;   /**< bytes */
    const char *shard; /**< file name */
    size_t shard_len;  /**< bytes */
};

/**
 * Starts editing a text, which is borrowed. If `metadata` has a `total_size`, it is set to this
 * one. On failure *index is NULL.
 */
int mxfs_jsonedit_index_new(struct mxfs_jsonedit_index **index, const char *text, size_t len,
                            uint64_t total_size);

/**
 * Moves to the next member of the root's `weight_map`. Returns 1, or 0 after the last member;
 * -EINVAL also when a weight_map is not an object of strings.
 */
int mxfs_jsonedit_index_next(struct mxfs_jsonedit_index *index,
                             struct mxfs_jsonedit_weight *weight);

/** Keeps the current member. */
int mxfs_jsonedit_index_keep(struct mxfs_jsonedit_index *index);

/** Removes the current member. */
int mxfs_jsonedit_index_drop(struct mxfs_jsonedit_index *index);

/** Keeps the current member under another name. Returns -EINVAL when that is not UTF-8. */
int mxfs_jsonedit_index_rename(struct mxfs_jsonedit_index *index, const char *name, size_t len);

/** Hands over the edited text as mxfs_jsonedit_config() does. Call it after the last member. */
int mxfs_jsonedit_index_finish(struct mxfs_jsonedit_index *index, char **out, size_t *out_len);

/** Frees; accepts NULL. */
void mxfs_jsonedit_index_free(struct mxfs_jsonedit_index *index);

#endif
