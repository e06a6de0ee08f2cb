/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 groups: E2M1 codes, two an octet with the even element in the low nibble, and one E8M0
 * scale for 32 of them along the last axis. Private to scheme/.
 *
 * Source: OCP Microscaling Formats (MX) v1.0; nibble order as in every writer named in
 * scheme/scheme.c.
 */
#ifndef MXFS_SCHEME_MXFP4_H
#define MXFS_SCHEME_MXFP4_H

#include "match.h"

/**
 * Finishes a group whose codes (part 0) and scales (part 1) are both stored in the order of the
 * output, which has the dimensions shape[0..rank): a multiple of 32 in the last.
 */
enum mxfs_verdict mxfs_mxfp4_stream(struct mxfs_match *match, struct mxfs_group *group,
                                    const uint64_t *shape, uint32_t rank);

/**
 * Matches codes `[.., K/2]` with scales `[.., K/32]`, the other dimensions equal, of rank 2 or
 * more, and finishes the group as above. Refuses other shapes.
 */
enum mxfs_verdict mxfs_mxfp4_rows(struct mxfs_match *match, struct mxfs_group *group);

/** Streaming operations, see struct mxfs_scheme. */
void mxfs_mxfp4_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct mxfs_span spans[MXFS_PARTS_MAX]);
void mxfs_mxfp4_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                       uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                       uint8_t *dst);

/**
 * Finishes a group whose codes [E, N, K/32, 16] and scales [E, N, K/32] become [E, K, N].
 */
enum mxfs_verdict mxfs_mxfp4_transposed(struct mxfs_match *match, struct mxfs_group *group);

/** Operations by unit, see struct mxfs_scheme. */
void mxfs_mxfp4_unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit);
void mxfs_mxfp4_strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips);
void mxfs_mxfp4_pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                     const struct mxfs_rows *rows, uint8_t *packed);
void mxfs_mxfp4_unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                       const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst);

#endif
