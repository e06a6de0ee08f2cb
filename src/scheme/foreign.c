/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Formats that are recognised so that they can be refused by name: what looks quantized must never
 * be shown as if it were not, nor be decoded by guess.
 *
 * `comfy` goes before all other schemes (ComfyUI's NVFP4 has ModelOpt's names and dtypes, but other
 * bytes); `foreign` goes last.
 */
#include <string.h>

#include "match.h"

#define BIT(dtype) (1u << (dtype))

enum {
    FNUZ = BIT(MXFS_F8_E4M3FNUZ) | BIT(MXFS_F8_E5M2FNUZ),
    SMALL = BIT(MXFS_F4) | BIT(MXFS_F6_E2M3) | BIT(MXFS_F6_E3M2),
    ANY = BIT(MXFS_DTYPE_COUNT) - 1,
};

static const char not_yet[] = "this format is not supported";

/* A main part, told by suffix and dtype, and a companion that makes it quantized. */
struct pattern {
    const char *suffix;    /* of the main part */
    uint32_t dtypes;       /* of the main part, as bits */
    const char *companion; /* instead of the suffix; NULL: the main part alone is enough */
    uint32_t companion_dtypes;
    const char *scheme;
    const char *reason;
};

static const struct pattern patterns[] = {
    {".weight", ANY, ".svdquant_lora_a", ANY, "nvfp4-svd", "a low-rank part is added at run time"},
    {".weight_packed", BIT(MXFS_U8), ".weight_scale", ANY, "packed", "unknown type of its scales"},
    {".weight", FNUZ, ".weight_scale", ANY, "fp8-fnuz", not_yet},
    {".weight", FNUZ, ".weight_scale_inv", ANY, "fp8-fnuz", not_yet},
    {".weight", FNUZ, ".scale", ANY, "fp8-fnuz", not_yet},
    {".weight", FNUZ, ".scale_weight", ANY, "fp8-fnuz", not_yet},
    {"", FNUZ, "_scale_inv", ANY, "fp8-fnuz", not_yet},
    {"", FNUZ, "_weight_scale", ANY, "fp8-fnuz", not_yet},
    {".weight", BIT(MXFS_I8), ".weight_scale", ANY, "int8", "unknown type of its scales"},
    {".weight", BIT(MXFS_I8), ".scale", ANY, "int8", not_yet},
    {".weight", BIT(MXFS_U8), ".weight_scale", ANY, "packed", "unknown type of its scales"},
    {".weight", BIT(MXFS_U32), ".scales", ANY, "mlx", "no layout of MLX has scales of that shape"},
    {".compressed", ANY, ".bitmask", ANY, "sparse-bitmask", not_yet},
    {".B", BIT(MXFS_I32), ".s", ANY, "marlin", not_yet},
    {".W_q", ANY, NULL, 0, "hqq", not_yet},
    {".codes", ANY, ".codebooks", ANY, "aqlm", not_yet},
    {".q_weight", ANY, ".q_scale", ANY, "exl2", not_yet},
    {".trellis", ANY, ".svh", ANY, "exl3", not_yet},
    {".Qidxs", ANY, NULL, 0, "quip", not_yet},
    {".indices", ANY, ".centroids.weight", ANY, "vptq", not_yet},
    {"_qdata", ANY, NULL, 0, "torchao", not_yet},
    {":qdata", ANY, NULL, 0, "torchao", not_yet},
    {".weight", SMALL, ".weight_scale", ANY, "fp4-fp6", not_yet},
    {".weight", SMALL, ".scale", ANY, "fp4-fp6", not_yet},
};

static enum mxfs_verdict match_pattern(struct mxfs_match *match, size_t index,
                                       struct mxfs_group *group, const struct pattern *p)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    const struct mxfs_tensor *companion = NULL;
    size_t stem_len;

    if (!(p->dtypes & BIT(t->dtype)) || !mxfs_tensor_has_suffix(t, p->suffix, &stem_len))
        return MXFS_NO_MATCH;
    if (p->companion) {
        companion = mxfs_match_companion(match, index, stem_len, p->companion);
        if (!companion || !(p->companion_dtypes & BIT(companion->dtype)))
            return MXFS_NO_MATCH;
    }
    mxfs_match_add_part(group, t);
    if (companion)
        mxfs_match_add_part(group, companion);
    return mxfs_match_refuse(match, p->scheme, p->reason);
}

/* Scales whose weight is nowhere: half a pair. Scale names that also mean other things are left
 * out. */
static enum mxfs_verdict match_lone_scale(struct mxfs_match *match, size_t index,
                                          struct mxfs_group *group)
{
    static const char *const suffixes[] = {".weight_scale", ".weight_scale_inv"};
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    for (size_t i = 0; i < MXFS_COUNT(suffixes); i++) {
        if (!mxfs_tensor_has_suffix(t, suffixes[i], &stem_len))
            continue;
        if (mxfs_match_companion(match, index, stem_len, ".weight") ||
            mxfs_match_companion(match, index, stem_len, ".weight_packed"))
            return MXFS_NO_MATCH;
        mxfs_match_add_part(group, t);
        return mxfs_match_refuse_half(match, "scale", "the weight that it belongs to is missing");
    }
    if (t->dtype == MXFS_F8_E8M0 && mxfs_tensor_has_suffix(t, ".scale", &stem_len) &&
        !mxfs_match_companion(match, index, stem_len, ".weight")) {
        mxfs_match_add_part(group, t);
        return mxfs_match_refuse_half(match, "scale", "the weight that it belongs to is missing");
    }
    return MXFS_NO_MATCH;
}

static enum mxfs_verdict match_foreign(struct mxfs_match *match, size_t index,
                                       struct mxfs_group *group)
{
    for (size_t i = 0; i < MXFS_COUNT(patterns); i++) {
        enum mxfs_verdict verdict = match_pattern(match, index, group, &patterns[i]);
        if (verdict != MXFS_NO_MATCH)
            return verdict;
    }
    return match_lone_scale(match, index, group);
}

static enum mxfs_verdict match_comfy(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    static const char reason[] = "ComfyUI's layouts (swizzled scales, rotated weights)";
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (!mxfs_tensor_has_suffix(t, ".weight", &stem_len))
        return MXFS_NO_MATCH;
    bool marked = mxfs_match_companion(match, index, stem_len, ".comfy_quant") != NULL;
    bool scaled = mxfs_match_companion(match, index, stem_len, ".weight_scale") != NULL;
    if (!marked && !(match->comfy && scaled))
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    return mxfs_match_refuse(match, NULL, reason);
}

const struct mxfs_scheme mxfs_scheme_comfy = {
    .name = "comfyui",
    .summary = "refused: ComfyUI quantized layers",
    .match = match_comfy,
};

const struct mxfs_scheme mxfs_scheme_foreign = {
    .name = "foreign",
    .summary = "refused: recognised formats that are not supported",
    .match = match_foreign,
};
