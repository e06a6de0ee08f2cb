/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A stored tensor: what one entry of a safetensors header says, and where its bytes are.
 *
 * Thread safety: immutable after its header was parsed.
 */
#ifndef MXFS_TENSOR_H
#define MXFS_TENSOR_H

#include <stdint.h>

#include "mxfs/dtype.h"

/** One tensor as stored in a file. */
struct mxfs_tensor {
    const char *name;      /**< UTF-8, may hold NUL and control bytes; not terminated */
    const uint64_t *shape; /**< `rank` dimensions, row-major, outermost first */
    uint64_t offset;       /**< of the first byte, from the start of the file */
    uint64_t size;         /**< bytes */
    uint32_t name_len;     /**< bytes of `name` */
    uint32_t rank;         /**< 0 for a scalar */
    uint32_t shard;        /**< index of its file in the model; 0 for a single file */
    uint8_t dtype;         /**< enum mxfs_dtype */
};

#endif
