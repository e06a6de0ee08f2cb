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
    WORDS = BIT(MXFS_I32) | BIT(MXFS_U32),
    NO_WORDS = ANY & ~WORDS,
    OCTETS = BIT(MXFS_BOOL) | BIT(MXFS_U8) | BIT(MXFS_I8) | BIT(MXFS_F8_E8M0), /* packed codes */
    BYTES = OCTETS | FNUZ | BIT(MXFS_F8_E4M3) | BIT(MXFS_F8_E5M2), /* and codes that are numbers */
};

static const char not_yet[] = "this format is not supported";
static const char unknown_types[] = "unknown types of its codes or scales";

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
    {".weight_packed", ANY, ".weight_scale", ANY, "packed", unknown_types},
    {"_blocks", BYTES, "_scales", BYTES, "blocks", unknown_types},
    {".blocks", BYTES, ".scales", BYTES, "blocks", unknown_types},
    {".weight", FNUZ, ".weight_scale", ANY, "fp8-fnuz", not_yet},
    {".weight", FNUZ, ".weight_scale_inv", ANY, "fp8-fnuz", not_yet},
    {".weight", FNUZ, ".scale", ANY, "fp8-fnuz", not_yet},
    {".weight", FNUZ, ".scale_weight", ANY, "fp8-fnuz", not_yet},
    {"", FNUZ, "_scale_inv", ANY, "fp8-fnuz", not_yet},
    {"", FNUZ, "_weight_scale", ANY, "fp8-fnuz", not_yet},
    {".weight", BIT(MXFS_I8), ".weight_scale", ANY, "int8", unknown_types},
    {".weight", BIT(MXFS_I8), ".scale", ANY, "int8", not_yet},
    {".weight", OCTETS, ".weight_scale", ANY, "packed", unknown_types},
    {".weight", OCTETS, ".weight_scale_inv", ANY, "packed", unknown_types},
    {".weight", OCTETS, ".scale", BIT(MXFS_F8_E8M0), "packed", unknown_types},
    {".weight", OCTETS, ".scale_weight", ANY, "packed", unknown_types},
    {".weight", OCTETS, ".weight_scale_2", ANY, "packed", mxfs_reason_no_scales},
    {".weight", BYTES, ".SCB", ANY, "bitsandbytes-int8", unknown_types},
    {"", OCTETS, "_weight_scale", ANY, "packed", unknown_types},
    {"", OCTETS, "_weight_scale_2", ANY, "packed", mxfs_reason_no_scales},
    {"", OCTETS, "_scale_inv", ANY, "packed", unknown_types},
    {".weight", WORDS, ".scales", ANY, "mlx", "no layout of MLX has scales of that type or shape"},
    {".weight", WORDS, ".biases", ANY, "mlx", mxfs_reason_no_scales},
    {".compressed", ANY, ".bitmask", ANY, "sparse-bitmask", not_yet},
    {".B", BIT(MXFS_I32), ".s", ANY, "marlin", not_yet},
    {".qweight", ANY, ".wscales", ANY, "svdquant", "a low-rank part is added at run time"},
    {".qweight", NO_WORDS, NULL, 0, "qweight", not_yet},
    {".W_q", ANY, NULL, 0, "hqq", not_yet},
    {".codes", ANY, ".codebooks", ANY, "aqlm", not_yet},
    {".q_weight", ANY, ".q_scale", ANY, "exl2", not_yet},
    {".trellis", ANY, ".svh", ANY, "exl3", not_yet},
    {".Qidxs", ANY, NULL, 0, "quip", not_yet},
    {".indices", ANY, ".centroids.weight", ANY, "vptq", not_yet},
    {"_qdata", ANY, "_scale", ANY, "torchao", not_yet},
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

/* A part whose main part is nowhere. Names that also mean other things are told by a type or by a
 * companion. */
struct half {
    const char *suffix;
    uint32_t dtypes;
    const char *companion; /* beside it; NULL: none is asked for */
    const char *mains[2]; /* suffixes of main parts, of which there must be one; twice: only that */
};

static const struct half halves[] = {
    {".weight_scale", ANY, NULL, {".weight", ".weight_packed"}},
    {".weight_scale_inv", ANY, NULL, {".weight", ".weight"}},
    {".weight_global_scale", ANY, NULL, {".weight_packed", ".weight"}},
    {".scale", BIT(MXFS_F8_E8M0), NULL, {".weight", ".weight"}},
    {".scale_weight", ANY, NULL, {".weight", ".weight"}},
    {"_weight_scale", ANY, "_weight_scale_2", {"", ""}},
    {"_scale_inv", ANY, NULL, {"", ""}},
    {".qzeros", WORDS, NULL, {".qweight", ".qweight"}},
    {".scales", ANY, ".biases", {".weight", ".weight"}},
    {".SCB", ANY, NULL, {".weight", ".weight"}},
};

static enum mxfs_verdict match_half(struct mxfs_match *match, size_t index,
                                    struct mxfs_group *group, const struct half *h)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (!(h->dtypes & BIT(t->dtype)) || !mxfs_tensor_has_suffix(t, h->suffix, &stem_len) ||
        (h->companion && !mxfs_match_companion(match, index, stem_len, h->companion)) ||
        mxfs_match_companion(match, index, stem_len, h->mains[0]) ||
        mxfs_match_companion(match, index, stem_len, h->mains[1]))
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    return mxfs_match_refuse_half(match, "scale", "the weight that it belongs to is missing");
}

static enum mxfs_verdict match_foreign(struct mxfs_match *match, size_t index,
                                       struct mxfs_group *group)
{
    for (size_t i = 0; i < MXFS_COUNT(patterns); i++) {
        enum mxfs_verdict verdict = match_pattern(match, index, group, &patterns[i]);
        if (verdict != MXFS_NO_MATCH)
            return verdict;
    }
    for (size_t i = 0; i < MXFS_COUNT(halves); i++) {
        if (match_half(match, index, group, &halves[i]) != MXFS_NO_MATCH)
            return MXFS_REFUSE;
    }
    return MXFS_NO_MATCH;
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
