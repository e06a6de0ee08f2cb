/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 under the plain name X.weight, which keeps its name and gets a new dtype and shape:
 *
 *  - AMD Quark and NVIDIA ModelOpt: X.weight U8 [.., K/2] + X.weight_scale U8 or F8_E8M0 [.., K/32]
 *  - DeepSeek V4 experts: X.weight I8 [.., K/2] + X.scale F8_E8M0 [.., K/32]
 *
 * Source: vllm quark_ocp_mx.py; ModelOpt modelopt/torch/quantization/qtensor/mxfp4_tensor.py; the
 * DeepSeek-V4 model card.
 */
#include "mxfp4.h"
#include "scales.h"

/* MXFP6 packs 4 codes in 3 bytes, in one of two orders that nothing on disk tells apart. */
static bool is_mxfp6(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales)
{
    return codes->rank >= 2 && codes->rank == scales->rank &&
           mxfs_match_same_dims(codes, scales, codes->rank - 1) &&
           mxfs_match_last_dim(codes) % 24 == 0 &&
           mxfs_match_last_dim(codes) / 24 == mxfs_match_last_dim(scales);
}

static enum mxfs_verdict match_weight(struct mxfs_match *match, size_t index,
                                      struct mxfs_group *group)
{
    size_t stem_len;
    const struct mxfs_tensor *scales = mxfs_match_weight_and_scale(
        match, index, group, MXFS_U8, mxfs_scale_is_exponent, &stem_len);

    if (!scales)
        return MXFS_NO_MATCH;
    if (is_mxfp6(group->part[0], scales))
        return mxfs_match_refuse(match, "mxfp6", "nothing tells which of its two packings it has");
    return mxfs_mxfp4_rows(match, group);
}

static enum mxfs_verdict match_deepseek(struct mxfs_match *match, size_t index,
                                        struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (t->dtype != MXFS_I8 || !mxfs_tensor_has_suffix(t, ".weight", &stem_len))
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, stem_len, ".scale");
    if (!scales || scales->dtype != MXFS_F8_E8M0)
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scales);
    mxfs_match_name(group, t->name_len);
    return mxfs_mxfp4_rows(match, group);
}

const struct mxfs_scheme mxfs_scheme_weight_mxfp4 = {
    .name = "mxfp4-weight",
    .summary = "Quark, ModelOpt: X.weight U8 + X.weight_scale -> X.weight [.., K]",
    .match = match_weight,
    .spans = mxfs_mxfp4_spans,
    .decode = mxfs_mxfp4_decode,
};

const struct mxfs_scheme mxfs_scheme_deepseek_mxfp4 = {
    .name = "mxfp4-deepseek",
    .summary = "DeepSeek V4 experts: X.weight I8 + X.scale F8_E8M0 -> X.weight [.., K]",
    .match = match_deepseek,
    .spans = mxfs_mxfp4_spans,
    .decode = mxfs_mxfp4_decode,
};
