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

#include <string.h>

#include "mxfs/bytes.h"
#include "scales.h"

static const char no_global[] = "its global scale is missing";

/* Matching. */

/* The names of a group: `stem` bytes of the codes' name, then a suffix. */
struct names {
    size_t stem;           /* bytes of the codes' name that the output and the scales share */
    size_t module;         /* likewise, of companions of the module */
    const char *scale;     /* suffixes */
    const char *global;    /* */
    const char *smoothing; /* of the module; NULL: there is none in this format */
    bool divides;          /* the global scale is compressed-tensors' */
    bool fused;            /* of experts, which may be packed by rows */
};

static struct names names_of(const struct mxfs_tensor *t)
{
    struct names n = {
        t->name_len, t->name_len, "_weight_scale", "_weight_scale_2", "_pre_quant_scale",
        false,       true};
    size_t stem;

    if (mxfs_tensor_has_suffix(t, "weight_packed", &stem)) {
        size_t module = stem > 0 ? stem - 1 : 0; /* without the dot */
        return (struct names){stem + 6, module, "_scale", "_global_scale", NULL, true, false};
    }
    if (mxfs_tensor_has_suffix(t, ".weight", &stem))
        return (struct names){t->name_len,        stem,  "_scale", "_scale_2",
                              ".pre_quant_scale", false, false};
    return n;
}

/* Codes and scales in the order of the output: the last axis is packed. */
static bool is_packed_by_columns(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales)
{
    return codes->rank >= 2 && codes->rank == scales->rank &&
           mxfs_match_same_dims(codes, scales, codes->rank - 1) &&
           mxfs_match_last_dim(codes) % MXFS_NVFP4_BYTES == 0 &&
           mxfs_match_last_dim(codes) / MXFS_NVFP4_BYTES == mxfs_match_last_dim(scales);
}

static bool is_packed_by_rows(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales)
{
    return codes->rank == 3 && scales->rank == 3 && codes->shape[0] == scales->shape[0] &&
           codes->shape[2] == scales->shape[2] && codes->shape[1] % MXFS_NVFP4_BYTES == 0 &&
           codes->shape[1] / MXFS_NVFP4_BYTES == scales->shape[1];
}

/* One scale, or one for each of the leading axis' matrices. */
static bool global_fits(const struct mxfs_group *g, const struct mxfs_tensor *global)
{
    if (global->size == sizeof(float))
        return true;
    if (g->rank < 3 || global->rank == 0 || global->shape[0] != g->shape[0])
        return false;
    return global->size == g->shape[0] * sizeof(float);
}

