/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * bitsandbytes.
 *
 * 4 bits (NF4, FP4): W, of any name, holds codes, two an octet, the first in the high half; beside
 * it stand W.absmax, a scale for each block of the flat tensor, W.quant_map, the values of the 16
 * codes, and W.quant_state.bitsandbytes__nf4 or __fp4, JSON that tells the shape, the size of
 * blocks and the type that the library dequantizes to. An element is map[code] * absmax[block], a
 * float32 product rounded to that type. W is U8 [bytes, 1], or the same bytes as another type.
 *
 * Nested, absmax is U8 and quantized itself: nested_quant_map[absmax] * nested_absmax[its block],
 * then + nested_offset.
 *
 * 8 bits: X.weight I8 [N, K] and X.SCB F32 [N]: code * SCB[n], then times 1 / 127, each rounded.
 * X.weight_format may be there; other than 0 it means a tiled order of old versions.
 *
 * Sources: bitsandbytes functional.py dequantize_4bit and QuantState; _ops.py
 * int8_vectorwise_dequant; transformers integrations/bitsandbytes.py dequantize_bnb_weight.
 */
#include "bitsandbytes.h"

#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "scales.h"

static const char unreadable[] = "a table of it cannot be read";

/* 4 bits. */

enum { CODES, ABSMAX, MAP, STATE, NESTED_ABSMAX, NESTED_MAP };

/* Tables that are read when matching. */
struct constants {
    float map[16];
    float nested_map[256];
    float nested_offset;
    uint64_t nested_blocksize; /* 0: not nested */
};

static const struct mxfs_tensor *find_state(const struct mxfs_match *match, size_t index,
                                            size_t len)
{
    const struct mxfs_tensor *state =
        mxfs_match_companion(match, index, len, ".quant_state.bitsandbytes__nf4");
    return state ? state
                 : mxfs_match_companion(match, index, len, ".quant_state.bitsandbytes__fp4");
}

/* Adds all parts; false when one is missing. */
static bool add_parts(const struct mxfs_match *match, size_t index, size_t len,
                      struct mxfs_group *group)
{
    static const char *const suffixes[] = {".absmax", ".quant_map", NULL, ".nested_absmax",
                                           ".nested_quant_map"};
    const struct mxfs_tensor *parts[MXFS_COUNT(suffixes)];

    for (size_t i = 0; i < MXFS_COUNT(suffixes); i++)
        parts[i] = suffixes[i] ? mxfs_match_companion(match, index, len, suffixes[i])
                               : find_state(match, index, len);
    for (size_t i = 0; i < MXFS_COUNT(suffixes); i++) {
        if (parts[i])
            mxfs_match_add_part(group, parts[i]);
    }
    return parts[0] && parts[1] && parts[2] && !parts[3] == !parts[4];
}

static bool read_floats(const struct mxfs_match *match, const struct mxfs_tensor *t, float *out,
                        size_t n)
{
    return t->dtype == MXFS_F32 && t->size == n * sizeof(*out) &&
           match->read(match->reader, t, out, n * sizeof(*out), 0) == 0;
}

static bool read_state(const struct mxfs_match *match, const struct mxfs_tensor *t,
                       struct mxfs_bnb_state *state)
{
    char json[MXFS_BNB_STATE_MAX];
    return t->dtype == MXFS_U8 && t->size <= sizeof(json) &&
           match->read(match->reader, t, json, t->size, 0) == 0 &&
           mxfs_bnb_state_parse(json, t->size, state);
}

static bool fits(const struct mxfs_group *g, const struct mxfs_bnb_state *state)
{
    const struct mxfs_tensor *absmax = g->part[ABSMAX];
    uint64_t blocks = mxfs_ceil_div(g->elements, state->blocksize);
    bool nested = g->parts > NESTED_ABSMAX;

    if (g->part[CODES]->size != g->elements / 2 + g->elements % 2 ||
        nested != (state->nested_blocksize > 0))
        return false;
    if (!nested)
        return mxfs_scale_is_linear(absmax->dtype) &&
               absmax->size / mxfs_scale_size(absmax->dtype) == blocks;
    return absmax->dtype == MXFS_U8 && absmax->size == blocks &&
           g->part[NESTED_ABSMAX]->dtype == MXFS_F32 &&
           g->part[NESTED_ABSMAX]->size / sizeof(float) ==
               mxfs_ceil_div(blocks, state->nested_blocksize);
}

