/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The state of the header parser, shared by its two passes. Private to safetensors/.
 */
#ifndef MXFS_SAFETENSORS_PARSER_H
#define MXFS_SAFETENSORS_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/json.h"
#include "mxfs/safetensors.h"

#include "nameset.h"

/** The state. Set `path`, `err`, data_offset and data_size; the rest starts as zero. */
struct safetensors_parser {
    struct mxfs_json json;            /**< the text and the position in it */
    const char *path;                 /**< of the file, for messages */
    struct mxfs_error *err;           /**< records the failure */
    struct mxfs_safetensors *out;     /**< NULL in the first pass */
    uint64_t data_offset;             /**< of the first byte of data in the file */
    uint64_t data_size;               /**< bytes after the header */
    size_t tensors;                   /**< entries read in this pass */
    size_t metadata;                  /**< metadata pairs read; in the second pass, distinct keys */
    size_t dims;                      /**< dimensions read in this pass */
    size_t text;                      /**< bytes of decoded names, keys and values in this pass */
    uint64_t *dims_arena;             /**< second pass: memory for dimensions */
    char *text_arena;                 /**< second pass: memory for names, keys and values */
    struct safetensors_nameset names; /**< second pass: names of tensors */
    struct safetensors_nameset keys;  /**< second pass: keys of metadata */
    bool metadata_seen;               /**< `__metadata__` was read in this pass */
    bool in_entry;                    /**< messages name the tensor `name` */
    struct mxfs_json_string name;     /**< name of the tensor being read */
};

/** Records "PATH: malformed header: [tensor NAME: ]REASON"; returns -EINVAL. */
int safetensors_fail(const struct safetensors_parser *p, const char *fmt, ...) MXFS_PRINTF(2, 3);

/**
 * First pass: adds up the length of a string, and returns NULL. Second pass: decodes it into the
 * arena, and returns it.
 */
const char *safetensors_keep_text(struct safetensors_parser *p, const struct mxfs_json_string *s);

/**
 * Reads and checks the entry of the tensor p->name. Returns 0, or -EINVAL with the failure recorded
 * in p->err or p->json.
 */
int safetensors_read_entry(struct safetensors_parser *p);

#endif
