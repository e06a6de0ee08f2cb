/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The state of reading a safetensors header, shared by its two passes. Private to safetensors/.
 */
#ifndef MXFS_SAFETENSORS_PARSER_H
#define MXFS_SAFETENSORS_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/json.h"
#include "mxfs/safetensors.h"

#include "nameset.h"

/** The state. Zero-initialised except for `path`, `err` and the two sizes of the data. */
struct safetensors_parser {
    struct mxfs_json json;            /**< the text and the position in it */
    const char *path;                 /**< of the file, for messages */
    struct mxfs_error *err;           /**< receives the failure */
    struct mxfs_safetensors *out;     /**< NULL in the first pass */
    uint64_t data_offset;             /**< of the first data byte in the file */
    uint64_t data_size;               /**< bytes after the header */
    size_t tensors;                   /**< entries read */
    size_t metadata;                  /**< pairs read; distinct ones in the second pass */
    size_t dims;                      /**< dimensions read */
    size_t text;                      /**< bytes of decoded names, keys and values read */
    uint64_t *dims_arena;             /**< second pass: where dimensions go */
    char *text_arena;                 /**< second pass: where names, keys and values go */
    struct safetensors_nameset names; /**< second pass: of tensors */
    struct safetensors_nameset keys;  /**< second pass: of metadata */
    bool metadata_seen;               /**< `__metadata__` was read */
    bool in_entry;                    /**< errors concern the tensor `name` */
    struct mxfs_json_string name;     /**< of the tensor being read */
};

/** Records "PATH: malformed header: [tensor NAME: ]REASON"; returns -EINVAL. */
int safetensors_fail(const struct safetensors_parser *p, const char *fmt, ...) MXFS_PRINTF(2, 3);

/** First pass: counts a string, and returns NULL. Second pass: decodes it into the arena, and
 * returns it. */
const char *safetensors_keep_text(struct safetensors_parser *p, const struct mxfs_json_string *s);

/** Reads and checks the entry of the tensor p->name. Returns 0 or -EINVAL, with the failure
 * recorded unless p->json has it. */
int safetensors_read_entry(struct safetensors_parser *p);

#endif
