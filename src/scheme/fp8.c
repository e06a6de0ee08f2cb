/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with scales: a tensor of F8_E4M3 or F8_E5M2 and its scales become a tensor of the same name.
 *
 *  - DeepSeek V3, Qwen3, Kimi K2, MiniMax, Mistral: X.weight_scale_inv F32 or BF16, of blocks or of
 *    the tensor; despite its name a multiplier. U8 (MiniMax-M3) is an exponent.
 *  - DeepSeek V4: X.scale F8_E8M0, of 128 x 128, 32 x 32 or 1 x 32 elements
 *  - compressed-tensors float-quantized and mxfp8-quantized, ModelOpt FP8 and MXFP8, fbgemm, Quark,
 *    vLLM: X.weight_scale
 *  - ComfyUI's scaled FP8: X.scale_weight of one element
 *  - parameters that are not called weight: P_scale_inv, P_weight_scale, P_scale
 *
 * The product is one float32 multiplication. compressed-tensors computes in the type of its scales,
 * so with BF16 or F16 scales the product is rounded to that type before the output's. ModelOpt's
 * pre_quant_scale, where it was not folded into another layer, multiplies the columns.
 *
 * Sources: deepseek-ai/DeepSeek-V3 inference/kernel.py weight_dequant_kernel; transformers
 * integrations/finegrained_fp8.py; compressed-tensors quantization/lifecycle/forward_helpers.py.
 */
#include "fp8.h"

#include <string.h>

#include "mxfs/bytes.h"
#include "scales.h"

/* Names of scales: behind the whole name of the codes, or in place of its ".weight". */
struct names {
    const char *suffix;
    bool whole;
};

static const struct names of_weight[] = {
    {"_scale_inv", true},
    {"_scale", true},
    {".scale", false},
    {".scale_weight", false},
};

static const struct names of_parameter[] = {
    {"_scale_inv", true},
    {"_weight_scale", true},
    {"_scale", true},
};

/* Matching. */

/* Adds the scales; *found counts them. */
static void find_scales(const struct mxfs_match *match, size_t index, size_t stem_len,
                        bool is_weight, struct mxfs_group *group, unsigned *found)
{
    const struct names *names = is_weight ? of_weight : of_parameter;
    size_t count = is_weight ? MXFS_COUNT(of_weight) : MXFS_COUNT(of_parameter);
    size_t len = match->tensors->sorted[index]->name_len;

    *found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mxfs_tensor *scales =
            mxfs_match_companion(match, index, names[i].whole ? len : stem_len, names[i].suffix);
        if (scales) {
            mxfs_match_add_part(group, scales);
            (*found)++;
        }
    }
}

/* ComfyUI pads and swizzles the scales of its MXFP8. Markers tell; without one, a config.json does,
 * which its files come without; without both, the shape, unless it needs no padding. */
static bool may_be_swizzled(const struct mxfs_match *match, const struct mxfs_group *group)
{
    size_t stem_len;
    return !match->config->present && mxfs_scale_is_exponent(group->part[MXFS_FP8_SCALES]->dtype) &&
           mxfs_tensor_has_suffix(group->part[MXFS_FP8_SCALES], ".weight_scale", &stem_len) &&
           group->rank == 2 && group->block_rows == 1 && group->block_cols == MXFS_MX_BLOCK &&
           group->rows % 128 == 0 && group->cols % 128 == 0;
}

/* compressed-tensors computes in the type of the scales; others in float32. */
static uint8_t product_type(const struct mxfs_match *match, const struct mxfs_tensor *scales)
{
    size_t stem_len;
    const char *method = match->config->method;

    if (!mxfs_tensor_has_suffix(scales, ".weight_scale", &stem_len) ||
        (method[0] != '\0' && strcmp(method, "compressed-tensors") != 0))
        return MXFS_OUT_F32;
    return scales->dtype == MXFS_BF16  ? MXFS_OUT_BF16
           : scales->dtype == MXFS_F16 ? MXFS_OUT_F16
                                       : MXFS_OUT_F32;
}

static enum mxfs_verdict check_company(struct mxfs_match *match, size_t index, size_t stem_len,
                                       struct mxfs_group *group)
{
    const struct mxfs_tensor *t = group->part[MXFS_FP8_CODES];

