/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * compressed-tensors `mxfp6-pack-quantized`: X.weight_packed U8 [.., K * 3 / 4] and X.weight_scale
 * U8 or F8_E8M0 [.., K / 32] become X.weight [.., K].
 *
 * Codes are E2M3, four in three octets, the first in the lowest bits. Every E2M3 value is an E4M3
 * value, so codes are exchanged for those and go through the MXFP8 kernel. AMD Quark packs in
 * another order, and AutoRound has another element type under the same names: only
 * compressed-tensors' own config makes it certain.
 *
 * Source: compressed-tensors compressors/mxfp6/helpers.py.
 */
#include <string.h>

#include "match.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, SCALES };

enum { BLOCK_OCTETS = MXFS_MX_BLOCK * 6 / 8, CHUNK_BLOCKS = 128 };

static bool is_mxfp6(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales)
{
    uint64_t octets = mxfs_match_last_dim(codes);
    return codes->rank >= 2 && codes->rank == scales->rank &&
           mxfs_match_same_dims(codes, scales, codes->rank - 1) && octets > 0 &&
           octets % BLOCK_OCTETS == 0 && octets / BLOCK_OCTETS == mxfs_match_last_dim(scales);
}

static enum mxfs_verdict match_mxfp6(struct mxfs_match *match, size_t index,
                                     struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    uint64_t shape[MXFS_RANK_MAX];
    size_t stem_len;

    if (t->dtype != MXFS_U8 || !mxfs_tensor_has_suffix(t, ".weight_packed", &stem_len))
        return MXFS_NO_MATCH;
    stem_len += strlen(".weight");
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, stem_len, "_scale");
    if (!scales || !mxfs_scale_is_exponent(scales->dtype) || !is_mxfp6(t, scales))
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scales);
    mxfs_match_name(group, stem_len);
    if (match->config->transforms)
        return mxfs_match_refuse(match, NULL, mxfs_reason_transforms);
    if (strcmp(match->config->method, "compressed-tensors") != 0)
        return mxfs_match_refuse(match, NULL, "nothing tells which of its packings it has");
    if (mxfs_match_companion(match, index, stem_len, "_zero_point") ||
        mxfs_match_companion(match, index, stem_len, "_global_scale"))
        return mxfs_match_refuse(match, NULL, "it has a zero point or a global scale");
    if (t->rank > MXFS_RANK_MAX)
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    memcpy(shape, t->shape, t->rank * sizeof(*shape));
    if (!mxfs_mul_u64(mxfs_match_last_dim(scales), MXFS_MX_BLOCK, &shape[t->rank - 1]) ||
        !mxfs_match_shape(group, shape, t->rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    group->tile = MXFS_MX_BLOCK;
    return MXFS_MATCH;
}

static void spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span out[MXFS_PARTS_MAX])
{
    uint64_t block = first / MXFS_MX_BLOCK, blocks = count / MXFS_MX_BLOCK;

    (void)group;
    out[CODES] = (struct mxfs_span){block * BLOCK_OCTETS, blocks * BLOCK_OCTETS};
    out[SCALES] = (struct mxfs_span){block, blocks};
}

static void decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                   uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst)
{
    uint8_t codes[CHUNK_BLOCKS * MXFS_MX_BLOCK];
    uint64_t blocks = count / MXFS_MX_BLOCK;

    (void)first;
    for (uint64_t at = 0; at < blocks; at += CHUNK_BLOCKS) {
        size_t n = mxfs_min_u64(blocks - at, CHUNK_BLOCKS);
        codec->kernel->e2m3(codes,
                            &(struct mxfs_e2m3){src[CODES] + at * BLOCK_OCTETS, n * MXFS_MX_BLOCK});
        codec->kernel->mxfp8_blocks[group->out](
            dst + at * MXFS_MX_BLOCK * mxfs_out_size(group->out),
            &(struct mxfs_mxfp8_blocks){codec->tables, codes, src[SCALES] + at, n, MXFS_FP8_E4M3});
    }
}

const struct mxfs_scheme mxfs_scheme_mxfp6 = {
    .name = "mxfp6-packed",
    .summary =
        "compressed-tensors: X.weight_packed [.., K*3/4] + X.weight_scale -> X.weight [.., K]",
    .match = match_mxfp6,
    .spans = spans,
    .decode = decode,
};
