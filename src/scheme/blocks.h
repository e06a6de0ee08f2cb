/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Blocks: codes [.., K * n] and scales of one byte [.., K / block], both in the order of the
 * output, where `block` elements of the last axis share a scale and take `block_bytes` bytes.
 * Private to scheme/.
 */
#ifndef MXFS_SCHEME_BLOCKS_H
#define MXFS_SCHEME_BLOCKS_H

#include "match.h"

/** recognises(): the shapes of codes and scales are those of blocks, and there is one at least. */
bool scheme_blocks_recognise(const struct scheme_case *c);

/** fit(): refuses other shapes. There is no layout. */
int scheme_blocks_fit(struct scheme_case *c);

/** spans(): codes are part 0, scales are part 1. */
void scheme_blocks_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                         struct mxfs_span spans[MXFS_PARTS_MAX]);

/** decode(): E2M1 codes, two per byte, the even element in the low nibble; E8M0 scales. */
void scheme_blocks_decode_mxfp4(const struct mxfs_run *run);

/** The members of struct mxfs_scheme by which MXFP4 in blocks is read. */
#define SCHEME_BLOCKS_MXFP4                                                                \
    .block = MXFS_MX_BLOCK, .block_bytes = MXFS_MXFP4_BYTES, .spans = scheme_blocks_spans, \
    .decode = scheme_blocks_decode_mxfp4

#endif