static enum mxfs_verdict set_shape(struct mxfs_match *match, struct mxfs_group *group,
                                   unsigned axis)
{
    const struct mxfs_tensor *codes = group->part[MXFS_NVFP4_CODES];
    uint64_t shape[MXFS_RANK_MAX];

    if (codes->rank > MXFS_RANK_MAX)
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    memcpy(shape, codes->shape, codes->rank * sizeof(*shape));
    if (!mxfs_mul_u64(shape[axis], 2, &shape[axis]) || !mxfs_match_shape(group, shape, codes->rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    group->rows = shape[codes->rank - 2];
    group->cols = shape[codes->rank - 1];
    return MXFS_MATCH;
}

/* Finds the parts; false when the tensor is none of these formats. */
static bool find_parts(const struct mxfs_match *match, size_t index, const struct names *names,
                       struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    const struct mxfs_tensor *scales =
        mxfs_match_companion(match, index, names->stem, names->scale);

    if (t->dtype != MXFS_U8 || !scales || scales->dtype != MXFS_F8_E4M3)
        return false;
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scales);
    mxfs_match_name(group, names->stem);
    const struct mxfs_tensor *global =
        mxfs_match_companion(match, index, names->stem, names->global);
    if (global)
        mxfs_match_add_part(group, global);
    return true;
}

static enum mxfs_verdict check_company(struct mxfs_match *match, size_t index,
                                       const struct names *names, const struct mxfs_group *group)
{
    if (match->config->transforms)
        return mxfs_match_refuse(match, NULL, mxfs_reason_transforms);
    if (mxfs_match_companion(match, index, names->module, ".svdquant_lora_a"))
        return mxfs_match_refuse(match, "nvfp4-svd", "a low-rank part is added at run time");
    if (mxfs_match_companion(match, index, names->stem, "_zero_point"))
        return mxfs_match_refuse(match, NULL, "it has a zero point");
    if (group->parts <= MXFS_NVFP4_GLOBAL)
        return mxfs_match_refuse_half(match, NULL, no_global);
    if (group->part[MXFS_NVFP4_GLOBAL]->dtype != MXFS_F32)
        return mxfs_match_refuse(match, NULL, "unknown type of its global scale");
    return MXFS_MATCH;
}

/* ComfyUI's scales are padded to 128 rows and 4 columns; where that changes nothing and nothing
 * else tells, both formats have the same shapes. Its files come without a config.json. */
static bool may_be_swizzled(const struct mxfs_match *match, const struct names *names,
                            const struct mxfs_group *group)
{
    return !match->config->present && !names->divides && !names->fused && group->rank == 2 &&
           group->rows % 128 == 0 && group->cols % (4 * MXFS_NVFP4_BLOCK) == 0;
}

/* Settles how the global scale is applied, and the factors of columns. */
static enum mxfs_verdict finish(struct mxfs_match *match, size_t index, const struct names *names,
                                struct mxfs_group *group)
{
    const struct mxfs_tensor *global = group->part[MXFS_NVFP4_GLOBAL];

    if (!global_fits(group, global))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    group->format = !names->divides     ? MXFS_NVFP4_MULTIPLIES
                    : global->rank == 0 ? MXFS_NVFP4_DIVIDES_BF16
                                        : MXFS_NVFP4_DIVIDES;
    group->via = group->format == MXFS_NVFP4_DIVIDES_BF16 ? MXFS_OUT_BF16 : MXFS_OUT_F32;
    if (names->smoothing &&
        !mxfs_match_columns(match, index, names->module, names->smoothing, group))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    return MXFS_MATCH;
}

static enum mxfs_verdict match_nvfp4(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    struct names names = names_of(match->tensors->sorted[index]);

    if (!find_parts(match, index, &names, group))
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *codes = group->part[MXFS_NVFP4_CODES];
    const struct mxfs_tensor *scales = group->part[MXFS_NVFP4_SCALES];
    if (!is_packed_by_columns(codes, scales)) {
        if (names.fused && is_packed_by_rows(codes, scales))
            return MXFS_NO_MATCH; /* of the scheme below */
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    }
    enum mxfs_verdict verdict = check_company(match, index, &names, group);
    if (verdict == MXFS_MATCH)
        verdict = set_shape(match, group, codes->rank - 1);
    if (verdict != MXFS_MATCH)
        return verdict;
    if (may_be_swizzled(match, &names, group))
        return mxfs_match_refuse(match, NULL, mxfs_reason_swizzled);
    group->tile = MXFS_NVFP4_BLOCK;
    return finish(match, index, &names, group);
}

static enum mxfs_verdict match_rows(struct mxfs_match *match, size_t index,
                                    struct mxfs_group *group)
{
    struct names names = names_of(match->tensors->sorted[index]);

    if (!names.fused || !find_parts(match, index, &names, group) ||
        !is_packed_by_rows(group->part[MXFS_NVFP4_CODES], group->part[MXFS_NVFP4_SCALES]))
        return MXFS_NO_MATCH;
    enum mxfs_verdict verdict = check_company(match, index, &names, group);
    if (verdict == MXFS_MATCH)
        verdict = set_shape(match, group, 1);
    if (verdict != MXFS_MATCH)
        return verdict;
    if (mxfs_match_companion(match, index, names.module, names.smoothing))
        return mxfs_match_refuse(match, NULL, "it has a pre_quant_scale of rows");
    names.smoothing = NULL;
    group->tile = 1;
    return finish(match, index, &names, group);
}

/* Decoding. */

uint64_t mxfs_nvfp4_region(const struct mxfs_group *group)
{
    return group->elements / (group->part[MXFS_NVFP4_GLOBAL]->size / sizeof(float));
}

struct mxfs_span mxfs_nvfp4_global_span(const struct mxfs_group *group, uint64_t first,
                                        uint64_t count)
{
    uint64_t region = mxfs_nvfp4_region(group);
    uint64_t begin = first / region, end = (first + count - 1) / region + 1;
    return (struct mxfs_span){begin * sizeof(float), (end - begin) * sizeof(float)};
}

void mxfs_nvfp4_scales(const struct mxfs_group *group, const struct mxfs_codec *codec, float *out,
                       const uint8_t *scales, size_t n, const uint8_t *global, uint64_t first,
                       uint64_t element)
{
    uint64_t region = mxfs_nvfp4_region(group);
    float of_tensor, values[MXFS_SCALES_CHUNK] = {0};

    memcpy(&of_tensor, global + (element / region - first / region) * sizeof(float), sizeof(float));
    if (group->format == MXFS_NVFP4_MULTIPLIES) {
        codec->kernel->fp8_run[MXFS_OUT_F32](
            out, &(struct mxfs_fp8_run){codec->tables, scales, n, MXFS_FP8_E4M3, of_tensor});
        return;
    }
    mxfs_scales_load(codec, values, scales, n, MXFS_F8_E4M3);
    for (size_t i = 0; i < MXFS_SCALES_CHUNK; i++) /* all of them: compilers make vectors of that */
        values[i] /= of_tensor;
    if (group->format == MXFS_NVFP4_DIVIDES_BF16)
        codec->kernel->narrow[MXFS_OUT_F32](out,
                                            &(struct mxfs_narrow){values, NULL, n, MXFS_OUT_BF16});
    else
        memcpy(out, values, n * sizeof(*out));
}

static const struct mxfs_tensor *columns_of(const struct mxfs_group *g)
{
    return g->parts > MXFS_NVFP4_COLUMNS ? g->part[MXFS_NVFP4_COLUMNS] : NULL;
}

static void spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span out[MXFS_PARTS_MAX])
{
    out[MXFS_NVFP4_CODES] = (struct mxfs_span){first / 2, count / 2};
    out[MXFS_NVFP4_SCALES] = (struct mxfs_span){first / MXFS_NVFP4_BLOCK, count / MXFS_NVFP4_BLOCK};
    out[MXFS_NVFP4_GLOBAL] = mxfs_nvfp4_global_span(group, first, count);
    if (columns_of(group))
        out[MXFS_NVFP4_COLUMNS] = (struct mxfs_span){0, columns_of(group)->size};
}

