/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with scales: a tensor of F8_E4M3 or F8_E5M2 and its scales become a tensor of the same name.
 *
 *  - DeepSeek V3, Qwen3, Kimi K2, MiniMax, Mistral: X.weight_scale_inv F32 or BF16, for blocks or
 *    for the tensor; a multiplier despite its name. U8 (MiniMax-M3) is an exponent.
 *  - DeepSeek V4: X.scale F8_E8M0, for 128 x 128, 32 x 32 or 1 x 32 elements
 *  - compressed-tensors float-quantized and mxfp8-quantized, ModelOpt FP8 and MXFP8, fbgemm, Quark,
 *    vLLM: X.weight_scale
 *  - Mistral's own names: X.qscale_weight F32 or BF16, for the tensor
 *  - ComfyUI's scaled FP8: X.scale_weight, one element
 *  - parameters with other names than weight: P_scale_inv, P_weight_scale, P_scale
 *
 * The product is one float32 multiplication. compressed-tensors computes in the type of its scales:
 * with BF16 or F16 scales the product is rounded to that type, then to the output's. ModelOpt's
 * pre_quant_scale, unless it was folded into another layer, multiplies the columns.
 *
 * Sources: deepseek-ai/DeepSeek-V3 inference/kernel.py weight_dequant_kernel; transformers
 * integrations/finegrained_fp8.py, quantizers/quantizer_finegrained_fp8.py; compressed-tensors
 * quantization/lifecycle/forward_helpers.py.
 */
#include "fp8.h"

#include <errno.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "scales.h"

enum { SCALES = SCHEME_LINEAR | SCHEME_EXPONENT };

static const struct scheme_form forms[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_FP8, 0},
              {SCHEME_SCALES, ".weight_scale_inv", SCALES, SCHEME_TELLS | SCHEME_ALONE},
              {SCHEME_SCALES, ".weight_scale", SCALES, SCHEME_TELLS | SCHEME_ALONE},
              {SCHEME_SCALES, ".scale", SCALES, SCHEME_TELLS | SCHEME_AMBIGUOUS},
              {SCHEME_SCALES, ".scale_weight", SCALES, SCHEME_TELLS | SCHEME_ALONE},
              {SCHEME_SCALES, ".qscale_weight", SCALES, SCHEME_TELLS | SCHEME_ALONE},
              {SCHEME_COLUMNS, ".pre_quant_scale", SCHEME_LINEAR, 0},
              {SCHEME_ACTIVATION, ".qscale_act", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, ".scale_input", SCHEME_ANY, 0},
              {SCHEME_ACTIVATION, "scaled_fp8", SCHEME_ANY, 0}}}, /* ComfyUI's mark of a file */
    {.output = "",
     .part = {{SCHEME_CODES, "", SCHEME_FP8, 0},
              {SCHEME_SCALES, "_scale_inv", SCALES, SCHEME_TELLS | SCHEME_ALONE},
              {SCHEME_SCALES, "_weight_scale", SCALES, SCHEME_TELLS},
              {SCHEME_SCALES, "_scale", SCALES, SCHEME_TELLS},
              {SCHEME_COLUMNS, "_pre_quant_scale", SCHEME_LINEAR, 0}}},
    {0},
};

/* Matching. */

/* ComfyUI pads and swizzles the scales of its MXFP8. Its files may lack the mark of that, and have
 * no config.json; then only a shape that needs padding shows which layout it is. */
static bool may_be_swizzled(const struct scheme_case *c, const struct scheme_fp8_layout *l)
{
    const struct mxfs_tensor *scales = c->of[SCHEME_SCALES];
    size_t stem_len;

    return !c->match->config->present && (SCHEME_EXPONENT >> scales->dtype & 1) &&
           mxfs_tensor_has_suffix(scales, ".weight_scale", &stem_len) && c->group->rank == 2 &&
           l->block_rows == 1 && l->block_cols == MXFS_MX_BLOCK && l->rows % 128 == 0 &&
           l->cols % 128 == 0;
}

