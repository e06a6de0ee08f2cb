/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 in output order: a flat array of blocks, 16 bytes of codes and one scale each.
 */
#include "mxfp4.h"

int mxfp4_rows(struct scheme_case *c, struct mxfs_group *group)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *scales = c->of[SCHEME_SCALES];

    if (codes->rank > MXFS_RANK_MAX)
        return scheme_refuse(c, scheme_too_large);
    if (!scheme_is_blocked(codes, scales, MXFS_MXFP4_BYTES))
        return scheme_refuse(c, scheme_no_fit);
    group->tile = MXFS_MX_BLOCK;
    return scheme_set_axis(c, codes->rank - 1, scheme_last_dim(scales), MXFS_MX_BLOCK);
}

void mxfp4_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                 struct mxfs_span spans[MXFS_PARTS_MAX])
{
    (void)group;
    uint64_t block = first / MXFS_MX_BLOCK, blocks = count / MXFS_MX_BLOCK;
    spans[0] = (struct mxfs_span){block * MXFS_MXFP4_BYTES, blocks * MXFS_MXFP4_BYTES};
    spans[1] = (struct mxfs_span){block, blocks};
}

void mxfp4_decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                  uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst)
{
    (void)first;
    codec->kernel->mxfp4_blocks[group->out](codec->tables, dst, src[0], src[1],
                                            count / MXFS_MX_BLOCK);
}