/* n elements from `element` on, whole blocks; all of one row where they are narrowed aside. */
static void decode_blocks(const struct mxfs_group *g, const struct mxfs_codec *codec,
                          const uint8_t *codes, const float *scales, uint64_t element, uint64_t n,
                          const uint8_t *factors, uint8_t *dst)
{
    size_t blocks = n / MXFS_NVFP4_BLOCK;
    float values[MXFS_NARROW_CHUNK];

    if (mxfs_narrows_once(g, columns_of(g))) {
        codec->kernel->nvfp4_blocks[g->out](dst,
                                            &(struct mxfs_nvfp4_blocks){codes, scales, blocks});
        return;
    }
    codec->kernel->nvfp4_blocks[MXFS_OUT_F32](values,
                                              &(struct mxfs_nvfp4_blocks){codes, scales, blocks});
    mxfs_narrow_columns(g, codec, dst, values, n, columns_of(g), factors, element % g->cols);
}

static void decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                   uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst)
{
    uint64_t region = mxfs_nvfp4_region(group);
    bool once = mxfs_narrows_once(group, columns_of(group));
    const uint8_t *factors = columns_of(group) ? src[MXFS_NVFP4_COLUMNS] : NULL;
    float scales[MXFS_SCALES_CHUNK];

    for (uint64_t at = 0, n; at < count; at += n) {
        uint64_t element = first + at;
        n = mxfs_min_u64(count - at, region - element % region);
        n = mxfs_min_u64(
            n, once ? (uint64_t)MXFS_SCALES_CHUNK * MXFS_NVFP4_BLOCK
                    : mxfs_min_u64(MXFS_NARROW_CHUNK, group->cols - element % group->cols));
        mxfs_nvfp4_scales(group, codec, scales, src[MXFS_NVFP4_SCALES] + at / MXFS_NVFP4_BLOCK,
                          n / MXFS_NVFP4_BLOCK, src[MXFS_NVFP4_GLOBAL], first, element);
        decode_blocks(group, codec, src[MXFS_NVFP4_CODES] + at / 2, scales, element, n, factors,
                      dst + at * mxfs_out_size(group->out));
    }
}

const struct mxfs_scheme mxfs_scheme_nvfp4 = {
    .name = "nvfp4",
    .summary = "compressed-tensors, ModelOpt: U8 + F8_E4M3 + F32 scales -> X.weight [.., K]",
    .match = match_nvfp4,
    .spans = spans,
    .decode = decode,
};

const struct mxfs_scheme mxfs_scheme_nvfp4_rows = {
    .name = "nvfp4-rows",
    .summary = "ModelOpt experts packed by rows: P U8 [E, K/2, N] + scales -> P [E, K, N]",
    .match = match_rows,
    .spans = mxfs_nvfp4_rows_spans,
    .decode = mxfs_nvfp4_rows_decode,
};
