/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * bitsandbytes.
 *
 * 4 bits (NF4, FP4): W, of any name, holds codes, two per byte, the first in the high half. It
 * comes with W.absmax, a scale for each block of the flat tensor; W.quant_map, the values of the 16
 * codes; and W.quant_state.bitsandbytes__nf4 or __fp4, JSON with the shape, the size of blocks and
 * the type to which the library dequantizes. An element is map[code] * absmax[block], a float32
 * product rounded to that type. W is U8 [bytes, 1], or the same bytes under another type.
 *
 * When nested, absmax is U8 and itself quantized: the scale is
 * nested_quant_map[absmax] * nested_absmax[its block] + nested_offset, each step rounded.
 *
 * 8 bits: X.weight I8 [N, K] and X.SCB F32 [N]: code * SCB[n], then times 1 / 127, each rounded.
 * An optional X.weight_format other than 0 means a tiled order of old versions.
 *
 * Sources: bitsandbytes functional.py dequantize_4bit and QuantState; _ops.py
 * int8_vectorwise_dequant; transformers integrations/bitsandbytes.py dequantize_bnb_weight.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "scales.h"

/* 4 bits. */

enum { CODES, ABSMAX, MAP, STATE, NESTED_ABSMAX, NESTED_MAP };

enum { STATE_FLAGS = SCHEME_NEEDED | SCHEME_NAMED };

static const struct scheme_form forms[] = {
    {.output = "",
     .part = {{SCHEME_CODES, "", SCHEME_ANY, 0},
              {SCHEME_SCALES, ".absmax", SCHEME_ANY, SCHEME_NEEDED},
              {SCHEME_MAP, ".quant_map", SCHEME_BIT(F32), SCHEME_NEEDED},
              {SCHEME_STATE, ".quant_state.bitsandbytes__nf4", SCHEME_BIT(U8), STATE_FLAGS},
              {SCHEME_STATE, ".quant_state.bitsandbytes__fp4", SCHEME_BIT(U8), STATE_FLAGS},
              {SCHEME_NESTED_SCALES, ".nested_absmax", SCHEME_BIT(F32), 0},
              {SCHEME_NESTED_MAP, ".nested_quant_map", SCHEME_BIT(F32), 0}}},
    {0},
};

/* The layout of a group, with the tables that matching reads. */
struct layout {
    float map[16];
    float nested_map[256];
    float nested_offset;
    uint64_t block;            /* elements that share a scale */
    uint64_t nested_blocksize; /* 0: not nested */
    enum mxfs_out via;         /* type that products are rounded to first */
};

/* The JSON state. */

/* Most bytes of a state; the library writes about 200. */
enum { STATE_MAX = 4096 };

/* The members of the JSON that decoding needs. */
struct state {
    uint64_t shape[MXFS_RANK_MAX]; /* of the output */
    uint32_t rank;                 /* at most MXFS_RANK_MAX */
    uint64_t blocksize;            /* elements that share a scale; not 0 */
    uint64_t nested_blocksize;     /* scales that share a scale; 0: not nested */
    float nested_offset;           /* added to each nested scale */
    enum mxfs_out dtype;           /* the type to which the library dequantizes */
};

static bool read_shape(struct state *state, const json_t *shape)
{
    size_t rank = json_array_size(shape);

    if (!json_is_array(shape) || rank > MXFS_RANK_MAX)
        return false;
    state->rank = (uint32_t)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return false;
        state->shape[i] = (uint64_t)json_integer_value(dim);
    }
    return true;
}

static bool read_dtype(struct state *state, const json_t *dtype)
{
    static const char *const names[MXFS_OUT_COUNT] = {
        [MXFS_OUT_BF16] = "bfloat16", [MXFS_OUT_F16] = "float16", [MXFS_OUT_F32] = "float32"};
    const char *name = json_string_value(dtype);

    for (unsigned i = 0; name && i < MXFS_OUT_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            state->dtype = (enum mxfs_out)i;
            return true;
        }
    }
    return false;
}