/* compressed-tensors computes in the type of the scales; others in float32. */
static enum mxfs_out product_type(const struct scheme_case *c)
{
    const char *method = c->match->config->method;
    size_t stem_len;

    if (!mxfs_tensor_has_suffix(c->of[SCHEME_SCALES], ".weight_scale", &stem_len) ||
        (method[0] != '\0' && strcmp(method, "compressed-tensors") != 0))
        return MXFS_OUT_F32;
    return scheme_scale_type(c->of[SCHEME_SCALES]);
}

static int fit(struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];
    int rc = scheme_set_shape(c, codes->shape, codes->rank);

    if (rc != 0)
        return rc;
    struct scheme_fp8_layout *l = scheme_layout(c, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->format = codes->dtype == MXFS_F8_E4M3 ? MXFS_FP8_E4M3 : MXFS_FP8_E5M2;
    l->via = product_type(c);
    c->group->tile = 1;
    rc = scheme_fp8_spread(c, l);
    if (rc != 0)
        return rc;
    if (may_be_swizzled(c, l))
        return scheme_refuse_as(c, "mxfp8", scheme_swizzled);
    return scheme_columns_fit(c) ? 0 : scheme_refuse(c, scheme_no_fit);
}

/* Decoding. */

static const struct scheme_fp8_layout *layout_of(const struct mxfs_group *g)
{
    return g->layout;
}

static uint64_t scales_of_row(const struct scheme_fp8_layout *l)
{
    return mxfs_ceil_div(l->cols, l->block_cols);
}

/* The row of scales that an element's scale lies in, counted over all matrices. */
static uint64_t scale_row(const struct scheme_fp8_layout *l, uint64_t element)
{
    uint64_t row = element / l->cols;
    uint64_t of_matrix = mxfs_ceil_div(l->rows, l->block_rows);
    return row / l->rows * of_matrix + row % l->rows / l->block_rows;
}

static void spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span out[MXFS_PARTS_MAX])
{
    const struct scheme_fp8_layout *l = layout_of(group);
    uint64_t width = scales_of_row(l) * scheme_scale_size(group->part[FP8_SCALES]->dtype);
    uint64_t row = scale_row(l, first), rows = scale_row(l, first + count - 1) - row + 1;

    out[FP8_CODES] = scheme_span(first, count, 1, 1);
    out[FP8_SCALES] = (struct mxfs_span){row * width, rows * width};
    if (group->parts > FP8_COLUMNS)
        out[FP8_COLUMNS] = scheme_whole_span(group, FP8_COLUMNS);
}

/* Elements of one row. */
struct piece {
    uint8_t *dst;
    const uint8_t *codes;
    const uint8_t *scales; /* of the block that they begin in */
    uint64_t first;        /* element of the flat output */
    uint64_t n;
};

/* Columns of the output, whose rows are not always those of the layout. */
static uint64_t row_length(const struct mxfs_group *g)
{
    return g->rank ? g->shape[g->rank - 1] : 1;
}

/* Scales that differ from column to column are factors of columns. */
static void decode_columns(const struct mxfs_group *g, struct scheme_narrowing narrowing,
                           const struct piece *p)
{
    const struct mxfs_codec *codec = narrowing.codec;
    float values[SCHEME_NARROW_CHUNK];

    narrowing.columns = g->part[FP8_SCALES];
    narrowing.factors = p->scales;
    codec->kernel->fp8_run[MXFS_OUT_F32](
        values, &(struct mxfs_fp8_run){codec->tables, p->codes, p->n, layout_of(g)->format, 1.0f});
    scheme_narrow(&narrowing, p->dst, values, p->n, 0);
}

