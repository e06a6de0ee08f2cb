/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * One reading of a safetensors header: the state that its two passes and its parts share.
 */
#ifndef MXFS_SAFETENSORS_PARSER_H
#define MXFS_SAFETENSORS_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/safetensors.h"

#include "json.h"
#include "nameset.h"

/** The state. Zero-initialised, then text and size of `json`, `path` and `err`. */
struct mxfs_parser {
    struct mxfs_json json;        /**< the text and the position in it */
    const char *path;             /**< of the file, for messages */
    struct mxfs_error *err;       /**< where messages go */
    struct mxfs_safetensors *out; /**< NULL in the first pass */
    uint64_t data_offset;         /**< of the first data byte in the file */
    uint64_t data_size;           /**< bytes after the header */
    size_t tensors;               /**< entries read */
    size_t metadata;              /**< pairs read; distinct ones in the second pass */
    size_t dims;                  /**< dimensions read */
    size_t text;                  /**< bytes of decoded names, keys and values read */
    uint64_t *dims_arena;         /**< second pass: where dimensions go */
    char *text_arena;             /**< second pass: where names, keys and values go */
    struct mxfs_nameset names;    /**< second pass: of tensors */
    struct mxfs_nameset keys;     /**< second pass: of metadata */
    bool metadata_seen;           /**< `__metadata__` was read */
    bool in_entry;                /**< errors concern the tensor `name` */
    struct mxfs_json_string name; /**< of the tensor being read */
};

/** Records "PATH: malformed header: [tensor NAME: ]REASON"; returns -EINVAL. */
int mxfs_parser_fail(const struct mxfs_parser *p, const char *fmt, ...) MXFS_PRINTF(2, 3);

/** Records what the JSON parser found, with its position in the file; returns -EINVAL. */
int mxfs_parser_bad_json(const struct mxfs_parser *p);

/** Counts a string (first pass, returns NULL) or decodes it into the arena (second), returns it. */
const char *mxfs_parser_keep_text(struct mxfs_parser *p, const struct mxfs_json_string *s);

/** Reads and checks the value of the member p->name, which is a tensor. */
int mxfs_parser_read_entry(struct mxfs_parser *p);

#endif
