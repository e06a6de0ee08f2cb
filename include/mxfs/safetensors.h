/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The safetensors container: parsing a header, and writing one in canonical form.
 *
 * Layout: n as a 64-bit little-endian integer; n bytes of UTF-8 JSON; the data. Offsets in the JSON
 * count from the first byte of data. Source: huggingface/safetensors 0.8.0,
 * safetensors/src/tensor.rs. The parser accepts the headers that this library accepts, and the
 * writer writes the same bytes. Thread safety: per call; a parsed header is immutable.
 */
#ifndef MXFS_SAFETENSORS_H
#define MXFS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"
#include "mxfs/tensors.h"

/** Bytes of the length prefix. */
#define MXFS_SAFETENSORS_PREFIX 8u

/** Largest JSON, in bytes, that the library reads or writes. */
#define MXFS_SAFETENSORS_HEADER_MAX 100000000u

/** One `__metadata__` entry. Key and value are UTF-8, not terminated, and may contain NUL. */
struct mxfs_metadata {
    const char *key;    /**< in the header's arena */
    const char *value;  /**< in the header's arena */
    uint32_t key_len;   /**< bytes */
    uint32_t value_len; /**< bytes */
};

/** A parsed header. Zero-initialised is a valid empty object. */
struct mxfs_safetensors {
    struct mxfs_tensor *tensors;    /**< in data order (by offset) */
    size_t count;                   /**< of tensors */
    struct mxfs_metadata *metadata; /**< in the file's order; a repeated key has its last value */
    size_t metadata_count;          /**< 0 also when `__metadata__` is absent or null */
    uint64_t data_offset;           /**< of the first byte of data in the file: 8 + n */
    void *arena;                    /**< memory of all names, shapes, keys and values; owned */
};

/**
 * Checks the length prefix of a file: `n` is its value, `file_size` the size of the file in bytes,
 * `path` is for messages. Like the library, refuses a file of less than 8 bytes, n > 100,000,000,
 * and 8 + n > file_size. Returns 0, or -EINVAL with err filled (MXFS_EXIT_MALFORMED).
 */
int mxfs_safetensors_check_size(uint64_t n, uint64_t file_size, const char *path,
                                struct mxfs_error *err);

/**
 * Parses the `n` bytes of JSON of a header, in a file of `file_size` bytes; `path` is for messages.
 * Returns 0, or with err filled -EINVAL (MXFS_EXIT_MALFORMED) or -ENOMEM; on failure *out is empty.
 * `json` may be freed afterwards. Time is linear in n apart from one sort; memory is proportional
 * to the result, not to n.
 */
int mxfs_safetensors_parse(struct mxfs_safetensors *out, const char *json, size_t n,
                           uint64_t file_size, const char *path, struct mxfs_error *err);

/** Frees what a parse allocated; accepts an empty object. */
void mxfs_safetensors_fini(struct mxfs_safetensors *st);

/** A tensor to write; its offset follows from the order. */
struct mxfs_safetensors_entry {
    const char *name;          /**< UTF-8, not terminated */
    const uint64_t *shape;     /**< `rank` dimensions */
    uint64_t size;             /**< bytes */
    uint32_t name_len;         /**< bytes */
    uint32_t rank;             /**< number of dimensions */
    enum mxfs_dtype dtype : 8; /**< element type */
};

/**
 * Compares two tensors as qsort() expects, in the order in which the library writes them: by
 * descending dtype, then by name, bytewise.
 */
int mxfs_safetensors_order(uint8_t dtype_a, const char *name_a, size_t len_a, uint8_t dtype_b,
                           const char *name_b, size_t len_b);

/**
 * Writes the header of a file that holds `entries` back to back in the given order, and `metadata`
 * if there is any: length prefix, compact JSON, spaces up to a multiple of 8. *out is the buffer
 * (caller frees), *size its size. Returns 0, -ENOMEM, -EOVERFLOW when the sizes add up to more than
 * 64 bits, or -EFBIG when the header is larger than the library reads.
 */
int mxfs_safetensors_write(const struct mxfs_safetensors_entry *entries, size_t count,
                           const struct mxfs_metadata *metadata, size_t metadata_count, char **out,
                           size_t *size);

#endif