static void decode_blocks(const struct mxfs_group *g, const struct scheme_narrowing *narrowing,
                          const struct piece *p)
{
    const struct scheme_fp8_layout *l = layout_of(g);
    const struct mxfs_codec *codec = narrowing->codec;
    enum mxfs_dtype type = g->part[FP8_SCALES]->dtype;
    uint64_t phase = p->first % l->cols % l->block_cols;
    float scales[SCHEME_SCALE_CHUNK], values[SCHEME_NARROW_CHUNK];
    bool direct = scheme_narrows_once(narrowing);
    enum mxfs_out out = direct ? g->out : MXFS_OUT_F32;

    if (direct && l->block_cols == MXFS_MX_BLOCK && (SCHEME_EXPONENT >> type & 1) && phase == 0 &&
        p->n % MXFS_MX_BLOCK == 0) {
        codec->kernel->mxfp8_blocks[out](
            p->dst, &(struct mxfs_mxfp8_blocks){codec->tables, p->codes, p->scales,
                                                p->n / MXFS_MX_BLOCK, l->format});
        return;
    }
    scheme_scale_load(codec, scales, p->scales, mxfs_ceil_div(phase + p->n, l->block_cols), type);
    codec->kernel->fp8_blocks[out](
        direct ? (void *)p->dst : values,
        &(struct mxfs_fp8_blocks){codec->tables, p->codes, p->n, l->format, scales, l->block_cols});
    if (!direct)
        scheme_narrow(narrowing, p->dst, values, p->n, p->first % row_length(g));
}

/* How many of `n` elements to decode at once: up to the end of the block that they begin inside, or
 * as many blocks as there is room for; all of one row of the output if scheme_narrow() follows. */
static uint64_t choose_count(const struct mxfs_group *g, bool direct, uint64_t first, uint64_t n)
{
    const struct scheme_fp8_layout *l = layout_of(g);
    uint64_t phase = first % l->cols % l->block_cols, blocks = SCHEME_SCALE_CHUNK;

    if (!direct) {
        n = mxfs_min_u64(n, row_length(g) - first % row_length(g));
        n = mxfs_min_u64(n, SCHEME_NARROW_CHUNK);
        blocks = mxfs_max_u64(1, mxfs_min_u64(blocks, SCHEME_NARROW_CHUNK / l->block_cols));
    }
    if (phase > 0)
        return mxfs_min_u64(n, l->block_cols - phase);
    return n / l->block_cols >= blocks ? blocks * l->block_cols : n;
}

static void decode(const struct mxfs_run *run)
{
    const struct mxfs_group *g = run->group;
    const struct scheme_fp8_layout *l = layout_of(g);
    unsigned size = scheme_scale_size(g->part[FP8_SCALES]->dtype);
    uint64_t row0 = scale_row(l, run->first), width = scales_of_row(l);
    const struct scheme_narrowing narrowing =
        scheme_narrowing_of(run, l->via, g->parts > FP8_COLUMNS ? FP8_COLUMNS : 0);
    bool direct = scheme_narrows_once(&narrowing);
    bool by_columns = l->block_cols == 1 && l->cols > 1 && !narrowing.columns;

    for (uint64_t done = 0; done < run->count;) {
        uint64_t element = run->first + done, column = element % l->cols;
        uint64_t scale = (scale_row(l, element) - row0) * width + column / l->block_cols;
        uint64_t left = mxfs_min_u64(l->cols - column, run->count - done);
        const struct piece p = {
            .dst = run->dst + done * mxfs_out_size(g->out),
            .codes = run->src[FP8_CODES] + done,
            .scales = run->src[FP8_SCALES] + scale * size,
            .first = element,
            .n = by_columns ? mxfs_min_u64(left, SCHEME_NARROW_CHUNK)
                            : choose_count(g, direct, element, left),
        };
        if (by_columns)
            decode_columns(g, narrowing, &p);
        else
            decode_blocks(g, &narrowing, &p);
        done += p.n;
    }
}

const struct mxfs_scheme scheme_fp8 = {
    .name = "fp8",
    .writers = "DeepSeek, Qwen, Kimi, MiniMax, Mistral, compressed-tensors, ModelOpt, fbgemm, "
               "Quark, ComfyUI",
    .methods = "fp8,fbgemm_fp8,mxfp8,compressed-tensors,modelopt,quark",
    .forms = forms,
    .refuses_transforms = true,
    .fit = fit,
    .spans = spans,
    .decode = decode,
};
