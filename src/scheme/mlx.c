/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MLX: X.weight U32 [.., N, words] and X.scales [.., N, groups] become X.weight [.., N, K]. A row
 * is a stream of codes, the first in the lowest bits.
 *
 *  - affine: X.biases like the scales, of a float type; code * scale + bias, the product rounded to
 *    that type, then the sum. The words of a group give the product of bits and columns (4 x 32
 *    is 2 x 64), so the pair must be in the config.
 *  - mxfp4, mxfp8: U8 scales are E8M0, for 32 codes of 4 or 8 bits (E2M1, E4M3)
 *  - nvfp4: U8 scales are E4M3, for 16 codes of 4 bits (E2M1)
 *
 * The number of words that share a scale tells the last three apart: 4, 8 and 2.
 *
 * Source: ml-explore/mlx mlx/ops.cpp (affine_dequantize, fp_dequantize), python docs of
 * mx.quantize.
 */
#include <errno.h>

#include "blocks.h"
#include "integers.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, SCALES };

static const struct scheme_form affine[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_BIT(U32), 0},
              {SCHEME_SCALES, ".scales", SCHEME_ANY, SCHEME_TELLS | SCHEME_PAIRED},
              {SCHEME_BIASES, ".biases", SCHEME_ANY, SCHEME_NEEDED}}},
    {0},
};

static const struct scheme_form floats[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_BIT(U32), 0},
              {SCHEME_SCALES, ".scales", SCHEME_BIT(U8), SCHEME_TELLS | SCHEME_TYPED}}},
    {0},
};

/* Matching. */

/* Words of a row that share a scale, or 0 if the shapes do not fit. */
static uint64_t words_of_group(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales)
{
    uint64_t words = scheme_last_dim(codes), groups = scheme_last_dim(scales);
    if (codes->rank < 2 || codes->rank > MXFS_RANK_MAX || codes->rank != scales->rank ||
        !scheme_same_dims(codes, scales, codes->rank - 1) || groups == 0 || words == 0)
        return 0;
    /* Groups of 3, 5 and 6 bits are whole words too: MLX's groups are multiples of 32 codes. */
    return words % groups == 0 ? words / groups : 0;
}

/* The only width in the config with groups of that many words; bits 0: none, or several. */
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

static bool is_affine(const struct scheme_case *c)
{
    return c->of[SCHEME_BIASES] || c->of[SCHEME_SCALES]->dtype != MXFS_U8;
}

/* Checks scales and biases, and finds the width of the codes. */
static int check_affine(struct scheme_case *c, struct mxfs_quant_width *width)
{
    const struct mxfs_tensor *scales = c->of[SCHEME_SCALES], *biases = c->of[SCHEME_BIASES];
    uint64_t words = words_of_group(c->of[SCHEME_CODES], scales);

    if (words == 0 || biases->rank != scales->rank ||
        !scheme_same_dims(biases, scales, scales->rank))
        return scheme_refuse(c, scheme_no_fit);
    if (!(SCHEME_LINEAR >> scales->dtype & 1) || biases->dtype != scales->dtype)
        return scheme_refuse(c, "its scales or biases are of an unknown type");
    *width = find_width(c->match->config, words);
    return width->bits == 0 ? scheme_refuse(c, scheme_int_uncertain) : 0;
}

static int fit_affine(struct scheme_case *c)
{
    struct mxfs_quant_width width = {0, 0};
    int rc = check_affine(c, &width);

    if (rc == 0)
        rc = scheme_set_axis(c, c->of[SCHEME_CODES]->rank - 1,
                             scheme_last_dim(c->of[SCHEME_SCALES]), width.group);
    if (rc != 0)
        return rc;
    struct scheme_int *layout = scheme_int_new(c, width.bits, MXFS_CODE8_UNSIGNED);
    if (!layout)
        return -ENOMEM;
    scheme_int_choose_out(c);
    return scheme_int_spread(c, layout, scheme_last_dim(c->of[SCHEME_SCALES]));
}

static int fit_blocks(struct scheme_case *c)
{
    scheme_int_choose_out(c);
    return scheme_blocks_fit(c);
}

/* Decoding. */

static void mxfp8_decode(const struct mxfs_run *run)
{
    run->codec->kernel->mxfp8_blocks[run->group->out](
        run->dst, &(struct mxfs_mxfp8_blocks){run->codec->tables, run->src[CODES], run->src[SCALES],
                                              run->count / MXFS_MX_BLOCK, MXFS_FP8_E4M3});
}

static void nvfp4_decode(const struct mxfs_run *run)
{
    float scales[SCHEME_SCALE_CHUNK];
    uint64_t blocks = run->count / MXFS_NVFP4_BLOCK;

    for (uint64_t at = 0; at < blocks; at += SCHEME_SCALE_CHUNK) {
        size_t n = mxfs_min_u64(blocks - at, SCHEME_SCALE_CHUNK);
        scheme_scale_load(run->codec, scales, run->src[SCALES] + at, n, MXFS_F8_E4M3);
        run->codec->kernel->nvfp4_blocks[run->group->out](
            run->dst + at * MXFS_NVFP4_BLOCK * mxfs_out_size(run->group->out),
            &(struct mxfs_nvfp4_blocks){run->src[CODES] + at * MXFS_NVFP4_BYTES, scales, n});
    }
}

const struct mxfs_scheme scheme_mlx = {
    .name = "mlx-affine",
    .writers = "MLX",
    .forms = affine,
    .recognises = is_affine,
    .fit = fit_affine,
    .spans = scheme_int_spans,
    .decode = scheme_int_decode,
};

const struct mxfs_scheme scheme_mlx_mxfp4 = {
    .name = "mlx-mxfp4",
    .writers = "MLX, 32 codes of 4 bits to a scale",
    .forms = floats,
    .recognises = scheme_blocks_recognise,
    .fit = fit_blocks,
    SCHEME_BLOCKS_MXFP4,
};

const struct mxfs_scheme scheme_mlx_mxfp8 = {
    .name = "mlx-mxfp8",
    .writers = "MLX, 32 codes of 8 bits to a scale",
    .forms = floats,
    .block = MXFS_MX_BLOCK,
    .block_bytes = MXFS_MX_BLOCK,
    .recognises = scheme_blocks_recognise,
    .fit = fit_blocks,
    .spans = scheme_blocks_spans,
    .decode = mxfp8_decode,
};

const struct mxfs_scheme scheme_mlx_nvfp4 = {
    .name = "mlx-nvfp4",
    .writers = "MLX, 16 codes of 4 bits to a scale",
    .forms = floats,
    .block = MXFS_NVFP4_BLOCK,
    .block_bytes = MXFS_NVFP4_BYTES,
    .recognises = scheme_blocks_recognise,
    .fit = fit_blocks,
    .spans = scheme_blocks_spans,
    .decode = nvfp4_decode,
};
