/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MLX: X.weight U32 [.., N, words] and X.scales [.., N, groups] become X.weight [.., N, K]. A row
 * is a stream of codes, the first in the lowest bits.
 *
 *  - affine: X.biases like the scales, of a float type; code * scale + bias, the product rounded to
 *    that type, then the sum. The words of a group tell bits * columns of it, not the two apart
 *    (4 x 32 is 2 x 64): only a pair that the config mentions is taken.
 *  - mxfp4, mxfp8: U8 scales are E8M0, for 32 codes of 4 or 8 bits (E2M1, E4M3)
 *  - nvfp4: U8 scales are E4M3, for 16 codes of 4 bits (E2M1)
 *
 * Their scales are told apart by the words that share one: 4, 8 and 2.
 *
 * Source: ml-explore/mlx mlx/ops.cpp (affine_dequantize, fp_dequantize), python docs of
 * mx.quantize.
 */
#include <string.h>

#include "integers.h"
#include "mxfp4.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, SCALES, BIASES };

/* Matching. */

static const struct mxfs_tensor *find_scales(const struct mxfs_match *match, size_t index,
                                             size_t *stem_len)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    if (t->dtype != MXFS_U32 || !mxfs_tensor_has_suffix(t, ".weight", stem_len))
        return NULL;
    return mxfs_match_companion(match, index, *stem_len, ".scales");
}

/* Words of a row that share a scale, or 0 when the shapes do not belong together. */
static uint64_t words_of_group(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales)
{
    uint64_t words = mxfs_match_last_dim(codes), groups = mxfs_match_last_dim(scales);
    if (codes->rank < 2 || codes->rank > MXFS_RANK_MAX || codes->rank != scales->rank ||
        !mxfs_match_same_dims(codes, scales, codes->rank - 1) || groups == 0 || words == 0)
        return 0;
    /* Groups of 3, 5 and 6 bits are whole words too: MLX's groups are multiples of 32 codes. */
    return words % groups == 0 ? words / groups : 0;
}

/* The only width of the config that fills so many words a group; bits 0 for none or several. */
static struct mxfs_quant_width find_width(const struct mxfs_quant_config *config, uint64_t words)
{
    struct mxfs_quant_width found = {0, 0};
    unsigned count = 0;

    if (config->width_count > MXFS_WIDTHS_MAX)
        return found;
    for (uint32_t i = 0; i < config->width_count; i++) {
        struct mxfs_quant_width w = config->widths[i];
        if (w.bits < 2 || w.bits == 7 || w.bits > 8 || (uint64_t)w.bits * w.group != words * 32)
            continue;
        found = w;
        count++;
    }
    return count == 1 ? found : (struct mxfs_quant_width){0, 0};
}

static bool set_shape(struct mxfs_group *group, uint64_t columns_of_group)
{
    const struct mxfs_tensor *codes = group->part[CODES], *scales = group->part[SCALES];
    uint64_t shape[MXFS_RANK_MAX];

    memcpy(shape, codes->shape, codes->rank * sizeof(*shape));
    return mxfs_mul_u64(mxfs_match_last_dim(scales), columns_of_group, &shape[codes->rank - 1]) &&
           mxfs_match_shape(group, shape, codes->rank);
}

static struct mxfs_int *affine_layout(const struct mxfs_group *group, unsigned bits)
{
    struct mxfs_int *layout = mxfs_int_new(bits, 0);

    if (!layout)
        return NULL;
    for (int i = 0; i < 16; i++)
        layout->values[i] = (float)i;
    layout->meaning = MXFS_CODE8_UNSIGNED;
    layout->offset = 0;
    layout->biases = BIASES;
    layout->groups = mxfs_match_last_dim(group->part[SCALES]);
    layout->row_bytes = mxfs_match_last_dim(group->part[CODES]) * 4;
    return layout;
}

static const char *fit_affine(const struct mxfs_match *match, struct mxfs_group *group)
{
    const struct mxfs_tensor *codes = group->part[CODES], *scales = group->part[SCALES];
    const struct mxfs_tensor *biases = group->part[BIASES];
    uint64_t words = words_of_group(codes, scales);

    if (words == 0 || biases->rank != scales->rank ||
        !mxfs_match_same_dims(biases, scales, scales->rank))
        return mxfs_reason_shape;
    if (!mxfs_scale_is_linear(scales->dtype) || biases->dtype != scales->dtype)
        return "unknown types of its scales and biases";
    struct mxfs_quant_width width = find_width(match->config, words);
    if (width.bits == 0)
        return mxfs_reason_bits;
    if (!set_shape(group, width.group))
        return mxfs_reason_rank;
    group->rows = codes->shape[codes->rank - 2];
    group->cols = group->shape[group->rank - 1];
    group->block_cols = width.group;
    group->constants = affine_layout(group, width.bits);
    return group->constants ? NULL : mxfs_reason_memory;
}

static enum mxfs_verdict match_affine(struct mxfs_match *match, size_t index,
                                      struct mxfs_group *group)
{
    size_t stem_len;
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    const struct mxfs_tensor *scales = find_scales(match, index, &stem_len);
    const struct mxfs_tensor *biases =
        scales ? mxfs_match_companion(match, index, stem_len, ".biases") : NULL;

