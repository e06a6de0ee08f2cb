/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Formats that are recognised only to be refused by name: a tensor that looks quantized must never
 * be shown as if it were not, nor be decoded by guess.
 *
 * `disguised` comes before all other schemes: its formats use the names and types of others, and
 * only a tensor next to them shows that the bytes have another meaning. `foreign` and `mistyped`
 * come last.
 */
#include "match.h"

enum {
    FNUZ = SCHEME_BIT(F8_E4M3FNUZ) | SCHEME_BIT(F8_E5M2FNUZ),
    SMALL = SCHEME_BIT(F4) | SCHEME_BIT(F6_E2M3) | SCHEME_BIT(F6_E3M2),
    ANY = SCHEME_ANY,
    I8 = SCHEME_BIT(I8),
    I32 = SCHEME_BIT(I32),
    WORDS = I32 | SCHEME_BIT(U32),
    PACKED = SCHEME_BIT(BOOL) | SCHEME_BIT(U8) | SCHEME_BIT(I8) | SCHEME_BIT(F8_E8M0),
    BYTES = PACKED | FNUZ | SCHEME_FP8, /* packed codes, and codes that are numbers */
};

/* clang-format off */

/* A main part, and a companion that shows that it is quantized. */
#define PAIR(main, dtypes, companion, companion_dtypes, name, reason) \
    {".weight", name, reason, {{SCHEME_CODES, main, dtypes, 0}, \
                               {SCHEME_OTHER, companion, companion_dtypes, SCHEME_TELLS | SCHEME_TYPED}}}

/* The parts of SVDQuant, which no group of another format may have either. */
#define SVD(dtypes, name) \
    {".weight", name, low_rank, {{SCHEME_CODES, ".weight", dtypes, 0}, \
                                 {SCHEME_LOW_RANK, ".svdquant_lora_a", ANY, SCHEME_TELLS | SCHEME_WITNESS}, \
                                 {SCHEME_SCALES, ".weight_scale", ANY, 0}}}

/* A main part that needs no companion. */
#define LONE(main, dtypes, name, reason) {".weight", name, reason, {{SCHEME_CODES, main, dtypes, 0}}}

/* clang-format on */

static const char not_yet[] = "this format is not supported";
static const char unknown_types[] = "its codes or scales have an unknown type";
static const char no_scales[] = "its scales are missing";
static const char low_rank[] = "a low-rank part is added at run time";
static const char comfy[] = "ComfyUI's layouts (swizzled scales, rotated weights)";
static const char halved[] = "half of its weights are left out";

static const struct scheme_form disguised[] = {
    {".weight",
     "comfyui",
     comfy,
     {{SCHEME_CODES, ".weight", ANY, 0},
      {SCHEME_OTHER, ".comfy_quant", ANY, SCHEME_WITNESS},
      {SCHEME_SCALES, ".weight_scale", ANY, SCHEME_WITNESS}}},
    SVD(SCHEME_FP8, "fp8-svd"),
    SVD(I8, "int8-svd"),
    SVD(ANY, "nvfp4-svd"),
    PAIR(".weight_packed", I32, ".meta", ANY, "sparse-24", halved),
    PAIR(".weight_packed", I32, ".weight_meta", ANY, "sparse-24", halved),
    {0},
};

/* A tensor marks a layer, or the metadata mark all layers of a file. */
static bool is_disguised(const struct scheme_case *c)
{
    return c->form != disguised || c->of[SCHEME_OTHER] ||
           (c->match->options->comfy && c->of[SCHEME_SCALES]);
}

const struct mxfs_scheme scheme_disguised = {
    .name = "comfyui",
    .writers = "ComfyUI, ModelOpt's SVDQuant, compressed-tensors' sparse 2:4",
    .forms = disguised,
    .recognises = is_disguised,
};

static const struct scheme_form foreign[] = {
    PAIR(".weight_packed", ANY, ".weight_scale", ANY, "packed", unknown_types),
    PAIR("_blocks", BYTES, "_scales", BYTES, "blocks", unknown_types),
    PAIR(".blocks", BYTES, ".scales", BYTES, "blocks", unknown_types),
    PAIR(".weight", FNUZ, ".scale", ANY, "fp8-fnuz", not_yet),
    PAIR("", FNUZ, "_scale_inv", ANY, "fp8-fnuz", not_yet),
    PAIR("", FNUZ, "_weight_scale", ANY, "fp8-fnuz", not_yet),
    PAIR(".weight", I8, ".weight_scale", ANY, "int8", unknown_types),
    PAIR(".weight", I8, ".scale", ANY, "int8", not_yet),
    PAIR(".weight", BYTES, ".SCB", ANY, "bitsandbytes-int8", unknown_types),
    PAIR("", PACKED, "_weight_scale", ANY, "packed", unknown_types),
    PAIR("", PACKED, "_weight_scale_2", ANY, "packed", no_scales),
    PAIR("", PACKED, "_scale_inv", ANY, "packed", unknown_types),
    PAIR(".weight", WORDS, ".scales", ANY, "mlx", "no MLX layout has scales of that type or shape"),
    PAIR(".weight", WORDS, ".biases", ANY, "mlx", no_scales),
    PAIR(".compressed", ANY, ".bitmask", ANY, "sparse-bitmask", not_yet),
    PAIR(".B", I32, ".s", ANY, "marlin", not_yet),
    PAIR(".qweight", ANY, ".wscales", ANY, "svdquant", low_rank),
    LONE(".qweight", ANY & ~I32, "qweight", "its codes are not in words of 32 bits"),
    LONE(".W_q", ANY, "hqq", not_yet),
    PAIR(".codes", ANY, ".codebooks", ANY, "aqlm", not_yet),
    PAIR(".q_weight", ANY, ".q_scale", ANY, "exl2", not_yet),
    PAIR(".trellis", ANY, ".svh", ANY, "exl3", not_yet),
    LONE(".Qidxs", ANY, "quip", not_yet),
    PAIR(".indices", ANY, ".centroids.weight", ANY, "vptq", not_yet),
    PAIR("_qdata", ANY, "_scale", ANY, "torchao", not_yet),
    LONE("_qdata", ANY, "torchao", not_yet),
    LONE(":qdata", ANY, "torchao", not_yet),
    PAIR(".weight", SMALL, ".weight_scale", ANY, "fp4-fp6", not_yet),
    PAIR(".weight", SMALL, ".scale", ANY, "fp4-fp6", not_yet),
    {0},
};

const struct mxfs_scheme scheme_foreign = {
    .name = "foreign",
    .writers = "formats that are not supported",
    .forms = foreign,
};

/* Weights of a type that no scheme takes, with a scale whose name some scheme knows. */
static const struct scheme_form mistyped[] = {
    LONE(".weight", FNUZ, "fp8-fnuz", not_yet),
    LONE(".weight", PACKED, "packed", unknown_types),
    {0},
};

const struct mxfs_scheme scheme_mistyped = {
    .name = "mistyped",
    .writers = "known names, other types",
    .forms = mistyped,
    .recognises = scheme_has_scales,
};
