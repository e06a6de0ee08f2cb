/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * compressed-tensors `mxfp4-pack-quantized`: X.weight_packed U8 [.., K/2] and X.weight_scale U8 or
 * F8_E8M0 [.., K/32] become X.weight [.., K].
 *
 * AutoRound's MXINT4 has the same names, dtypes and shapes; only its config's data_type tells, so
 * it is refused by that. With weight_global_scale the group is NVFP4, with a zero point it is
 * unknown. Source: compressed-tensors src/compressed_tensors/compressors/mxfp4.
 */
#include <string.h>

#include "mxfp4.h"

static enum mxfs_verdict match_packed(struct mxfs_match *match, size_t index,
                                      struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (t->dtype != MXFS_U8 || !mxfs_tensor_has_suffix(t, "_packed", &stem_len) || stem_len < 6 ||
        memcmp(t->name + stem_len - 6, "weight", 6) != 0)
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, stem_len, "_scale");
    if (scales && scales->dtype != MXFS_U8 && scales->dtype != MXFS_F8_E8M0)
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    if (!scales)
        return mxfs_match_refuse_half(match, NULL, mxfs_reason_no_scales);
    mxfs_match_add_part(group, scales);
    mxfs_match_name(group, stem_len);
    if (match->config->transforms)
        return mxfs_match_refuse(match, NULL, mxfs_reason_transforms);
    if (strncmp(match->config->data_type, "mx_int", 6) == 0)
        return mxfs_match_refuse(match, "mxint4", "integer elements in the MXFP4 layout");
    if (mxfs_match_companion(match, index, stem_len, "_zero_point"))
        return mxfs_match_refuse(match, NULL, "it has a zero point");
    if (mxfs_match_companion(match, index, stem_len, "_global_scale"))
        return mxfs_match_refuse(match, NULL, "it has a global scale beside E8M0 scales");
    return mxfs_mxfp4_rows(match, group);
}

const struct mxfs_scheme mxfs_scheme_packed_mxfp4 = {
    .name = "mxfp4-packed",
    .summary = "compressed-tensors: X.weight_packed + X.weight_scale -> X.weight [.., K]",
    .match = match_packed,
    .spans = mxfs_mxfp4_spans,
    .decode = mxfs_mxfp4_decode,
};
