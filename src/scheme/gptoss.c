/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * `P_blocks` + `P_scales` become `P`: the family of gpt-oss.
 *
 *  - Hugging Face names `P_blocks` U8 [E, N, K/32, 16] and `P_scales` U8 [E, N, K/32]:
 *    transformers' convert_moe_packed_tensors transposes the last two logical axes, so P is
 *    [E, K, N]. down_proj is square, so names and model_type decide the orientation, not shapes.
 *  - generic `X.weight_blocks` + `X.weight_scales` (transformers' saver): X.weight [.., K], and any
 *    other name or rank: P [.., K]; not transposed.
 *  - OpenAI's original `P.blocks` + `P.scales`: P [E, N, K]; not transposed.
 *
 * Source: transformers src/transformers/integrations/mxfp4.py; openai/gpt-oss
 * gpt_oss/torch/weights.py.
 */
#include <errno.h>
#include <string.h>

#include "blocks.h"
#include "mxfs/bytes.h"

enum { SCALES_FLAGS = SCHEME_NEEDED | SCHEME_NAMED | SCHEME_AMBIGUOUS };

/* These names are listed twice: lone scales are attributed to the second. */
static const struct scheme_form experts[] = {
    {.output = "",
     .part = {{SCHEME_CODES, "_blocks", SCHEME_BIT(U8), 0},
              {SCHEME_SCALES, "_scales", SCHEME_BIT(U8), SCHEME_NEEDED | SCHEME_AMBIGUOUS}}},
    {0},
};

static const struct scheme_form generic[] = {
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

/* Without scales, only the shape tells blocks from other tensors of that name. */
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

/* [.., K/32, 16] as stored is [.., K] as shown. */
static int fit_rows(struct scheme_case *c)
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
    c->group->tile = MXFS_MX_BLOCK;
    return scheme_set_shape(c, shape, rank);
}

/*
 * MXFP4 stored [E, N, K/32, 16] and shown [E, K, N].
 *
 * One output row (fixed e and k, all n) needs one nibble from each of N stored rows. So a unit is
 * transposed once, when it is loaded: the matrix of an expert or, if that is too large, a strip of
 * it (all n, some blocks of K). It becomes 16 byte rows and one scale row for each block of K, each
 * N lanes wide. Then every output row is a contiguous pass, and two rows share the same bytes.
 *
 *   packed: row 16*g + j (g counts blocks in the strip): lane n holds k = 32*g + 2*j (low nibble)
 *           and k + 1 (high nibble)
 *           then row 16*strip + g: lane n holds the scale of block g of row n
 */

enum { CACHE_LINE = 64 };

/* The layout of a group. */
struct layout {
    uint64_t rows;  /* of a stored matrix: N */
    uint64_t cols;  /* elements of one: K */
    uint64_t strip; /* blocks of K in a unit */
};

static const struct layout *layout_of(const struct mxfs_group *group)
{
    return group->layout;
}

/*
 * Bytes from one packed row to the next: an odd number of cache lines, because with a power of two
 * all lines that one transposed tile writes would fall into the same few cache sets.
 */
static uint64_t lane_stride(const struct layout *l)
{
    return mxfs_align_up(l->rows, CACHE_LINE) | CACHE_LINE;
}

static uint64_t blocks_of_row(const struct layout *l)
{
    return l->cols / MXFS_MX_BLOCK;
}

static uint64_t strips_of_matrix(const struct layout *l)
{
    return mxfs_ceil_div(blocks_of_row(l), l->strip);
}

/* Blocks of K in a unit: as many as fit in unit_max, at least one, spread evenly. */
static uint64_t choose_strip(const struct layout *l, uint64_t unit_max)
{
    uint64_t block = lane_stride(l) * (MXFS_MXFP4_BYTES + 1);
    uint64_t fit = mxfs_max_u64(unit_max / block, 1);
    uint64_t blocks = mxfs_max_u64(blocks_of_row(l), 1);
    return mxfs_ceil_div(blocks, mxfs_ceil_div(blocks, fit));
}

static int fit_transposed(struct scheme_case *c)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES], *scales = c->of[SCHEME_SCALES];
    const uint64_t *dim = codes->shape; /* [E, N, K/32, 16] */
    uint64_t k;

    if (!are_blocks(codes) || scales->rank != codes->rank - 1 ||
        !scheme_same_dims(codes, scales, scales->rank))
        return scheme_refuse(c, scheme_no_fit);
    if (!mxfs_mul_u64(dim[2], MXFS_MX_BLOCK, &k))
        return scheme_refuse(c, scheme_too_large);
    int rc = scheme_set_shape(c, (uint64_t[]){dim[0], k, dim[1]}, 3);
    if (rc != 0)
        return rc;
    struct layout *l = scheme_layout(c, sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->rows = dim[1];
    l->cols = k;
    l->strip = choose_strip(l, c->match->options->unit_max);
    return 0;
}

