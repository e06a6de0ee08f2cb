/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * NVFP4: E2M1 codes U8 [.., K/2], two per byte with the even element in the low nibble; scales
 * F8_E4M3 [.., K/16]; and a float32 scale of the tensor or of each expert.
 *
 *  - compressed-tensors nvfp4-pack-quantized: X.weight_packed, X.weight_scale and
 *    X.weight_global_scale, a divisor: code * (scale / global). With shape [1], as written, the
 *    quotient is a float32. A scalar's type does not count in torch's arithmetic, so its quotient
 *    and product are bfloat16.
 *  - ModelOpt: X.weight, X.weight_scale and X.weight_scale_2, a multiplier: code * (scale * ws2).
 *    X.pre_quant_scale, unless it was folded into another layer, then multiplies the columns.
 *    Experts in one tensor are called P, P_weight_scale and P_weight_scale_2, and may be packed
 *    along the last axis but one.
 *
 * ComfyUI's NVFP4 has ModelOpt's names, but the high nibble first and swizzled scales: refused.
 * Sources: compressed-tensors compressors/nvfp4/base.py, quantization/lifecycle/forward_helpers.py;
 * ModelOpt modelopt/torch/quantization/qtensor/nvfp4_tensor.py, torch/export/unified_export_hf.py.
 */
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

static const struct scheme_form forms_rows[] = {
    {.output = "",
     .part = {{SCHEME_CODES, "", U8, 0},
              {SCHEME_SCALES, "_weight_scale", E4M3, TELLS},
              {SCHEME_GLOBAL, "_weight_scale_2", F32, SCHEME_NEEDED}}},
    {0},
};

enum { CODES, SCALES, GLOBAL, COLUMNS };

/* How the scale of the tensor changes that of a block. */
enum global {
    MULTIPLIES,
    DIVIDES,
    DIVIDES_BF16, /* and both quotient and product are rounded to bfloat16 */
};

/* The layout of a group. */
struct layout {
    uint64_t cols;      /* of the output: its last dimension */
    uint64_t region;    /* elements that share a scale of the tensor */
    enum global global; /* how the scale of the tensor applies */
};

static const struct layout *layout_of(const struct mxfs_group *group)
{
    return group->layout;
}

/* Matching. */

/* Whether codes and scales are in the order of the output: the last axis is packed. */
static bool is_by_columns(const struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];

    return scheme_is_blocked(codes, c->of[SCHEME_SCALES], codes->rank - 1, MXFS_NVFP4_BYTES);
}

/* Whether the last axis but one is packed, for experts in one tensor. */
static bool is_by_rows(const struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];

    return c->form->output[0] == '\0' && codes->rank == 3 && !is_by_columns(c) &&
           scheme_is_blocked(codes, c->of[SCHEME_SCALES], 1, MXFS_NVFP4_BYTES);
}

static bool is_not_by_rows(const struct scheme_case *c)
{
    return !is_by_rows(c);
}

/* ComfyUI pads scales to 128 rows and 4 columns. If that changes nothing, both formats have the
 * same shapes; but ComfyUI's files have no config.json. */
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

