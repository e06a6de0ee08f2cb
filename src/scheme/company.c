/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Company: what stands beside a group under the names of scales, zero points and the like changes
 * what its codes mean. A scheme takes what it understands as parts; if something is left, the group
 * is of a format that nobody here knows.
 */
#include <string.h>

#include "match.h"

/* Behind X, where the output is X.weight. */
static const char *const of_module[] = {
    ".weight_scale",
    ".weight_scale_inv",
    ".scale_weight",
    ".weight_zero_point",
    ".weight_g_idx",
    ".weight_scale_2",
    ".weight_global_scale",
    ".weight_scales",
    ".pre_quant_scale",
    ".svdquant_lora_a",
    ".comfy_quant",
    ".weight.absmax",
    ".SCB",
    ".scales",
    ".qzeros",
    ".g_idx",
    ".meta",
};

/* Behind P, where the output is called otherwise. */
static const char *const of_parameter[] = {
    "_scale_inv",         "_weight_scale",    "_weight_scale_2",
    "_weight_zero_point", "_pre_quant_scale", "_weight_scale_inv",
};

static bool is_part(const struct mxfs_group *group, const struct mxfs_tensor *t)
{
    for (unsigned i = 0; i < group->parts; i++) {
        if (group->part[i] == t)
            return true;
    }
    return false;
}

static bool is_alone(const struct mxfs_match *match, size_t index, const struct mxfs_group *group,
                     size_t stem_len, const char *suffix, uint32_t dtypes)
{
    const struct mxfs_tensors *set = match->tensors;
    size_t at = mxfs_tensors_find(set, index, group->name, stem_len, suffix);
    return at == MXFS_NOT_FOUND || !(dtypes >> set->sorted[at]->dtype & 1) ||
           is_part(group, set->sorted[at]);
}

enum mxfs_verdict mxfs_scheme_check_company(struct mxfs_match *match, size_t index,
                                            const struct mxfs_group *group)
{
    static const char suffix[] = ".weight";
    static const char reason[] = "it has a companion that is no part of this format";
    size_t n = sizeof(suffix) - 1, stem_len = group->name_len;
    bool module = stem_len >= n && memcmp(group->name + stem_len - n, suffix, n) == 0;
    const char *const *names = module ? of_module : of_parameter;
    size_t count = module ? MXFS_COUNT(of_module) : MXFS_COUNT(of_parameter);

    if (module)
        stem_len -= n;
    for (size_t i = 0; i < count; i++) {
        if (!is_alone(match, index, group, stem_len, names[i], UINT32_MAX))
            return mxfs_match_refuse(match, NULL, reason);
    }
    /* Gains of norms are called so too. */
    if (module && !is_alone(match, index, group, stem_len, ".scale", 1u << MXFS_F8_E8M0))
        return mxfs_match_refuse(match, NULL, reason);
    return MXFS_MATCH;
}
