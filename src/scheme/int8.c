/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * 8-bit integers under the name X.weight, which stays:
 *
 *  - compressed-tensors `int-quantized` and `naive-quantized`: X.weight I8 [.., N, K] and
 *    X.weight_scale [.., N, groups], [N] or of one element; perhaps X.weight_zero_point I8 like the
 *    scales and X.weight_g_idx. Products are rounded to the type of the scales.
 *  - ModelOpt INT8: X.weight_scale [N], perhaps X.pre_quant_scale [K], which multiplies the columns
 *
 * Sources: compressed-tensors quantization/lifecycle/forward_helpers.py; ModelOpt
 * modelopt/torch/export/quant_utils.py.
 */
#include <string.h>

#include "integers.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, SCALES };

/* Rows and columns of the codes, and how the scales are spread over them. */
static const char *fit(struct mxfs_group *group, struct mxfs_int *layout)
{
    const struct mxfs_tensor *codes = group->part[CODES], *scales = group->part[SCALES];
    uint64_t elements = scales->size / mxfs_scale_size(scales->dtype);

    if (codes->rank < 2)
        return mxfs_reason_shape;
    if (!mxfs_match_shape(group, codes->shape, codes->rank))
        return mxfs_reason_rank;
    group->rows = codes->shape[codes->rank - 2];
    group->cols = codes->shape[codes->rank - 1];
    group->block_cols = mxfs_max_u64(group->cols, 1);
    layout->meaning = MXFS_CODE8_SIGNED;
    layout->row_bytes = group->cols;
    layout->groups = 1;
    if (codes->rank == 2 && scales->rank == 1 && scales->shape[0] == group->rows)
        return NULL; /* [N] is one for each row */
    if (elements == 1 && scales->rank <= 2) {
        layout->one_scale = true;
        return NULL;
    }
    if (scales->rank != codes->rank || !mxfs_match_same_dims(codes, scales, codes->rank - 1))
        return mxfs_reason_shape;
    layout->groups = mxfs_match_last_dim(scales);
    if (layout->groups == 0 || group->cols % layout->groups != 0)
        return mxfs_reason_shape;
    group->block_cols = mxfs_max_u64(group->cols / layout->groups, 1);
    return NULL;
}

static const char *fit_company(struct mxfs_match *match, size_t index, size_t stem_len,
                               struct mxfs_group *group, struct mxfs_int *layout)
{
    const struct mxfs_tensor *t = group->part[CODES], *scales = group->part[SCALES];
    const struct mxfs_tensor *zeros =
        mxfs_match_companion(match, index, t->name_len, "_zero_point");
    const struct mxfs_tensor *g_idx = mxfs_match_companion(match, index, t->name_len, "_g_idx");

    if (zeros) {
        layout->zeros = group->parts;
        mxfs_match_add_part(group, zeros);
        if (zeros->dtype != MXFS_I8 || zeros->rank != scales->rank ||
            !mxfs_match_same_dims(zeros, scales, scales->rank))
            return mxfs_reason_shape;
    }
    unsigned before = group->parts;
    if (!mxfs_match_columns(match, index, stem_len, ".pre_quant_scale", group))
        return mxfs_reason_shape;
    if (group->parts > before)
        layout->columns = (uint8_t)before;
    if (!g_idx)
        return NULL;
    mxfs_match_add_part(group, g_idx);
    const char *reason = mxfs_int_read_groups(match, group, &layout, g_idx, true);
    group->constants = layout;
    return reason;
}

static enum mxfs_verdict match_int8(struct mxfs_match *match, size_t index,
                                    struct mxfs_group *group)
{
    size_t stem_len;
    const struct mxfs_tensor *scales =
        mxfs_match_weight_and_scale(match, index, group, MXFS_I8, mxfs_scale_is_linear, &stem_len);

    if (!scales)
        return MXFS_NO_MATCH;
    if (match->config->asymmetric &&
        !mxfs_match_companion(match, index, stem_len, ".weight_zero_point"))
        return mxfs_match_refuse_half(match, NULL, mxfs_reason_no_zeros);
    if (match->config->transforms)
        return mxfs_match_refuse(match, NULL, mxfs_reason_transforms);
    if (mxfs_match_companion(match, index, stem_len, ".svdquant_lora_a"))
        return mxfs_match_refuse(match, "int8-svd", "a low-rank part is added at run time");
    struct mxfs_int *layout = group->constants = mxfs_int_new(8, 0);
    if (!layout)
        return mxfs_match_refuse(match, NULL, mxfs_reason_memory);
    const char *reason = fit(group, layout);
    if (!reason)
        reason = fit_company(match, index, stem_len, group, layout);
    if (reason)
        return mxfs_match_refuse(match, NULL, reason);
    group->tile = 1;
    group->via =
        strcmp(match->config->method, "modelopt") == 0 ? MXFS_OUT_F32 : mxfs_int_via(scales);
    return MXFS_MATCH;
}

const struct mxfs_scheme mxfs_scheme_int8 = {
    .name = "int8",
    .summary = "compressed-tensors, ModelOpt: X.weight I8 + X.weight_scale -> X.weight [.., K]",
    .match = match_int8,
    .spans = mxfs_int_spans,
    .decode = mxfs_int_decode,
};
