/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4: codes U8 [.., K/2], scales F8_E4M3 [.., K/16], and a float32 scale of the tensor.
 *
 *  - compressed-tensors nvfp4-pack-quantized: X.weight_packed, X.weight_scale and
 *    X.weight_global_scale, a divisor: code * (scale / global). [1] as written, the quotient is a
 *    float32; as a scalar it takes part in torch's arithmetic without its type, so that quotient
 *    and product are bfloat16.
 *  - ModelOpt: X.weight, X.weight_scale and X.weight_scale_2, a multiplier: code * (scale * ws2).
 *    X.pre_quant_scale, where it was not folded into another layer, multiplies the columns then.
 *    Experts in one tensor are called P, P_weight_scale and P_weight_scale_2, and may be packed
 *    along the last axis but one.
 *
 * ComfyUI's NVFP4 has ModelOpt's names, but the high nibble first and swizzled scales: refused.
 * Sources: compressed-tensors compressors/nvfp4/base.py, quantization/lifecycle/forward_helpers.py;
 * ModelOpt modelopt/torch/quantization/qtensor/nvfp4_tensor.py, torch/export/unified_export_hf.py.
 */
#include "nvfp4.h"

#include <errno.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "scales.h"

#define U8 SCHEME_BIT(U8)
#define E4M3 SCHEME_BIT(F8_E4M3)
#define F32 SCHEME_BIT(F32)

enum { TELLS = SCHEME_TELLS | SCHEME_TYPED };

static const struct scheme_form forms[] = {
    {.output = "weight",
     .part = {{SCHEME_CODES, "weight_packed", U8, 0},
              {SCHEME_SCALES, "weight_scale", E4M3, TELLS},
              {SCHEME_DIVISOR, "weight_global_scale", F32, SCHEME_NEEDED | SCHEME_ALONE}}},
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", U8, 0},
              {SCHEME_SCALES, ".weight_scale", E4M3, TELLS},
              {SCHEME_GLOBAL, ".weight_scale_2", F32, SCHEME_NEEDED},
              {SCHEME_COLUMNS, ".pre_quant_scale", SCHEME_LINEAR, 0}}},
    {.output = "",
     .part = {{SCHEME_CODES, "", U8, 0},
              {SCHEME_SCALES, "_weight_scale", E4M3, TELLS | SCHEME_PAIRED},
              {SCHEME_GLOBAL, "_weight_scale_2", F32, SCHEME_NEEDED},
              {SCHEME_COLUMNS, "_pre_quant_scale", SCHEME_LINEAR, 0}}},
    {0},
};

static const struct scheme_form rows[] = {
    {.output = "",
     .part = {{SCHEME_CODES, "", U8, 0},
              {SCHEME_SCALES, "_weight_scale", E4M3, TELLS},
              {SCHEME_GLOBAL, "_weight_scale_2", F32, SCHEME_NEEDED}}},
    {0},
};

/* Matching. */

/* Codes and scales in the order of the output: the last axis is packed. */
static bool is_by_columns(const struct scheme_case *c)
{
    return scheme_is_blocked(c->of[SCHEME_CODES], c->of[SCHEME_SCALES], MXFS_NVFP4_BYTES);
}

/* The last axis but one is packed, of experts in one tensor. */
static bool is_by_rows(const struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *scales = c->of[SCHEME_SCALES];

    return c->form->output[0] == '\0' && !is_by_columns(c) && codes->rank == 3 &&
           scales->rank == 3 && codes->shape[0] == scales->shape[0] &&
           codes->shape[2] == scales->shape[2] && codes->shape[1] % MXFS_NVFP4_BYTES == 0 &&
           codes->shape[1] / MXFS_NVFP4_BYTES == scales->shape[1];
}

static bool is_not_by_rows(const struct scheme_case *c)
{
    return !is_by_rows(c);
}

/* ComfyUI's scales are padded to 128 rows and 4 columns; where that changes nothing and nothing
 * else tells, both formats have the same shapes. Its files come without a config.json. */
