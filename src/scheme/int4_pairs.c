/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * ModelOpt W4A16_AWQ and W4A8_AWQ: X.weight U8 [.., N / 2, K] holds signed 4-bit integers of two
 * rows, the even one in the low half of an octet; X.weight_scale [.., N, groups] multiplies, and so
 * does X.pre_quant_scale [K] after it. X.weight_scale_2 is of the activations' quantizer and does
 * not enter the weight.
 *
 * Source: NVIDIA/Model-Optimizer modelopt/torch/export/quant_utils.py pack_int4_in_uint8,
 * pre_quant_scale as in its NVFP4_AWQ.
 */
#include <string.h>

#include "integers.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, SCALES };

/* Rows and columns of the output, and how the scales are spread over them. */
static const char *fit(struct mxfs_group *group, struct mxfs_int *layout)
{
    const struct mxfs_tensor *codes = group->part[CODES], *scales = group->part[SCALES];
    uint64_t shape[MXFS_RANK_MAX];
    uint32_t rank = codes->rank;

    if (rank < 2 || rank > MXFS_RANK_MAX || scales->rank != rank ||
        !mxfs_match_same_dims(codes, scales, rank - 2) || codes->shape[rank - 2] > UINT64_MAX / 2 ||
        codes->shape[rank - 2] * 2 != scales->shape[rank - 2])
        return mxfs_reason_shape;
    memcpy(shape, codes->shape, rank * sizeof(*shape));
    shape[rank - 2] *= 2;
    if (!mxfs_match_shape(group, shape, rank))
        return mxfs_reason_rank;
    group->rows = shape[rank - 2];
    group->cols = shape[rank - 1];
    layout->groups = scales->shape[rank - 1];
    layout->row_bytes = group->cols;
    layout->row_pairs = true;
    for (int i = 0; i < 16; i++)
        layout->values[i] = (float)(i < 8 ? i : i - 16);
    if (layout->groups == 0 || group->cols % layout->groups != 0)
        return mxfs_reason_shape;
    group->block_cols = mxfs_max_u64(group->cols / layout->groups, 1);
    return NULL;
}

static const char *fit_company(struct mxfs_match *match, size_t index, size_t stem_len,
                               struct mxfs_group *group, struct mxfs_int *layout)
{
    const struct mxfs_tensor *second =
        mxfs_match_companion(match, index, stem_len, ".weight_scale_2");
    unsigned before = group->parts;

    if (mxfs_match_companion(match, index, stem_len, ".weight_zero_point"))
        return "it has a zero point";
    if (!mxfs_match_columns(match, index, stem_len, ".pre_quant_scale", group))
        return mxfs_reason_shape;
    if (group->parts > before)
        layout->columns = (uint8_t)before;
    if (second)
        mxfs_match_add_part(group, second);
    return NULL;
}

static enum mxfs_verdict match_pairs(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    size_t stem_len;

    if (!mxfs_match_weight_and_scale(match, index, group, MXFS_U8, mxfs_scale_is_linear, &stem_len))
        return MXFS_NO_MATCH;
    if (match->config->transforms)
        return mxfs_match_refuse(match, NULL, mxfs_reason_transforms);
    if (match->config->method[0] != '\0' && strcmp(match->config->method, "modelopt") != 0)
        return mxfs_match_refuse(match, NULL, "octets with scales, and it is not of ModelOpt");
    struct mxfs_int *layout = mxfs_int_new(4, 0);
    if (!layout)
        return mxfs_match_refuse(match, NULL, mxfs_reason_memory);
    group->constants = layout;
    const char *reason = fit(group, layout);
    if (!reason)
        reason = fit_company(match, index, stem_len, group, layout);
    if (reason)
        return mxfs_match_refuse(match, NULL, reason);
    group->tile = 1;
    group->via = MXFS_OUT_F32;
    return MXFS_MATCH;
}

const struct mxfs_scheme mxfs_scheme_int4_pairs = {
    .name = "int4-pairs",
    .summary =
        "ModelOpt W4A16_AWQ: X.weight U8 [.., N/2, K] + X.weight_scale -> X.weight [.., N, K]",
    .match = match_pairs,
    .spans = mxfs_int_spans,
    .decode = mxfs_int_decode,
};