/* Fits codes that are packed along `axis`, and the scale of the tensor. */
static int fit_axis(struct scheme_case *c, uint32_t axis)
{
    const struct mxfs_tensor *divisor = c->of[SCHEME_DIVISOR];
    const struct mxfs_tensor *global = divisor ? divisor : c->of[SCHEME_GLOBAL];
    struct mxfs_group *g = c->group;
    int rc = scheme_set_axis(c, axis, c->of[SCHEME_CODES]->shape[axis], 2);

    if (rc != 0)
        return rc;
    if (!global_fits(g, global) || !scheme_columns_fit(c))
        return scheme_refuse(c, scheme_no_fit);
    struct layout *l = scheme_layout(c, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->cols = g->shape[g->rank - 1];
    l->region = g->elements / mxfs_max_u64(global->size / sizeof(float), 1);
    l->global = !divisor ? MULTIPLIES : divisor->rank == 0 ? DIVIDES_BF16 : DIVIDES;
    return 0;
}

static int fit(struct scheme_case *c)
{
    if (c->of[SCHEME_CODES]->rank > MXFS_RANK_MAX)
        return scheme_refuse(c, scheme_too_large);
    if (!is_by_columns(c))
        return scheme_refuse(c, scheme_no_fit);
    int rc = fit_axis(c, c->of[SCHEME_CODES]->rank - 1);
    if (rc == 0 && may_be_swizzled(c))
        return scheme_refuse(c, scheme_swizzled);
    c->group->tile = MXFS_NVFP4_BLOCK;
    return rc;
}

static int fit_rows(struct scheme_case *c)
{
    c->group->tile = 1;
    return fit_axis(c, 1);
}

/* Decoding. */

/* The scales of the tensor that elements [first, first + count) use. */
static struct mxfs_span global_span(const struct mxfs_group *group, uint64_t first, uint64_t count)
{
    return scheme_span(first, count, layout_of(group)->region, sizeof(float));
}

/* out[i] = scale i at `scales`, combined with the scale of the tensor that belongs to `element`;
 * i < n <= SCHEME_SCALE_CHUNK. */
static void load_scales(const struct mxfs_run *run, float *out, const uint8_t *scales, size_t n,
                        uint64_t element)
{
    const struct layout *l = layout_of(run->group);
    const struct mxfs_codec *codec = run->codec;
    float of_tensor, values[SCHEME_SCALE_CHUNK] = {0};
    uint64_t at = element / l->region - run->first / l->region;

    memcpy(&of_tensor, run->src[GLOBAL] + at * sizeof(float), sizeof(float));
    if (l->global == MULTIPLIES) {
        codec->kernel->fp8_run[MXFS_OUT_F32](
            out, &(struct mxfs_fp8_run){codec->tables, scales, n, MXFS_FP8_E4M3, of_tensor});
        return;
    }
    scheme_scale_load(codec, values, scales, n, MXFS_F8_E4M3);
    for (size_t i = 0; i < SCHEME_SCALE_CHUNK; i++) /* all of them: compilers vectorise that */
        values[i] /= of_tensor;
    if (l->global == DIVIDES_BF16)
        codec->kernel->narrow[MXFS_OUT_F32](out,
                                            &(struct mxfs_narrow){values, NULL, n, MXFS_OUT_BF16});
    else
        memcpy(out, values, n * sizeof(*out));
}

static void spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span out[MXFS_PARTS_MAX])
{
    out[CODES] = scheme_span(first, count, 2, 1);
    out[SCALES] = scheme_span(first, count, MXFS_NVFP4_BLOCK, 1);
    out[GLOBAL] = global_span(group, first, count);
    if (group->parts > COLUMNS)
        out[COLUMNS] = scheme_whole_span(group, COLUMNS);
}

/* Decodes `blocks` of one row to float32 first. */
static void decode_aside(const struct scheme_narrowing *narrowing, const uint8_t *codes,
                         const float *scales, size_t blocks, uint64_t column, uint8_t *dst)
{
    float values[SCHEME_NARROW_CHUNK];

    narrowing->codec->kernel->nvfp4_blocks[MXFS_OUT_F32](
        values, &(struct mxfs_nvfp4_blocks){codes, scales, blocks});
    scheme_narrow(narrowing, dst, values, blocks * MXFS_NVFP4_BLOCK, column);
}

