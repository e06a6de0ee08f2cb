/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Company: what stands beside a group under the names of scales, zero points and the like changes
 * what its codes mean. A scheme takes what it understands as parts; if something is left, the group
 * is of a format that nobody here knows. If something of it is in a shard that is missing, nobody
 * can know: without its g_idx a group looks whole, and without its scales like no group at all.
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
    ".weight_format",
    ".scales",
    ".qzeros",
    ".g_idx",
    ".meta",
};

/* Behind P, where the output is called otherwise. */
static const char *const of_parameter[] = {
    "_scale",          "_scale_inv",         "_weight_scale",    "_weight_scale_inv",
    "_weight_scale_2", "_weight_zero_point", "_pre_quant_scale",
};

/* The names that company of an output has behind the first *stem_len bytes of its own. */
struct company {
    const char *const *suffixes;
    size_t count, stem_len;
    bool module;
};

static struct company company_of(const char *name, size_t len)
{
    static const char suffix[] = ".weight";
    size_t n = sizeof(suffix) - 1;

    if (len >= n && memcmp(name + len - n, suffix, n) == 0)
        return (struct company){of_module, MXFS_COUNT(of_module), len - n, true};
    return (struct company){of_parameter, MXFS_COUNT(of_parameter), len, false};
}

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

/* Whether a shard that is missing holds company of the output called `name`. */
static bool lacks_company(const struct mxfs_match *match, const struct company *c, const char *name)
{
    const struct mxfs_tensors *absent = match->absent;

    if (absent->count == 0)
        return false;
    for (size_t i = 0; i < c->count; i++) {
        if (mxfs_tensors_find(absent, 0, name, c->stem_len, c->suffixes[i]) != MXFS_NOT_FOUND)
            return true;
    }
    return c->module && mxfs_tensors_find(absent, 0, name, c->stem_len, ".scale") != MXFS_NOT_FOUND;
}

static const char elsewhere[] = "a companion of it is in a shard that is missing";

enum mxfs_verdict mxfs_scheme_check_company(struct mxfs_match *match, size_t index,
                                            const struct mxfs_group *group)
{
    static const char reason[] = "it has a companion that is no part of this format";
    struct company c = company_of(group->name, group->name_len);

    for (size_t i = 0; i < c.count; i++) {
        if (!is_alone(match, index, group, c.stem_len, c.suffixes[i], UINT32_MAX))
            return mxfs_match_refuse(match, NULL, reason);
    }
    /* Gains of norms are called so too. */
    if (c.module && !is_alone(match, index, group, c.stem_len, ".scale", 1u << MXFS_F8_E8M0))
        return mxfs_match_refuse(match, NULL, reason);
    if (lacks_company(match, &c, group->name))
        return mxfs_match_refuse_half(match, NULL, elsewhere);
    return MXFS_MATCH;
}

enum mxfs_verdict mxfs_scheme_check_lonely(struct mxfs_match *match, size_t index)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    struct company c = company_of(t->name, t->name_len);

    if (t->dtype == MXFS_BF16 || t->dtype == MXFS_F16 || t->dtype == MXFS_F32 ||
        !lacks_company(match, &c, t->name))
        return MXFS_NO_MATCH;
    return mxfs_match_refuse_half(match, match->scheme, elsewhere);
}
