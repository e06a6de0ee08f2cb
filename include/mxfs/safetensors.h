/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The safetensors container: bytes -> header, header -> canonical bytes.
 *
 * Layout: u64 little-endian n, n bytes of UTF-8 JSON, then the data; offsets in the JSON count from
 * the first data byte. Source: huggingface/safetensors 0.8.0, safetensors/src/tensor.rs; the
 * verdicts of the parser (what is rejected) and the bytes of the writer are those of that library.
 * Thread safety: per call; a parsed header is immutable.
 */
#ifndef MXFS_SAFETENSORS_H
#define MXFS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"
#include "mxfs/tensors.h"

/** Bytes of the length prefix. */
#define MXFS_SAFETENSORS_PREFIX 8u

/** Largest JSON size that the library reads or writes. */
#define MXFS_SAFETENSORS_HEADER_MAX 100000000u

/** One `__metadata__` entry; UTF-8, not terminated, may hold NUL. */
struct mxfs_metadata {
    const char *key;
    const char *value;
    uint32_t key_len;
    uint32_t value_len;
};

/** A parsed header. Zero-initialised is a valid empty object. */
struct mxfs_safetensors {
    struct mxfs_tensor *tensors; /**< in data order (by offset) */
    size_t count;                /**< of tensors */
    struct mxfs_metadata
        *metadata;         /**< in the file's order; a key given twice keeps its last value */
    size_t metadata_count; /**< 0 also when `__metadata__` is absent or null */
    uint64_t data_offset;  /**< of the first data byte in the file: 8 + n */
    void *arena;           /**< owns every name and shape */
};

/**
 * Checks the length prefix of a file: `n` is its first 8 bytes as an integer, `file_size` its size.
 * Fails as the library does for a file under 8 bytes, n > 100,000,000, and 8 + n > file_size.
 */
int mxfs_safetensors_check_size(uint64_t n, uint64_t file_size, const char *path,
                                struct mxfs_error *err);

/**
 * Parses the `n` bytes of JSON of the file `path` (named in messages) of `file_size` bytes.
 * Returns 0, or -EINVAL with err->code MXFS_EXIT_MALFORMED, or -ENOMEM; on failure *out is empty.
 * `json` may be freed afterwards. Time is linear in n but for one sort, memory proportional to the
 * tensors.
 */
int mxfs_safetensors_parse(struct mxfs_safetensors *out, const char *json, size_t n,
                           uint64_t file_size, const char *path, struct mxfs_error *err);

/** Frees what a parse allocated; accepts an empty object. */
void mxfs_safetensors_fini(struct mxfs_safetensors *st);

/** A tensor to be written: like struct mxfs_tensor, but its place follows from the order. */
struct mxfs_safetensors_entry {
    const char *name;
    const uint64_t *shape;
    uint64_t size; /**< bytes */
    uint32_t name_len;
    uint32_t rank;
    enum mxfs_dtype dtype : 8;
};

/** The library's order of tensors in a file: dtype descending, then name by bytes. As for qsort().
 */
int mxfs_safetensors_order(uint8_t dtype_a, const char *name_a, size_t len_a, uint8_t dtype_b,
                           const char *name_b, size_t len_b);

/**
 * Writes the header of a file that holds `entries` in the given order, back to back, and `metadata`
 * first when there is any: length prefix, compact JSON, spaces up to a multiple of 8.
 * *out is the buffer (caller frees), *size its size. Fails with -ENOMEM, -EOVERFLOW (sizes), or
 * -EFBIG (more than the library reads).
 */
int mxfs_safetensors_write(const struct mxfs_safetensors_entry *entries, size_t count,
                           const struct mxfs_metadata *metadata, size_t metadata_count, char **out,
                           size_t *size);

#endif