static bool read_size(uint64_t *size, const json_t *value)
{
    *size = json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
    return *size > 0;
}

static bool read_nesting(struct state *state, const json_t *root)
{
    const json_t *offset = json_object_get(root, "nested_offset");

    if (!offset && !json_object_get(root, "nested_blocksize"))
        return true;
    state->nested_offset = (float)json_number_value(offset);
    return json_is_number(offset) && isfinite(state->nested_offset) &&
           read_size(&state->nested_blocksize, json_object_get(root, "nested_blocksize"));
}

/* Parses a state; 0, -EINVAL when it is not one, or -ENOMEM. */
static int parse_state(const char *json, size_t len, struct state *state)
{
    errno = 0;
    json_t *root = json_loadb(json, len, 0, NULL);
    if (!root && errno == ENOMEM) /* jansson reports that as a syntax error */
        return -ENOMEM;

    memset(state, 0, sizeof(*state));
    bool ok = json_is_object(root) && read_shape(state, json_object_get(root, "shape")) &&
              read_dtype(state, json_object_get(root, "dtype")) &&
              read_size(&state->blocksize, json_object_get(root, "blocksize")) &&
              read_nesting(state, root);
    json_decref(root);
    return ok ? 0 : -EINVAL;
}

/* Matching. */

/* Either part shows the format; a tensor without both is an ordinary one. */
static bool is_4bit(const struct scheme_case *c)
{
    return c->of[SCHEME_SCALES] || c->of[SCHEME_STATE];
}

static int read_floats(struct scheme_case *c, const struct mxfs_tensor *t, float *out, size_t n)
{
    if (t->size != n * sizeof(*out))
        return scheme_refuse(c, "its tables have an unknown size");
    return scheme_read(c, t, out, n * sizeof(*out), 0);
}

static int read_state(struct scheme_case *c, struct state *state)
{
    const struct mxfs_tensor *t = c->of[SCHEME_STATE];
    char json[STATE_MAX];
    int rc = t->size <= sizeof(json) ? scheme_read(c, t, json, t->size, 0) : -EINVAL;

    if (rc == 0)
        rc = parse_state(json, t->size, state);
    if (rc == -ENOMEM)
        scheme_fail(c, rc);
    return rc == -EINVAL ? scheme_refuse(c, "its quant_state is not understood") : rc;
}

static bool fits(const struct scheme_case *c, const struct state *state)
{
    const struct mxfs_tensor *absmax = c->of[SCHEME_SCALES];
    const struct mxfs_tensor *nested = c->of[SCHEME_NESTED_SCALES];
    uint64_t elements = c->group->elements, blocks = mxfs_ceil_div(elements, state->blocksize);

    if (c->of[SCHEME_CODES]->size != elements / 2 + elements % 2 ||
        (nested != NULL) != (state->nested_blocksize > 0))
        return false;
    if (!nested)
        return (SCHEME_LINEAR >> absmax->dtype & 1) &&
               absmax->size / scheme_scale_size(absmax->dtype) == blocks;
    return absmax->dtype == MXFS_U8 && absmax->size == blocks &&
           nested->size / sizeof(float) == mxfs_ceil_div(blocks, state->nested_blocksize);
}

static int read_tables(struct scheme_case *c, const struct state *state)
{
    const struct mxfs_tensor *nested = c->of[SCHEME_NESTED_MAP];
    struct layout *l = scheme_layout(c, sizeof(*l));

    if (!l)
        return -ENOMEM;
    l->block = state->blocksize;
    l->nested_offset = state->nested_offset;
    l->nested_blocksize = state->nested_blocksize;
    int rc = read_floats(c, c->of[SCHEME_MAP], l->map, MXFS_COUNT(l->map));
    if (rc == 0 && nested)
        rc = read_floats(c, nested, l->nested_map, MXFS_COUNT(l->nested_map));
    return rc;
}

