/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * `P_blocks` + `P_scales` become `P`: the family of gpt-oss.
 *
 *  - Hugging Face names `P_blocks` U8 [E, N, K/32, 16] and `P_scales` U8 [E, N, K/32]:
 * transformers' convert_moe_packed_tensors transposes the two last logical axes, so P is [E, K, N].
 * The square down_proj cannot tell by shape, so orientation follows names and model_type.
 *  - generic `X.weight_blocks` + `X.weight_scales` (transformers' saver): X.weight [.., K], and any
 *    other name or rank: P [.., K]; not transposed.
 *  - OpenAI's original `P.blocks` + `P.scales`: P [E, N, K]; not transposed.
 *
 * Source: transformers src/transformers/integrations/mxfp4.py; openai/gpt-oss
 * gpt_oss/torch/weights.py.
 */
#include <string.h>

#include "mxfp4.h"

static bool stem_ends_in(const struct mxfs_tensor *t, size_t stem_len, const char *end)
{
    size_t n = strlen(end);
    return stem_len >= n && memcmp(t->name + stem_len - n, end, n) == 0;
}

static bool is_transposed(const struct mxfs_match *match, const struct mxfs_tensor *blocks,
                          size_t stem_len)
{
    if (blocks->rank != 4 || stem_ends_in(blocks, stem_len, ".weight"))
        return false;
    if (strcmp(match->config->model_type, "gpt_oss") == 0)
        return true;
    return match->config->model_type[0] == '\0' &&
           (stem_ends_in(blocks, stem_len, ".experts.gate_up_proj") ||
            stem_ends_in(blocks, stem_len, ".experts.down_proj"));
}

/*
 * Finds the two parts. A pair is a U8 tensor [.., 16] called stem + blocks and a U8 tensor called
 * stem + scales with the same dimensions but the last; half a pair is refused.
 */
static enum mxfs_verdict match_pair(struct mxfs_match *match, size_t index,
                                    struct mxfs_group *group, const char *blocks_suffix,
                                    const char *scales_suffix)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (t->dtype != MXFS_U8)
        return MXFS_NO_MATCH;
    if (mxfs_tensor_has_suffix(t, scales_suffix, &stem_len)) {
        const struct mxfs_tensor *weight = mxfs_match_companion(match, index, stem_len, ".weight");
        if (mxfs_match_companion(match, index, stem_len, blocks_suffix) ||
            (weight && weight->dtype == MXFS_U32)) /* MLX: X.weight + X.scales */
            return MXFS_NO_MATCH;
        mxfs_match_add_part(group, t);
        return mxfs_match_refuse_half(match, NULL, "its blocks are missing");
    }
    if (!mxfs_tensor_has_suffix(t, blocks_suffix, &stem_len))
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, stem_len, scales_suffix);
    bool blocky = t->rank >= 2 && mxfs_match_last_dim(t) == MXFS_MXFP4_BYTES;
    if (!scales && !blocky)
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    if (!scales)
        return mxfs_match_refuse_half(match, NULL, mxfs_reason_no_scales);
    mxfs_match_add_part(group, scales);
    if (!blocky || scales->dtype != MXFS_U8 || scales->rank != t->rank - 1 ||
        !mxfs_match_same_dims(t, scales, scales->rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    mxfs_match_name(group, stem_len);
    return MXFS_MATCH;
}

/* [.., K/32, 16] as stored is [.., K] as shown. */
static enum mxfs_verdict match_stream(struct mxfs_match *match, size_t index,
                                      struct mxfs_group *group, const char *blocks_suffix,
                                      const char *scales_suffix)
{
    enum mxfs_verdict verdict = match_pair(match, index, group, blocks_suffix, scales_suffix);
    uint64_t shape[MXFS_RANK_MAX];

    if (verdict != MXFS_MATCH)
        return verdict;
    const struct mxfs_tensor *scales = group->part[1];
    if (scales->rank > MXFS_RANK_MAX || mxfs_match_last_dim(scales) > UINT64_MAX / MXFS_MX_BLOCK)
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    memcpy(shape, scales->shape, scales->rank * sizeof(*shape));
    shape[scales->rank - 1] *= MXFS_MX_BLOCK;
    return mxfs_mxfp4_stream(match, group, shape, scales->rank);
}

static enum mxfs_verdict match_gptoss(struct mxfs_match *match, size_t index,
                                      struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (!mxfs_tensor_has_suffix(t, "_blocks", &stem_len) || !is_transposed(match, t, stem_len))
        return MXFS_NO_MATCH;
    enum mxfs_verdict verdict = match_pair(match, index, group, "_blocks", "_scales");
    return verdict == MXFS_MATCH ? mxfs_mxfp4_transposed(match, group) : verdict;
}

static enum mxfs_verdict match_blocks(struct mxfs_match *match, size_t index,
                                      struct mxfs_group *group)
{
    return match_stream(match, index, group, "_blocks", "_scales");
}

static enum mxfs_verdict match_original(struct mxfs_match *match, size_t index,
                                        struct mxfs_group *group)
{
    return match_stream(match, index, group, ".blocks", ".scales");
}

const struct mxfs_scheme mxfs_scheme_gptoss = {
    .name = "mxfp4-gptoss",
    .summary = "gpt-oss, Hugging Face names: P_blocks + P_scales -> P [E, K, N]",
    .match = match_gptoss,
    .unit_at = mxfs_mxfp4_unit_at,
    .strips = mxfs_mxfp4_strips,
    .pack = mxfs_mxfp4_pack,
    .unpack = mxfs_mxfp4_unpack,
};

const struct mxfs_scheme mxfs_scheme_mxfp4_blocks = {
    .name = "mxfp4-blocks",
    .summary = "P_blocks + P_scales -> P [.., K]",
    .match = match_blocks,
    .spans = mxfs_mxfp4_spans,
    .decode = mxfs_mxfp4_decode,
};

const struct mxfs_scheme mxfs_scheme_gptoss_original = {
    .name = "mxfp4-gptoss-original",
    .summary = "gpt-oss, OpenAI's names: P.blocks + P.scales -> P [E, N, K]",
    .match = match_original,
    .spans = mxfs_mxfp4_spans,
    .decode = mxfs_mxfp4_decode,
};