/* The first block of K in the unit, and the number of blocks. */
static void unit_blocks(const struct mxfs_unit *u, uint64_t *first, uint64_t *count)
{
    const struct layout *l = layout_of(u->group);
    *first = u->index % strips_of_matrix(l) * l->strip;
    *count = mxfs_min_u64(l->strip, blocks_of_row(l) - *first);
}

static void unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit)
{
    const struct layout *l = layout_of(group);
    uint64_t matrix = element / (l->rows * l->cols);
    uint64_t k = element / l->rows % l->cols;
    uint64_t first, count;

    unit->group = group;
    unit->index = matrix * strips_of_matrix(l) + k / MXFS_MX_BLOCK / l->strip;
    unit_blocks(unit, &first, &count);
    unit->first = (matrix * l->cols + first * MXFS_MX_BLOCK) * l->rows;
    unit->count = count * MXFS_MX_BLOCK * l->rows;
    unit->bytes = count * (MXFS_MXFP4_BYTES + 1) * lane_stride(l);
}

static void strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips)
{
    const struct layout *l = layout_of(unit->group);
    uint64_t matrix = unit->index / strips_of_matrix(l);
    uint64_t block_bytes = part == 0 ? MXFS_MXFP4_BYTES : 1;
    uint64_t first, count;

    unit_blocks(unit, &first, &count);
    strips->stride = blocks_of_row(l) * block_bytes;
    strips->offset = matrix * l->rows * strips->stride + first * block_bytes;
    strips->width = count * block_bytes;
    strips->rows = l->rows;
}

static void pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                 const struct mxfs_rows *rows, uint8_t *packed)
{
    uint64_t lanes = lane_stride(layout_of(unit->group)), first, count;

    unit_blocks(unit, &first, &count);
    uint8_t *base = rows->part == 0 ? packed : packed + count * MXFS_MXFP4_BYTES * lanes;
    codec->kernel->transpose(
        base + rows->at * lanes + rows->first,
        &(struct mxfs_transpose){rows->src, rows->stride, lanes, rows->count, rows->width});
}

static void unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                   const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst)
{
    const struct mxfs_group *group = unit->group;
    mxfs_mxfp4_lanes_fn *lanes_fn = codec->kernel->mxfp4_lanes[group->out];
    const struct layout *l = layout_of(group);
    uint64_t lanes = lane_stride(l), n = l->rows, block0, blocks;

    unit_blocks(unit, &block0, &blocks);
    const uint8_t *scales = packed + blocks * MXFS_MXFP4_BYTES * lanes;
    for (uint64_t at = first - unit->first; count > 0;) {
        uint64_t k = at / n, lane = at % n, run = mxfs_min_u64(n - lane, count);
        lanes_fn(dst, &(struct mxfs_mxfp4_lanes){
                          .tables = codec->tables,
                          .codes = packed + k / 2 * lanes + lane,
                          .scales = scales + k / MXFS_MX_BLOCK * lanes + lane,
                          .n = run,
                          .shift = k % 2 * 4,
                      });
        dst += run * mxfs_out_size(group->out);
        at += run;
        count -= run;
    }
}

const struct mxfs_scheme scheme_gptoss = {
    .name = "mxfp4-gptoss",
    .writers = "gpt-oss under Hugging Face names (experts, transposed)",
    .methods = "mxfp4",
    .forms = experts,
    .recognises = is_transposed,
    .fit = fit_transposed,
    .unit_at = unit_at,
    .strips = strips,
    .pack = pack,
    .unpack = unpack,
};

const struct mxfs_scheme scheme_mxfp4_blocks = {
    .name = "mxfp4-blocks",
    .writers = "transformers' own saver",
    .methods = "mxfp4",
    .forms = generic,
    .recognises = is_pair,
    .fit = fit_rows,
    SCHEME_BLOCKS_MXFP4,
};

const struct mxfs_scheme scheme_gptoss_original = {
    .name = "mxfp4-gptoss-original",
    .writers = "gpt-oss under OpenAI's names",
    .methods = "mxfp4",
    .forms = original,
    .recognises = is_pair,
    .fit = fit_rows,
    SCHEME_BLOCKS_MXFP4,
};