static bool may_be_swizzled(const struct scheme_case *c)
{
    const struct mxfs_group *g = c->group;

    return !c->match->config->present && strcmp(c->form->output, ".weight") == 0 && g->rank == 2 &&
           g->shape[0] % 128 == 0 && g->shape[1] % (4 * MXFS_NVFP4_BLOCK) == 0;
}

/* One scale, or one for each of the leading axis' matrices. */
static bool global_fits(const struct mxfs_group *g, const struct mxfs_tensor *global)
{
    if (global->size == sizeof(float))
        return true;
    return g->rank >= 3 && global->rank > 0 && global->shape[0] == g->shape[0] &&
           global->size == g->shape[0] * sizeof(float);
}

/* Codes that are packed along `axis`, and how the scale of the tensor is applied. */
static int fit_axis(struct scheme_case *c, uint32_t axis)
{
    const struct mxfs_tensor *divisor = c->of[SCHEME_DIVISOR];
    const struct mxfs_tensor *global = divisor ? divisor : c->of[SCHEME_GLOBAL];
    struct mxfs_group *g = c->group;
    int rc = scheme_set_axis(c, axis, c->of[SCHEME_CODES]->shape[axis], 2);

    if (rc != 0)
        return rc;
    if (!global_fits(g, global) || !scale_columns_fit(c))
        return scheme_refuse(c, scheme_no_fit);
    struct nvfp4_layout *l = scheme_layout(c, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->cols = g->shape[g->rank - 1];
    l->region = g->elements / mxfs_max_u64(global->size / sizeof(float), 1);
    l->global = !divisor             ? NVFP4_MULTIPLIES
                : divisor->rank == 0 ? NVFP4_DIVIDES_BF16
                                     : NVFP4_DIVIDES;
    return 0;
}

static int fit(struct scheme_case *c, struct mxfs_group *group)
{
    if (c->of[SCHEME_CODES]->rank > MXFS_RANK_MAX)
        return scheme_refuse(c, scheme_too_large);
    if (!is_by_columns(c))
        return scheme_refuse(c, scheme_no_fit);
    int rc = fit_axis(c, c->of[SCHEME_CODES]->rank - 1);
    if (rc == 0 && may_be_swizzled(c))
        return scheme_refuse(c, scheme_swizzled);
    group->tile = MXFS_NVFP4_BLOCK;
    return rc;
}

static int fit_rows(struct scheme_case *c, struct mxfs_group *group)
{
    group->tile = 1;
    return fit_axis(c, 1);
}

/* Decoding. */

struct mxfs_span nvfp4_global_span(const struct mxfs_group *group, uint64_t first, uint64_t count)
{
    uint64_t region = nvfp4_layout_of(group)->region;
    uint64_t begin = first / region, end = (first + count - 1) / region + 1;

    return (struct mxfs_span){begin * sizeof(float), (end - begin) * sizeof(float)};
}

void nvfp4_scales_load(const struct nvfp4_scales *s, float *out, const uint8_t *scales, size_t n,
                       uint64_t element)
{
    const struct nvfp4_layout *l = nvfp4_layout_of(s->group);
    const struct mxfs_codec *codec = s->codec;
    float of_tensor, values[SCALE_CHUNK] = {0};
    uint64_t at = element / l->region - s->first / l->region;

    memcpy(&of_tensor, s->global + at * sizeof(float), sizeof(float));
    if (l->global == NVFP4_MULTIPLIES) {
        codec->kernel->fp8_run[MXFS_OUT_F32](
            out, &(struct mxfs_fp8_run){codec->tables, scales, n, MXFS_FP8_E4M3, of_tensor});
        return;
    }
    scale_load(codec, values, scales, n, MXFS_F8_E4M3);
    for (size_t i = 0; i < SCALE_CHUNK; i++) /* all of them: compilers make vectors of that */
        values[i] /= of_tensor;
    if (l->global == NVFP4_DIVIDES_BF16)
        codec->kernel->narrow[MXFS_OUT_F32](out,
                                            &(struct mxfs_narrow){values, NULL, n, MXFS_OUT_BF16});
    else
        memcpy(out, values, n * sizeof(*out));
}

static void spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span out[MXFS_PARTS_MAX])
{
    out[NVFP4_CODES] = (struct mxfs_span){first / 2, count / 2};
    out[NVFP4_SCALES] = (struct mxfs_span){first / MXFS_NVFP4_BLOCK, count / MXFS_NVFP4_BLOCK};
    out[NVFP4_GLOBAL] = nvfp4_global_span(group, first, count);
    if (group->parts > NVFP4_COLUMNS)
        out[NVFP4_COLUMNS] = (struct mxfs_span){0, group->part[NVFP4_COLUMNS]->size};
}