static int fit_4bit(struct scheme_case *c)
{
    struct state state;

    if (!c->of[SCHEME_NESTED_SCALES] != !c->of[SCHEME_NESTED_MAP])
        return scheme_refuse_half(c, "one of its nested parts is missing");
    int rc = read_state(c, &state);
    if (rc == 0)
        rc = scheme_set_shape(c, state.shape, state.rank);
    if (rc == 0 && !fits(c, &state))
        rc = scheme_refuse(c, scheme_no_fit);
    if (rc == 0)
        rc = read_tables(c, &state);
    if (rc != 0)
        return rc;
    struct layout *l = c->group->layout;
    if (c->match->options->auto_out)
        c->group->out = state.dtype;
    l->via = state.dtype == c->group->out ? MXFS_OUT_F32 : state.dtype;
    c->group->tile = 1;
    return 0;
}

static void spans_4bit(const struct mxfs_group *group, uint64_t first, uint64_t count,
                       struct mxfs_span out[MXFS_PARTS_MAX])
{
    const struct layout *l = group->layout;

    memset(out, 0, group->parts * sizeof(*out)); /* tables are in memory */
    out[CODES] = scheme_span(first, count, 2, 1);
    out[ABSMAX] =
        scheme_span(first, count, l->block, scheme_scale_size(group->part[ABSMAX]->dtype));
    if (l->nested_blocksize > 0) {
        uint64_t block = first / l->block, blocks = (first + count - 1) / l->block - block + 1;
        out[NESTED_ABSMAX] = scheme_span(block, blocks, l->nested_blocksize, sizeof(float));
    }
}

/* Loads n scales, from that of `block` on. */
static void load_scales(const struct mxfs_run *run, float *out, uint64_t block, size_t n)
{
    const struct layout *l = run->group->layout;
    enum mxfs_dtype dtype = run->group->part[ABSMAX]->dtype;
    uint64_t first = run->first / l->block;
    const uint8_t *absmax = run->src[ABSMAX] + (block - first) * scheme_scale_size(dtype);

    if (l->nested_blocksize == 0) {
        scheme_scale_load(run->codec, out, absmax, n, dtype);
        return;
    }
    uint64_t skip = block / l->nested_blocksize - first / l->nested_blocksize;
    const uint8_t *nested = run->src[NESTED_ABSMAX] + skip * sizeof(float);
    uint64_t left = l->nested_blocksize - block % l->nested_blocksize;
    for (size_t i = 0; i < n; nested += sizeof(float), left = l->nested_blocksize) {
        float scale;
        memcpy(&scale, nested, sizeof(scale));
        for (size_t end = i + mxfs_min_u64(left, n - i); i < end; i++) {
            float product = l->nested_map[absmax[i]] * scale;
            out[i] = product + l->nested_offset;
        }
    }
}

static void decode_4bit(const struct mxfs_run *run)
{
    const struct layout *l = run->group->layout;
    enum mxfs_out out = run->group->out;
    uint64_t last_block = (run->first + run->count - 1) / l->block;
    float scales[SCHEME_SCALE_CHUNK];
    struct mxfs_affine affine = {.scales = scales, .group = l->block, .via = l->via};

    for (uint64_t at = 0, n; at < run->count; at += n) {
        uint64_t element = run->first + at, block = element / l->block;
        uint64_t blocks = mxfs_min_u64(last_block - block + 1, SCHEME_SCALE_CHUNK);
        affine.skip = element % l->block;
        n = run->count - at;
        if (block + blocks <= last_block)
            n = blocks * l->block - affine.skip;
        load_scales(run, scales, block, blocks);
        run->codec->kernel->code4_run[out](
            run->dst + at * mxfs_out_size(out),
            &(struct mxfs_code4_run){
                .codes = run->src[CODES] + (element / 2 - run->first / 2),
                .first = element % 2,
                .n = n,
                .nibbles = MXFS_NIBBLES_HIGH_FIRST,
                .values = l->map,
                .affine = &affine,
            });
    }
}