    if (!scales || (!biases && scales->dtype == MXFS_U8))
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scales);
    if (!biases)
        return mxfs_match_refuse_half(match, NULL, "its biases are missing");
    mxfs_match_add_part(group, biases);
    mxfs_match_name(group, t->name_len);
    const char *reason = fit_affine(match, group);
    if (reason)
        return mxfs_match_refuse(match, NULL, reason);
    group->tile = 1;
    group->via = mxfs_int_via(scales);
    mxfs_int_choose_out(match, group);
    return MXFS_MATCH;
}

/* U8 scales, `words` words for `columns` codes each. */
static enum mxfs_verdict match_float(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group, uint64_t words, uint32_t columns)
{
    size_t stem_len;
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    const struct mxfs_tensor *scales = find_scales(match, index, &stem_len);

    if (!scales || scales->dtype != MXFS_U8 || words_of_group(t, scales) != words)
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scales);
    mxfs_match_name(group, t->name_len);
    if (mxfs_match_companion(match, index, stem_len, ".global_scale"))
        return mxfs_match_refuse(match, NULL, "it has a global scale");
    if (!set_shape(group, columns))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    group->tile = columns;
    mxfs_int_choose_out(match, group);
    return MXFS_MATCH;
}

static enum mxfs_verdict match_mxfp4(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    return match_float(match, index, group, 4, MXFS_MX_BLOCK);
}

static enum mxfs_verdict match_mxfp8(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    return match_float(match, index, group, 8, MXFS_MX_BLOCK);
}

static enum mxfs_verdict match_nvfp4(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    return match_float(match, index, group, 2, MXFS_NVFP4_BLOCK);
}

/* Decoding: octets of a block of codes, one of its scale. */

static void block_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                        uint64_t octets, struct mxfs_span out[MXFS_PARTS_MAX])
{
    uint64_t block = first / group->tile, blocks = count / group->tile;
    out[CODES] = (struct mxfs_span){block * octets, blocks * octets};
    out[SCALES] = (struct mxfs_span){block, blocks};
}

static void mxfp8_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                        struct mxfs_span out[MXFS_PARTS_MAX])
{
    block_spans(group, first, count, MXFS_MX_BLOCK, out);
}

static void nvfp4_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                        struct mxfs_span out[MXFS_PARTS_MAX])
{
    block_spans(group, first, count, MXFS_NVFP4_BYTES, out);
}

static void mxfp8_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                         uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                         uint8_t *dst)
{
    (void)first;
    codec->kernel->mxfp8_blocks[group->out](
        dst, &(struct mxfs_mxfp8_blocks){codec->tables, src[CODES], src[SCALES],
                                         count / MXFS_MX_BLOCK, MXFS_FP8_E4M3});
}

static void nvfp4_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                         uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                         uint8_t *dst)
{
    float scales[MXFS_SCALES_CHUNK];
    uint64_t blocks = count / MXFS_NVFP4_BLOCK;

    (void)first;
    for (uint64_t at = 0; at < blocks; at += MXFS_SCALES_CHUNK) {
        size_t n = mxfs_min_u64(blocks - at, MXFS_SCALES_CHUNK);
        mxfs_scales_load(codec, scales, src[SCALES] + at, n, MXFS_F8_E4M3);
        codec->kernel->nvfp4_blocks[group->out](
            dst + at * MXFS_NVFP4_BLOCK * mxfs_out_size(group->out),
            &(struct mxfs_nvfp4_blocks){src[CODES] + at * MXFS_NVFP4_BYTES, scales, n});
    }
}

const struct mxfs_scheme mxfs_scheme_mlx = {
    .name = "mlx-affine",
    .summary = "MLX: X.weight U32 + X.scales + X.biases -> X.weight [.., K]",
    .match = match_affine,
    .spans = mxfs_int_spans,
    .decode = mxfs_int_decode,
};

const struct mxfs_scheme mxfs_scheme_mlx_mxfp4 = {
    .name = "mlx-mxfp4",
    .summary = "MLX: X.weight U32 + X.scales U8 for 32 codes of 4 bits -> X.weight [.., K]",
    .match = match_mxfp4,
    .spans = mxfs_mxfp4_spans,
    .decode = mxfs_mxfp4_decode,
};

const struct mxfs_scheme mxfs_scheme_mlx_mxfp8 = {
    .name = "mlx-mxfp8",
    .summary = "MLX: X.weight U32 + X.scales U8 for 32 codes of 8 bits -> X.weight [.., K]",
    .match = match_mxfp8,
    .spans = mxfp8_spans,
    .decode = mxfp8_decode,
};

const struct mxfs_scheme mxfs_scheme_mlx_nvfp4 = {
    .name = "mlx-nvfp4",
    .summary = "MLX: X.weight U32 + X.scales U8 for 16 codes of 4 bits -> X.weight [.., K]",
    .match = match_nvfp4,
    .spans = nvfp4_spans,
    .decode = nvfp4_decode,
};
