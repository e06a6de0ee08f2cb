/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The JSON in which bitsandbytes describes a 4-bit tensor. Private to scheme/.
 */
#ifndef MXFS_SCHEME_BITSANDBYTES_H
#define MXFS_SCHEME_BITSANDBYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/scheme.h"

/** Bytes of the longest state; the library writes some 200. */
enum { BNB_STATE_MAX = 4096 };

/** The members of a state that decoding needs. */
struct bnb_state {
    uint64_t shape[MXFS_RANK_MAX]; /**< of the output */
    uint32_t rank;                 /**< at most MXFS_RANK_MAX */
    uint64_t blocksize;            /**< elements that share a scale; not 0 */
    uint64_t nested_blocksize;     /**< scales that share a scale; 0: they are not quantized */
    float nested_offset;           /**< added to each scale then */
    enum mxfs_out dtype;           /**< what the library dequantizes to */
};

/** Parses a state; 0, -EINVAL when it is not one, or -ENOMEM. */
int bnb_state_parse(const char *json, size_t len, struct bnb_state *state);

#endif