static enum mxfs_verdict read_tables(struct mxfs_match *match, struct mxfs_group *group,
                                     const struct mxfs_bnb_state *state)
{
    struct constants *c = calloc(1, sizeof(*c));

    group->constants = c; /* freed by the caller also when refused */
    if (!c || !read_floats(match, group->part[MAP], c->map, MXFS_COUNT(c->map)))
        return mxfs_match_refuse(match, NULL, unreadable);
    if (group->parts > NESTED_MAP &&
        !read_floats(match, group->part[NESTED_MAP], c->nested_map, MXFS_COUNT(c->nested_map)))
        return mxfs_match_refuse(match, NULL, unreadable);
    c->nested_offset = state->nested_offset;
    c->nested_blocksize = state->nested_blocksize;
    return MXFS_MATCH;
}

/* A state whose weight is nowhere. */
static bool is_lone_state(const struct mxfs_match *match, size_t index, struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t len;

    if ((!mxfs_tensor_has_suffix(t, ".quant_state.bitsandbytes__nf4", &len) &&
         !mxfs_tensor_has_suffix(t, ".quant_state.bitsandbytes__fp4", &len)) ||
        mxfs_match_companion(match, index, len, ""))
        return false;
    mxfs_match_add_part(group, t);
    return true;
}