static void decode(const struct mxfs_run *run)
{
    const struct mxfs_group *group = run->group;
    const struct layout *l = layout_of(group);
    const struct scheme_narrowing narrowing =
        scheme_narrowing_of(run, l->global == DIVIDES_BF16 ? MXFS_OUT_BF16 : MXFS_OUT_F32,
                            group->parts > COLUMNS ? COLUMNS : 0);
    bool once = scheme_narrows_once(&narrowing);
    float scales[SCHEME_SCALE_CHUNK];

    for (uint64_t at = 0, n; at < run->count; at += n) {
        uint64_t element = run->first + at, column = element % l->cols;
        const uint8_t *codes = run->src[CODES] + at / 2;
        uint8_t *to = run->dst + at * mxfs_out_size(group->out);
        n = mxfs_min_u64(run->count - at, l->region - element % l->region);
        n = mxfs_min_u64(n, once ? (uint64_t)SCHEME_SCALE_CHUNK * MXFS_NVFP4_BLOCK
                                 : mxfs_min_u64(SCHEME_NARROW_CHUNK, l->cols - column));
        size_t blocks = n / MXFS_NVFP4_BLOCK;
        load_scales(run, scales, run->src[SCALES] + at / MXFS_NVFP4_BLOCK, blocks, element);
        if (once)
            run->codec->kernel->nvfp4_blocks[group->out](
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

/*
 * Codes [E, K/2, N] and scales [E, K/16, N], as ModelOpt writes experts that are multiplied as they
 * are stored. K is a multiple of 16, so rows can be counted over all experts: row r has its codes
 * in row r / 2 and its scales in row r / 16.
 */

static void spans_rows(const struct mxfs_group *group, uint64_t first, uint64_t count,
                       struct mxfs_span spans[MXFS_PARTS_MAX])
{
    uint64_t cols = layout_of(group)->cols;
    uint64_t row = first / cols, rows = (first + count - 1) / cols - row + 1;

    spans[CODES] = scheme_span(row, rows, 2, cols);
    spans[SCALES] = scheme_span(row, rows, MXFS_NVFP4_BLOCK, cols);
    spans[GLOBAL] = global_span(group, first, count);
}

/* Some rows that share their scales, and the columns of them that are wanted. */
struct band {
    uint8_t *dst;
    const uint8_t *codes; /* of the first column of the row that `row` shares codes with */
    uint64_t row, rows;
    uint64_t column, columns;
};

/* Columns [at, at + n) of the band, whose scales serve all of its rows. */
static void decode_band(const struct mxfs_run *run, const struct band *b, uint64_t at, uint64_t n,
                        const float *scales)
{
    const struct mxfs_group *g = run->group;
    uint64_t cols = layout_of(g)->cols;

    for (uint64_t i = 0; i < b->rows; i++) {
        uint64_t row = b->row + i;
        const uint8_t *codes = b->codes + (row / 2 - b->row / 2) * cols + b->column + at;
        uint8_t *dst = b->dst + (i * cols + at) * mxfs_out_size(g->out);
        run->codec->kernel->nvfp4_lanes[g->out](
            dst, &(struct mxfs_nvfp4_lanes){codes, scales, n, row % 2 * 4});
    }
}

static void decode_rows(const struct mxfs_run *run)
{
    uint64_t cols = layout_of(run->group)->cols, row0 = run->first / cols;
    float scales[SCHEME_SCALE_CHUNK];

    for (uint64_t done = 0; done < run->count;) {
        uint64_t element = run->first + done;
        struct band b = {.row = element / cols, .rows = 1, .column = element % cols};
        b.columns = mxfs_min_u64(cols - b.column, run->count - done);
        if (b.columns == cols)
            b.rows = mxfs_min_u64(MXFS_NVFP4_BLOCK - b.row % MXFS_NVFP4_BLOCK,
                                  (run->count - done) / cols);
        b.dst = run->dst + done * mxfs_out_size(run->group->out);
        b.codes = run->src[CODES] + (b.row / 2 - row0 / 2) * cols;
        const uint8_t *of_band =
            run->src[SCALES] + (b.row / MXFS_NVFP4_BLOCK - row0 / MXFS_NVFP4_BLOCK) * cols;
        for (uint64_t at = 0, n; at < b.columns; at += n) {
            n = mxfs_min_u64(SCHEME_SCALE_CHUNK, b.columns - at);
            load_scales(run, scales, of_band + b.column + at, n, element);
            decode_band(run, &b, at, n, scales);
        }
        done += b.rows * b.columns;
    }
}

const struct mxfs_scheme scheme_nvfp4_rows = {
    .name = "nvfp4-rows",
    .writers = "ModelOpt's experts, packed by rows",
    .methods = "modelopt",
    .forms = forms_rows,
    .refuses_transforms = true,
    .recognises = is_by_rows,
    .fit = fit_rows,
    .spans = spans_rows,
    .decode = decode_rows,
};
