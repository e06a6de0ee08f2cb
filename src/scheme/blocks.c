/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Blocks of codes, and a scale for each.
 */
#include "blocks.h"

#include "scales.h"

static bool has_shape(const struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];
    unsigned ratio = c->scheme->block_bytes * 8u / mxfs_dtype_bits(codes->dtype);

    return scheme_is_blocked(codes, c->of[SCHEME_SCALES], codes->rank - 1, ratio);
}

bool scheme_blocks_recognise(const struct scheme_case *c)
{
    return scheme_last_dim(c->of[SCHEME_CODES]) > 0 && has_shape(c);
}

int scheme_blocks_fit(struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];

    if (codes->rank > MXFS_RANK_MAX)
        return scheme_refuse(c, scheme_too_large);
    if (!has_shape(c))
        return scheme_refuse(c, scheme_no_fit);
    c->group->tile = c->scheme->block;
    return scheme_set_axis(c, codes->rank - 1, scheme_last_dim(c->of[SCHEME_SCALES]),
                           c->scheme->block);
}

void scheme_blocks_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                         struct mxfs_span spans[MXFS_PARTS_MAX])
{
    spans[0] = scheme_span(first, count, group->tile, group->scheme->block_bytes);
    spans[1] = scheme_span(first, count, group->tile, 1);
}

void scheme_blocks_decode_mxfp4(const struct mxfs_run *run)
{
    run->codec->kernel->mxfp4_blocks[run->group->out](
        run->dst, &(struct mxfs_mxfp4_blocks){run->codec->tables, run->src[0], run->src[1],
                                              run->count / MXFS_MX_BLOCK});
}