static enum mxfs_verdict match_4bit(struct mxfs_match *match, size_t index,
                                    struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    struct mxfs_bnb_state state;

    if (is_lone_state(match, index, group))
        return mxfs_match_refuse_half(match, NULL, "the weight that it belongs to is missing");
    /* Either is enough to know it; a weight without them is an ordinary one. */
    if (!find_state(match, index, t->name_len) &&
        !mxfs_match_companion(match, index, t->name_len, ".absmax"))
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    if (!add_parts(match, index, t->name_len, group))
        return mxfs_match_refuse_half(match, NULL, "a part of it is missing");
    if (!read_state(match, group->part[STATE], &state))
        return mxfs_match_refuse(match, NULL, "its quant_state is not understood");
    if (!mxfs_match_shape(group, state.shape, state.rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    if (!fits(group, &state))
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    mxfs_match_name(group, t->name_len);
    group->block_cols = state.blocksize;
    group->tile = 1;
    if (match->auto_out)
        group->out = (uint8_t)state.dtype;
    group->via = state.dtype == group->out ? MXFS_OUT_F32 : (uint8_t)state.dtype;
    return read_tables(match, group, &state);
}

/* The run of entries, each for `each` of what is before, behind elements or entries [first, last].
 */
static struct mxfs_span entries(uint64_t first, uint64_t last, uint64_t each, unsigned size)
{
    return (struct mxfs_span){first / each * size, (last / each - first / each + 1) * size};
}

static void spans_4bit(const struct mxfs_group *group, uint64_t first, uint64_t count,
                       struct mxfs_span out[MXFS_PARTS_MAX])
{
    const struct constants *c = group->constants;
    uint64_t last = first + count - 1;
    unsigned size = mxfs_scale_size(group->part[ABSMAX]->dtype);

    memset(out, 0, group->parts * sizeof(*out)); /* tables are in memory */
    out[CODES] = entries(first, last, 2, 1);
    out[ABSMAX] = entries(first, last, group->block_cols, size);
    if (c->nested_blocksize > 0)
        out[NESTED_ABSMAX] = entries(first / group->block_cols, last / group->block_cols,
                                     c->nested_blocksize, sizeof(float));
}

/* n scales from `block` on; `src` are the bytes of spans that begin with block `block0`. */
static void load_scales(const struct mxfs_group *g, const struct mxfs_codec *codec, float *out,
                        uint64_t block, size_t n, uint64_t block0,
                        const uint8_t *const src[MXFS_PARTS_MAX])
{
    const struct constants *c = g->constants;
    uint8_t dtype = g->part[ABSMAX]->dtype;
    const uint8_t *absmax = src[ABSMAX] + (block - block0) * mxfs_scale_size(dtype);

    if (c->nested_blocksize == 0) {
        mxfs_scales_load(codec, out, absmax, n, dtype);
        return;
    }
    const uint8_t *nested = src[NESTED_ABSMAX];
    nested += (block / c->nested_blocksize - block0 / c->nested_blocksize) * sizeof(float);
    uint64_t left = c->nested_blocksize - block % c->nested_blocksize;
    for (size_t i = 0; i < n; nested += sizeof(float), left = c->nested_blocksize) {
        float scale;
        memcpy(&scale, nested, sizeof(scale));
        for (size_t end = i + mxfs_min_u64(left, n - i); i < end; i++) {
            float product = c->nested_map[absmax[i]] * scale;
            out[i] = product + c->nested_offset;
        }
    }
}

static void decode_4bit(const struct mxfs_group *group, const struct mxfs_codec *codec,
                        uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                        uint8_t *dst)
{
    const struct constants *c = group->constants;
    float scales[MXFS_SCALES_CHUNK];
    struct mxfs_affine affine = {
        .scales = scales, .group = group->block_cols, .via = (enum mxfs_out)group->via};

    for (uint64_t at = 0, n; at < count; at += n) {
        uint64_t element = first + at, block = element / group->block_cols;
        uint64_t last_block = (first + count - 1) / group->block_cols;
        uint64_t blocks = mxfs_min_u64(last_block - block + 1, MXFS_SCALES_CHUNK);
        affine.skip = element % group->block_cols;
        n = count - at;
        if (block + blocks <= last_block)
            n = blocks * group->block_cols - affine.skip;
        load_scales(group, codec, scales, block, blocks, first / group->block_cols, src);
        codec->kernel->code4_run[group->out](dst + at * mxfs_out_size(group->out),
                                             &(struct mxfs_code4_run){
                                                 .codes = src[CODES] + (element / 2 - first / 2),
                                                 .first = element % 2,
                                                 .n = n,
                                                 .nibbles = MXFS_NIBBLES_HIGH_FIRST,
                                                 .values = c->map,
                                                 .affine = &affine,
                                             });
    }
}

const struct mxfs_scheme mxfs_scheme_bitsandbytes = {
    .name = "bitsandbytes-4bit",
    .summary = "NF4 and FP4: W + W.absmax, W.quant_map, W.quant_state.* -> W",
    .match = match_4bit,
    .spans = spans_4bit,
    .decode = decode_4bit,
};

/* 8 bits. */

enum { WEIGHT, SCB, FORMAT };

static bool is_row_major(const struct mxfs_match *match, const struct mxfs_tensor *format)
{
    static const uint8_t zeros[8];
    uint8_t value[8];
    return format->size <= sizeof(value) &&
           match->read(match->reader, format, value, format->size, 0) == 0 &&
           memcmp(value, zeros, format->size) == 0;
}

static enum mxfs_verdict match_int8(struct mxfs_match *match, size_t index,
                                    struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    size_t stem_len;

    if (t->dtype != MXFS_I8 || !mxfs_tensor_has_suffix(t, ".weight", &stem_len))
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *scb = mxfs_match_companion(match, index, stem_len, ".SCB");
    if (!scb)
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *format =
        mxfs_match_companion(match, index, stem_len, ".weight_format");
    mxfs_match_add_part(group, t);
    mxfs_match_add_part(group, scb);
    if (format)
        mxfs_match_add_part(group, format);
    if (t->rank != 2 || scb->dtype != MXFS_F32 || scb->size / sizeof(float) != t->shape[0])
        return mxfs_match_refuse(match, NULL, mxfs_reason_shape);
    if (format && !is_row_major(match, format))
        return mxfs_match_refuse(match, NULL, "its elements are in a tiled order");
    if (!mxfs_match_shape(group, t->shape, t->rank))
        return mxfs_match_refuse(match, NULL, mxfs_reason_rank);
    mxfs_match_name(group, t->name_len);
    group->cols = t->shape[1];
    group->tile = 1;
    return MXFS_MATCH;
}

static void spans_int8(const struct mxfs_group *group, uint64_t first, uint64_t count,
                       struct mxfs_span out[MXFS_PARTS_MAX])
{
    memset(out, 0, group->parts * sizeof(*out));
    out[WEIGHT] = (struct mxfs_span){first, count};
    out[SCB] = entries(first, first + count - 1, group->cols, sizeof(float));
}

static void decode_int8(const struct mxfs_group *group, const struct mxfs_codec *codec,
                        uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                        uint8_t *dst)
{
    float values[MXFS_NARROW_CHUNK], reciprocals[MXFS_NARROW_CHUNK], scale;
    struct mxfs_affine affine = {.scales = &scale, .group = SIZE_MAX, .via = MXFS_OUT_F32};

    for (size_t i = 0; i < MXFS_NARROW_CHUNK; i++)
        reciprocals[i] = 7.874015718698502e-3f; /* the library's 1 / 127 */
    for (uint64_t at = 0, n; at < count; at += n) {
        uint64_t element = first + at, row = element / group->cols;
        n = mxfs_min_u64((row + 1) * group->cols - element,
                         mxfs_min_u64(count - at, MXFS_NARROW_CHUNK));
        memcpy(&scale, src[SCB] + (row - first / group->cols) * sizeof(scale), sizeof(scale));
        codec->kernel->code8_run[MXFS_OUT_F32](
            values, &(struct mxfs_code8_run){src[WEIGHT] + at, n, MXFS_CODE8_SIGNED, &affine});
        codec->kernel->narrow[group->out](
            dst + at * mxfs_out_size(group->out),
            &(struct mxfs_narrow){values, reciprocals, n, MXFS_OUT_F32});
    }
}

const struct mxfs_scheme mxfs_scheme_bitsandbytes_int8 = {
    .name = "bitsandbytes-int8",
    .summary = "X.weight I8 [N, K] + X.SCB F32 [N] -> X.weight",
    .match = match_int8,
    .spans = spans_int8,
    .decode = decode_int8,
};
