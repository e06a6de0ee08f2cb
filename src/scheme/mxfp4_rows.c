/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 in rows: codes [.., K/2] and E8M0 scales [.., K/32] become X.weight [.., K].
 *
 *  - compressed-tensors `mxfp4-pack-quantized`: X.weight_packed U8 + X.weight_scale U8 or F8_E8M0.
 *    AutoRound's MXINT4 has the same names, types and shapes; only data_type tells it apart. With
 *    X.weight_global_scale, the group is NVFP4.
 *  - AMD Quark and NVIDIA ModelOpt: X.weight U8 + X.weight_scale U8 or F8_E8M0
 *  - DeepSeek V4 experts: X.weight I8 + X.scale F8_E8M0
 *
 * Sources: compressed-tensors src/compressed_tensors/compressors/mxfp4; vllm quark_ocp_mx.py;
 * ModelOpt modelopt/torch/quantization/qtensor/mxfp4_tensor.py; the DeepSeek-V4 model card.
 */
#include <string.h>

#include "blocks.h"

static const struct scheme_form packed[] = {
    {.output = "weight",
     .part = {{SCHEME_CODES, "weight_packed", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, "weight_scale", SCHEME_EXPONENT, SCHEME_NEEDED | SCHEME_TYPED}}},
    {0},
};

static int fit_packed(struct scheme_case *c)
{
    if (strncmp(mxfs_scheme_config_string(c->match->config, "data_type"), "mx_int", 6) == 0)
        return scheme_refuse_as(c, "mxint4", "its elements are integers in the MXFP4 layout");
    return scheme_blocks_fit(c);
}

const struct mxfs_scheme scheme_packed_mxfp4 = {
    .name = "mxfp4-packed",
    .writers = "compressed-tensors, AutoRound",
    .methods = "compressed-tensors,auto-round",
    .forms = packed,
    .refuses_transforms = true,
    .fit = fit_packed,
    SCHEME_BLOCKS_MXFP4,
};

static const struct scheme_form weight[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, ".weight_scale", SCHEME_EXPONENT, SCHEME_TELLS | SCHEME_TYPED}}},
    {0},
};

static int fit_weight(struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];

    /* MXFP6 packs 4 codes in 3 bytes, in one of two orders that nothing in a file tells apart. */
    if (scheme_is_blocked(codes, c->of[SCHEME_SCALES], codes->rank - 1, 24))
        return scheme_refuse_as(c, "mxfp6", "its two packings cannot be told apart");
    return scheme_blocks_fit(c);
}

const struct mxfs_scheme scheme_weight_mxfp4 = {
    .name = "mxfp4-weight",
    .writers = "Quark, ModelOpt",
    .methods = "quark,modelopt,mxfp4",
    .forms = weight,
    .fit = fit_weight,
    SCHEME_BLOCKS_MXFP4,
};

static const struct scheme_form deepseek[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_BIT(I8), 0},
              {SCHEME_SCALES, ".scale", SCHEME_BIT(F8_E8M0),
               SCHEME_TELLS | SCHEME_TYPED | SCHEME_ALONE}}},
    {0},
};

const struct mxfs_scheme scheme_deepseek_mxfp4 = {
    .name = "mxfp4-deepseek",
    .writers = "DeepSeek V4's experts",
    .methods = "fp8",
    .forms = deepseek,
    .fit = scheme_blocks_fit,
    SCHEME_BLOCKS_MXFP4,
};
