/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 stored [E, N, K/32, 16] and shown [E, K, N]. Private to scheme/.
 */
#ifndef MXFS_SCHEME_MXFP4_TRANSPOSED_H
#define MXFS_SCHEME_MXFP4_TRANSPOSED_H

#include "match.h"

/** Fits codes [E, N, K/32, 16] with scales [E, N, K/32]; refuses other shapes. */
int mxfp4_transposed(struct scheme_case *c);

/** Operations by unit, see struct mxfs_scheme. */
void mxfp4_unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit);
void mxfp4_strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips);
void mxfp4_pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                const struct mxfs_rows *rows, uint8_t *packed);
void mxfp4_unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                  const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst);

#endif
