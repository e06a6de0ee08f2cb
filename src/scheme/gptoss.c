/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * `P_blocks` + `P_scales` become `P`: the family of gpt-oss.
 *
 *  - Hugging Face names `P_blocks` U8 [E, N, K/32, 16] and `P_scales` U8 [E, N, K/32]:
 *    transformers' convert_moe_packed_tensors transposes the last two logical axes, so P is
 *    [E, K, N]. The square down_proj cannot tell by shape, so orientation follows names and
 *    model_type.
 *  - generic `X.weight_blocks` + `X.weight_scales` (transformers' saver): X.weight [.., K], and any
 *    other name or rank: P [.., K]; not transposed.
 *  - OpenAI's original `P.blocks` + `P.scales`: P [E, N, K]; not transposed.
 *
 * Source: transformers src/transformers/integrations/mxfp4.py; openai/gpt-oss
 * gpt_oss/torch/weights.py.
 */
#include <string.h>

#include "blocks.h"
#include "mxfp4_transposed.h"

enum { SCALES_FLAGS = SCHEME_NEEDED | SCHEME_NAMED | SCHEME_AMBIGUOUS };

/* The same names twice: lone scales count as those of the second. */
static const struct scheme_form experts[] = {
    {.output = "",
     .part = {{SCHEME_CODES, "_blocks", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, "_scales", SCHEME_BIT(U8), SCHEME_NEEDED | SCHEME_AMBIGUOUS}}},
    {0},
};

static const struct scheme_form blocks[] = {
    {.output = "",
     .part = {{SCHEME_CODES, "_blocks", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, "_scales", SCHEME_BIT(U8), SCALES_FLAGS}}},
    {0},
};

static const struct scheme_form original[] = {
    {.output = "",
     .part = {{SCHEME_CODES, ".blocks", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, ".scales", SCHEME_BIT(U8), SCALES_FLAGS}}},
    {0},
};

static bool are_blocks(const struct mxfs_tensor *t)
{
    return t->rank >= 2 && scheme_last_dim(t) == MXFS_MXFP4_BYTES;
}

/* Without scales, only the shape tells blocks from a tensor that happens to be called so. */
static bool is_pair(const struct scheme_case *c)
{
    return c->of[SCHEME_SCALES] || are_blocks(c->of[SCHEME_CODES]);
}

static bool stem_ends_in(const struct scheme_case *c, const char *end)
{
    const char *name = c->of[SCHEME_CODES]->name;
    size_t n = strlen(end);

    return c->stem_len >= n && memcmp(name + c->stem_len - n, end, n) == 0;
}

static bool is_transposed(const struct scheme_case *c)
{
    const char *model_type = c->match->config->model_type;

    if (c->of[SCHEME_CODES]->rank != 4 || stem_ends_in(c, ".weight") || !is_pair(c))
        return false;
    if (strcmp(model_type, "gpt_oss") == 0)
        return true;
    return model_type[0] == '\0' &&
           (stem_ends_in(c, ".experts.gate_up_proj") || stem_ends_in(c, ".experts.down_proj"));
}

static int fit_transposed(struct scheme_case *c, struct mxfs_group *group)
{
    (void)group;
    return are_blocks(c->of[SCHEME_CODES]) ? mxfp4_transposed(c) : scheme_refuse(c, scheme_no_fit);
}

/* [.., K/32, 16] as stored is [.., K] as shown. */
static int fit_rows(struct scheme_case *c, struct mxfs_group *group)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *scales = c->of[SCHEME_SCALES];
    uint64_t shape[MXFS_RANK_MAX];
    uint32_t rank = scales->rank;

    if (!are_blocks(codes) || rank != codes->rank - 1 || !scheme_same_dims(codes, scales, rank))
        return scheme_refuse(c, scheme_no_fit);
    if (rank > MXFS_RANK_MAX || scheme_last_dim(scales) > UINT64_MAX / MXFS_MX_BLOCK)
        return scheme_refuse(c, scheme_too_large);
    memcpy(shape, scales->shape, rank * sizeof(*shape));
    shape[rank - 1] *= MXFS_MX_BLOCK;
    group->tile = MXFS_MX_BLOCK;
    return scheme_set_shape(c, shape, rank);
}

const struct mxfs_scheme scheme_gptoss = {
    .name = "mxfp4-gptoss",
    .writers = "gpt-oss under Hugging Face names (experts, transposed)",
    .methods = "mxfp4",
    .forms = experts,
    .recognises = is_transposed,
    .fit = fit_transposed,
    .unit_at = mxfp4_unit_at,
    .strips = mxfp4_strips,
    .pack = mxfp4_pack,
    .unpack = mxfp4_unpack,
};

const struct mxfs_scheme scheme_mxfp4_blocks = {
    .name = "mxfp4-blocks",
    .writers = "transformers' own saver",
    .methods = "mxfp4",
    .forms = blocks,
    .recognises = is_pair,
    .fit = fit_rows,
    .block = MXFS_MX_BLOCK,
    .block_bytes = MXFS_MXFP4_BYTES,
    .spans = blocks_spans,
    .decode = blocks_decode_mxfp4,
};

const struct mxfs_scheme scheme_gptoss_original = {
    .name = "mxfp4-gptoss-original",
    .writers = "gpt-oss under OpenAI's names",
    .methods = "mxfp4",
    .forms = original,
    .recognises = is_pair,
    .fit = fit_rows,
    .block = MXFS_MX_BLOCK,
    .block_bytes = MXFS_MXFP4_BYTES,
    .spans = blocks_spans,
    .decode = blocks_decode_mxfp4,
};
