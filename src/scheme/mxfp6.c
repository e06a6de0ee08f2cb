/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * compressed-tensors `mxfp6-pack-quantized`: X.weight_packed U8 [.., K * 3 / 4] and X.weight_scale
 * U8 or F8_E8M0 [.., K / 32] become X.weight [.., K].
 *
 * Codes are E2M3, four in three bytes, the first in the lowest bits. Every E2M3 value is an E4M3
 * value, so codes are converted to E4M3 and go through the MXFP8 kernel. AMD Quark packs them in
 * another order, and AutoRound uses another element type under the same names, so the format is
 * certain only with a config of compressed-tensors.
 *
 * Source: compressed-tensors compressors/mxfp6/helpers.py.
 */
#include <string.h>

#include "blocks.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, SCALES };

enum { BLOCK_BYTES = MXFS_MX_BLOCK * 6 / 8, CHUNK_BLOCKS = 128 };

static const struct scheme_form forms[] = {
    {.output = "weight",
     .part = {{SCHEME_CODES, "weight_packed", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, "weight_scale", SCHEME_EXPONENT, SCHEME_TELLS | SCHEME_TYPED}}},
    {0},
};

static int fit(struct scheme_case *c)
{
    if (strcmp(c->match->config->method, "compressed-tensors") != 0)
        return scheme_refuse(c, "its packing cannot be told without compressed-tensors' config");
    return scheme_blocks_fit(c);
}

static void decode(const struct mxfs_run *run)
{
    uint8_t codes[CHUNK_BLOCKS * MXFS_MX_BLOCK];
    uint64_t blocks = run->count / MXFS_MX_BLOCK;

    for (uint64_t at = 0; at < blocks; at += CHUNK_BLOCKS) {
        size_t n = mxfs_min_u64(blocks - at, CHUNK_BLOCKS);
        run->codec->kernel->e2m3(
            codes, &(struct mxfs_e2m3){run->src[CODES] + at * BLOCK_BYTES, n * MXFS_MX_BLOCK});
        run->codec->kernel->mxfp8_blocks[run->group->out](
            run->dst + at * MXFS_MX_BLOCK * mxfs_out_size(run->group->out),
            &(struct mxfs_mxfp8_blocks){run->codec->tables, codes, run->src[SCALES] + at, n,
                                        MXFS_FP8_E4M3});
    }
}

const struct mxfs_scheme scheme_mxfp6 = {
    .name = "mxfp6-packed",
    .writers = "compressed-tensors",
    .methods = "compressed-tensors",
    .forms = forms,
    .refuses_transforms = true,
    .block = MXFS_MX_BLOCK,
    .block_bytes = BLOCK_BYTES,
    .recognises = scheme_blocks_recognise,
    .fit = fit,
    .spans = scheme_blocks_spans,
    .decode = decode,
};
