/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 in output order: a flat array of blocks, 16 bytes of codes and one scale each.
 */
#include "mxfp4.h"

#include <string.h>

#include "mxfs/bytes.h"

enum mxfs_verdict mxfs_mxfp4_stream(struct mxfs_match *match, struct mxfs_group *group,
                                    const uint64_t *shape, uint32_t rank)
{
    if (!mxfs_match_shape(group, shape, rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    group->tile = MXFS_MX_BLOCK;
    return MXFS_MATCH;
}

enum mxfs_verdict mxfs_mxfp4_rows(struct mxfs_match *match, struct mxfs_group *group)
{
    const struct mxfs_tensor *codes = group->part[0], *scales = group->part[1];
    uint64_t shape[MXFS_RANK_MAX];
    uint64_t groups = mxfs_match_last_dim(scales);

    if (codes->rank > MXFS_RANK_MAX)
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    if (codes->rank < 2 || codes->rank != scales->rank ||
        !mxfs_match_same_dims(codes, scales, codes->rank - 1) ||
        mxfs_match_last_dim(codes) % MXFS_MXFP4_BYTES != 0 ||
        mxfs_match_last_dim(codes) / MXFS_MXFP4_BYTES != groups)
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    memcpy(shape, codes->shape, codes->rank * sizeof(*shape));
    if (!mxfs_mul_u64(groups, MXFS_MX_BLOCK, &shape[codes->rank - 1]))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    return mxfs_mxfp4_stream(match, group, shape, codes->rank);
}

void mxfs_mxfp4_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct mxfs_span spans[MXFS_PARTS_MAX])
{
    (void)group;
    uint64_t block = first / MXFS_MX_BLOCK, blocks = count / MXFS_MX_BLOCK;
    spans[0] = (struct mxfs_span){block * MXFS_MXFP4_BYTES, blocks * MXFS_MXFP4_BYTES};
    spans[1] = (struct mxfs_span){block, blocks};
}

void mxfs_mxfp4_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                       uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                       uint8_t *dst)
{
    (void)first;
    codec->kernel->mxfp4_blocks[group->out](
        dst, &(struct mxfs_mxfp4_blocks){codec->tables, src[0], src[1], count / MXFS_MX_BLOCK});
}