    if (match->config->transforms)
        return mxfs_match_refuse(match, NULL, mxfs_reason_transforms);
    if (mxfs_match_companion(match, index, t->name_len, "_zero_point"))
        return mxfs_match_refuse(match, NULL, "it has a zero point");
    if (mxfs_match_companion(match, index, t->name_len, "_g_idx"))
        return mxfs_match_refuse(match, NULL, "its columns are reordered");
    if (mxfs_match_companion(match, index, stem_len, ".svdquant_lora_a"))
        return mxfs_match_refuse(match, "fp8-svd", "a low-rank part is added at run time");
    return MXFS_MATCH;
}

static enum mxfs_verdict match_fp8(struct mxfs_match *match, size_t index, struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len = t->name_len;
    unsigned found;

    if (t->dtype != MXFS_F8_E4M3 && t->dtype != MXFS_F8_E5M2)
        return MXFS_NO_MATCH;
    bool is_weight = mxfs_tensor_has_suffix(t, ".weight", &stem_len);
    mxfs_match_add_part(group, t);
    find_scales(match, index, stem_len, is_weight, group, &found);
    if (found == 0)
        return MXFS_NO_MATCH;
    if (found > 1)
        return mxfs_match_refuse(match, NULL, "it has scales of more than one name");
    const struct mxfs_tensor *scales = group->part[MXFS_FP8_SCALES];
    if (!mxfs_scale_is_linear(scales->dtype) && !mxfs_scale_is_exponent(scales->dtype))
        return mxfs_match_refuse(match, NULL, "unknown type of its scales");
    enum mxfs_verdict verdict = check_company(match, index, stem_len, group);
    if (verdict != MXFS_MATCH)
        return verdict;
    if (!mxfs_match_shape(group, t->shape, t->rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    mxfs_match_name(group, t->name_len);
    group->format = t->dtype == MXFS_F8_E4M3 ? MXFS_FP8_E4M3 : MXFS_FP8_E5M2;
    group->via = product_type(match, scales);
    group->tile = 1;
    verdict = mxfs_fp8_spread(match, group);
    if (verdict != MXFS_MATCH)
        return verdict;
    if (may_be_swizzled(match, group))
        return mxfs_match_refuse(match, "mxfp8", mxfs_reason_swizzled);
    if (!mxfs_match_columns(match, index, stem_len,
                            is_weight ? ".pre_quant_scale" : "_pre_quant_scale", group))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    return MXFS_MATCH;
}

/* Decoding. */

static uint64_t scales_of_row(const struct mxfs_group *g)
{
    return mxfs_ceil_div(g->cols, g->block_cols);
}

/* The row of the scale table that an element's scale stands in, counted over all matrices. */
static uint64_t scale_row(const struct mxfs_group *g, uint64_t element)
{
    uint64_t row = element / g->cols;
    uint64_t of_matrix = mxfs_ceil_div(g->rows, g->block_rows);
    return row / g->rows * of_matrix + row % g->rows / g->block_rows;
}

static const struct mxfs_tensor *columns_of(const struct mxfs_group *g)
{
    return g->parts > MXFS_FP8_COLUMNS ? g->part[MXFS_FP8_COLUMNS] : NULL;
}

static void spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span out[MXFS_PARTS_MAX])
{
    unsigned size = mxfs_scale_size(group->part[MXFS_FP8_SCALES]->dtype);
    uint64_t row = scale_row(group, first), width = scales_of_row(group) * size;
    uint64_t rows = scale_row(group, first + count - 1) - row + 1;

    out[MXFS_FP8_CODES] = (struct mxfs_span){first, count};
    out[MXFS_FP8_SCALES] = (struct mxfs_span){row * width, rows * width};
    if (columns_of(group))
        out[MXFS_FP8_COLUMNS] = (struct mxfs_span){0, columns_of(group)->size};
}

/* A run of elements of one row. */
struct piece {
    uint8_t *dst;
    const uint8_t *codes;
    const uint8_t *scales; /* of the block that the run begins in */
    const uint8_t *factors;
    uint64_t first; /* element of the flat output */
    uint64_t n;
};

/* Scales that differ from column to column are factors of columns. */
static void decode_columns(const struct mxfs_group *g, const struct mxfs_codec *codec,
                           const struct piece *p)
{
    float values[MXFS_NARROW_CHUNK];

    codec->kernel->fp8_run[MXFS_OUT_F32](
        values, &(struct mxfs_fp8_run){codec->tables, p->codes, p->n, g->format, 1.0f});
    mxfs_narrow_columns(g, codec, p->dst, values, p->n, g->part[MXFS_FP8_SCALES], p->scales, 0);
}

static bool is_mx(const struct mxfs_group *g)
{
    return g->block_cols == MXFS_MX_BLOCK &&
           mxfs_scale_is_exponent(g->part[MXFS_FP8_SCALES]->dtype);
}

static void decode_blocks(const struct mxfs_group *g, const struct mxfs_codec *codec,
                          const struct piece *p, uint64_t phase)
{
    const struct mxfs_tensor *columns = columns_of(g);
    float scales[MXFS_SCALES_CHUNK], values[MXFS_NARROW_CHUNK];
    bool direct = mxfs_narrows_once(g, columns);
    size_t blocks = p->n / MXFS_MX_BLOCK;
    enum mxfs_out out = direct ? g->out : MXFS_OUT_F32;
    uint64_t last = g->rank ? g->shape[g->rank - 1] : 1;

    if (direct && is_mx(g) && phase == 0 && p->n % MXFS_MX_BLOCK == 0) {
        codec->kernel->mxfp8_blocks[out](
            p->dst,
            &(struct mxfs_mxfp8_blocks){codec->tables, p->codes, p->scales, blocks, g->format});
        return;
    }
    mxfs_scales_load(codec, scales, p->scales, mxfs_ceil_div(phase + p->n, g->block_cols),
                     g->part[MXFS_FP8_SCALES]->dtype);
    codec->kernel->fp8_blocks[out](
        direct ? (void *)p->dst : values,
        &(struct mxfs_fp8_blocks){codec->tables, p->codes, p->n, g->format, scales, g->block_cols});
    if (!direct)
        mxfs_narrow_columns(g, codec, p->dst, values, p->n, columns, p->factors, p->first % last);
}

/* How many of `n` elements are decoded at once: to the end of the block that they begin inside of,
 * or as many blocks as there is room for; where they are narrowed aside, all of one row. */
static uint64_t choose_count(const struct mxfs_group *g, uint64_t first, uint64_t n)
{
    uint64_t phase = first % g->cols % g->block_cols, blocks = MXFS_SCALES_CHUNK;

    if (!mxfs_narrows_once(g, columns_of(g))) {
        uint64_t last = g->rank ? g->shape[g->rank - 1] : 1;
        n = mxfs_min_u64(n, mxfs_min_u64(MXFS_NARROW_CHUNK, last - first % last));
        blocks = mxfs_max_u64(1, mxfs_min_u64(blocks, MXFS_NARROW_CHUNK / g->block_cols));
    }
    if (phase > 0)
        return mxfs_min_u64(n, g->block_cols - phase);
    return n / g->block_cols >= blocks ? blocks * g->block_cols : n;
}

/* Decodes the first elements of a run and returns how many. */
static uint64_t decode_some(const struct mxfs_group *g, const struct mxfs_codec *codec,
                            struct piece p)
{
    if (g->block_cols == 1 && g->cols > 1 && !columns_of(g)) {
        p.n = mxfs_min_u64(p.n, MXFS_NARROW_CHUNK);
        decode_columns(g, codec, &p);
    } else {
        p.n = choose_count(g, p.first, p.n);
        decode_blocks(g, codec, &p, p.first % g->cols % g->block_cols);
    }
    return p.n;
}

static void decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                   uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst)
{
    unsigned size = mxfs_scale_size(group->part[MXFS_FP8_SCALES]->dtype);
    uint64_t row0 = scale_row(group, first), width = scales_of_row(group);
    struct piece p = {.dst = dst, .codes = src[MXFS_FP8_CODES], .first = first};

    if (columns_of(group))
        p.factors = src[MXFS_FP8_COLUMNS];
    while (count > 0) {
        uint64_t column = p.first % group->cols;
        uint64_t scale = (scale_row(group, p.first) - row0) * width + column / group->block_cols;
        p.scales = src[MXFS_FP8_SCALES] + scale * size;
        p.n = mxfs_min_u64(group->cols - column, count);
        uint64_t done = decode_some(group, codec, p);
        p.codes += done;
        p.dst += done * mxfs_out_size(group->out);
        p.first += done;
        count -= done;
    }
}

const struct mxfs_scheme mxfs_scheme_fp8 = {
    .name = "fp8",
    .summary = "X.weight F8 + scales of tensor, rows, blocks or groups -> X.weight",
    .match = match_fp8,
    .spans = spans,
    .decode = decode,
};