/* How values become elements of a group. */
static struct scale_narrowing narrowing_of(const struct mxfs_group *group,
                                           const struct mxfs_codec *codec,
                                           const uint8_t *const src[MXFS_PARTS_MAX])
{
    bool factors = group->parts > NVFP4_COLUMNS;

    return (struct scale_narrowing){
        .codec = codec,
        .out = group->out,
        .via = nvfp4_layout_of(group)->global == NVFP4_DIVIDES_BF16 ? MXFS_OUT_BF16 : MXFS_OUT_F32,
        .columns = factors ? group->part[NVFP4_COLUMNS] : NULL,
        .factors = factors ? src[NVFP4_COLUMNS] : NULL,
    };
}

/* `blocks` of one row, by way of float32. */
static void decode_aside(const struct scale_narrowing *narrowing, const uint8_t *codes,
                         const float *scales, size_t blocks, uint64_t column, uint8_t *dst)
{
    float values[SCALE_NARROW_CHUNK];

    narrowing->codec->kernel->nvfp4_blocks[MXFS_OUT_F32](
        values, &(struct mxfs_nvfp4_blocks){codes, scales, blocks});
    scale_narrow(narrowing, dst, values, blocks * MXFS_NVFP4_BLOCK, column);
}

static void decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                   uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst)
{
    const struct nvfp4_layout *l = nvfp4_layout_of(group);
    const struct nvfp4_scales s = {group, codec, src[NVFP4_GLOBAL], first};
    const struct scale_narrowing narrowing = narrowing_of(group, codec, src);
    bool once = scale_narrows_once(&narrowing);
    float scales[SCALE_CHUNK];

    for (uint64_t at = 0, n; at < count; at += n) {
        uint64_t element = first + at, column = element % l->cols;
        const uint8_t *codes = src[NVFP4_CODES] + at / 2;
        uint8_t *to = dst + at * mxfs_out_size(group->out);
        n = mxfs_min_u64(count - at, l->region - element % l->region);
        n = mxfs_min_u64(n, once ? (uint64_t)SCALE_CHUNK * MXFS_NVFP4_BLOCK
                                 : mxfs_min_u64(SCALE_NARROW_CHUNK, l->cols - column));
        size_t blocks = n / MXFS_NVFP4_BLOCK;
        nvfp4_scales_load(&s, scales, src[NVFP4_SCALES] + at / MXFS_NVFP4_BLOCK, blocks, element);
        if (once)
            codec->kernel->nvfp4_blocks[group->out](
                to, &(struct mxfs_nvfp4_blocks){codes, scales, blocks});
        else
            decode_aside(&narrowing, codes, scales, blocks, column, to);
    }
}

const struct mxfs_scheme scheme_nvfp4 = {
    .name = "nvfp4",
    .writers = "compressed-tensors, ModelOpt",
    .methods = "compressed-tensors,modelopt",
    .forms = forms,
    .refuses_transforms = true,
    .recognises = is_not_by_rows,
    .fit = fit,
    .spans = spans,
    .decode = decode,
};

const struct mxfs_scheme scheme_nvfp4_rows = {
    .name = "nvfp4-rows",
    .writers = "ModelOpt's experts, packed by rows",
    .methods = "modelopt",
    .forms = rows,
    .refuses_transforms = true,
    .recognises = is_by_rows,
    .fit = fit_rows,
    .spans = nvfp4_rows_spans,
    .decode = nvfp4_rows_decode,
};