const struct mxfs_scheme scheme_bitsandbytes = {
    .name = "bitsandbytes-4bit",
    .writers = "bitsandbytes NF4 and FP4",
    .methods = "bitsandbytes",
    .forms = forms,
    .recognises = is_4bit,
    .fit = fit_4bit,
    .spans = spans_4bit,
    .decode = decode_4bit,
};

/* 8 bits. */

enum { WEIGHT, SCB };

static const struct scheme_form forms_int8[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".weight", SCHEME_BIT(I8), 0},
              {SCHEME_SCALES, ".SCB", SCHEME_BIT(F32), SCHEME_TELLS | SCHEME_ALONE},
              {SCHEME_ORDER, ".weight_format", SCHEME_ANY, 0}}},
    {0},
};

static int check_order(struct scheme_case *c, const struct mxfs_tensor *format)
{
    static const uint8_t zeros[8];
    uint8_t value[8];

    if (format->size > sizeof(value))
        return scheme_refuse(c, scheme_no_fit);
    int rc = scheme_read(c, format, value, format->size, 0);
    if (rc == 0 && memcmp(value, zeros, format->size) != 0)
        return scheme_refuse(c, "its elements are in a tiled order");
    return rc;
}

static int fit_int8(struct scheme_case *c)
{
    const struct mxfs_tensor *t = c->of[SCHEME_CODES], *order = c->of[SCHEME_ORDER];

    if (t->rank != 2 || c->of[SCHEME_SCALES]->size / sizeof(float) != t->shape[0])
        return scheme_refuse(c, scheme_no_fit);
    int rc = order ? check_order(c, order) : 0;
    c->group->tile = 1;
    return rc == 0 ? scheme_set_shape(c, t->shape, t->rank) : rc;
}

static void spans_int8(const struct mxfs_group *group, uint64_t first, uint64_t count,
                       struct mxfs_span out[MXFS_PARTS_MAX])
{
    memset(out, 0, group->parts * sizeof(*out));
    out[WEIGHT] = scheme_span(first, count, 1, 1);
    out[SCB] = scheme_span(first, count, group->shape[1], sizeof(float));
}

static void decode_int8(const struct mxfs_run *run)
{
    enum mxfs_out out = run->group->out;
    uint64_t cols = run->group->shape[1];
    float values[SCHEME_NARROW_CHUNK], reciprocals[SCHEME_NARROW_CHUNK], scale;
    struct mxfs_affine affine = {.scales = &scale, .group = SIZE_MAX, .via = MXFS_OUT_F32};

    for (size_t i = 0; i < SCHEME_NARROW_CHUNK; i++)
        reciprocals[i] = 7.874015718698502e-3f; /* the library's 1 / 127 */
    for (uint64_t at = 0, n; at < run->count; at += n) {
        uint64_t element = run->first + at, row = element / cols;
        n = mxfs_min_u64((row + 1) * cols - element,
                         mxfs_min_u64(run->count - at, SCHEME_NARROW_CHUNK));
        memcpy(&scale, run->src[SCB] + (row - run->first / cols) * sizeof(scale), sizeof(scale));
        run->codec->kernel->code8_run[MXFS_OUT_F32](
            values, &(struct mxfs_code8_run){run->src[WEIGHT] + at, n, MXFS_CODE8_SIGNED, &affine});
        run->codec->kernel->narrow[out](
            run->dst + at * mxfs_out_size(out),
            &(struct mxfs_narrow){values, reciprocals, n, MXFS_OUT_F32});
    }
}

const struct mxfs_scheme scheme_bitsandbytes_int8 = {
    .name = "bitsandbytes-int8",
    .writers = "bitsandbytes LLM.int8()",
    .methods = "bitsandbytes",
    .forms = forms_int8,
    .fit = fit_int8,
    .spans = spans_int8,
    .decode = decode_int8,
};
