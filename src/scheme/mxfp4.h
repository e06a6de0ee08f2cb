/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 groups: E2M1 codes, two per byte with the even element in the low nibble, and one E8M0
 * scale for 32 of them along the last axis. Private to scheme/.
 *
 * Source: OCP Microscaling Formats (MX) v1.0; nibble order as in the writers that the schemes name.
 */
#ifndef MXFS_SCHEME_MXFP4_H
#define MXFS_SCHEME_MXFP4_H

#include "match.h"

/**
 * fit() of codes `[.., K/2]` with scales `[.., K/32]`, the other dimensions equal, of rank 2 or
 * more: both are stored in the order of the output. It has no layout.
 */
int mxfp4_rows(struct scheme_case *c, struct mxfs_group *group);

/** Streaming operations, see struct mxfs_scheme. */
void mxfp4_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                 struct mxfs_span spans[MXFS_PARTS_MAX]);
void mxfp4_decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                  uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst);

/** What fits: codes [E, N, K/32, 16] and scales [E, N, K/32] that become [E, K, N]. */
int mxfp4_transposed(struct scheme_case *c);

/** Operations by unit, see struct mxfs_scheme. */
void mxfp4_unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit);
void mxfp4_strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips);
void mxfp4_pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                const struct mxfs_rows *rows, uint8_t *packed);
void mxfp4_unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                  const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst);

#endif
