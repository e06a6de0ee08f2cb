/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * GPTQ and AWQ: X.qweight I32, X.qzeros I32 [groups, words] and X.scales [groups, N] become
 * X.weight [N, K]: stored by columns, shown by rows.
 *
 *  - GPTQ: X.qweight [K * bits / 32, N], 2, 4 or 8 bits: a word holds codes of one column n, the
 *    lowest k in the lowest bits; zeros lie along n. X.g_idx I32 [K] is the group of each k.
 *    Version 1, `checkpoint_format` "gptq" or none, stores zeros less 1; "gptq_v2" as they are.
 *  - AWQ `gemm`: X.qweight [K, N / 8]: a word holds codes of eight columns, in the order of
 *    awq_place; zeros likewise.
 *
 *   W[n, k] = (code - zero) * scale, rounded to the type of the scales (float16)
 *
 * A unit is a strip of columns, all of K: a run of rows of the output. It is turned over when it is
 * loaded, so that the codes of a row lie one behind the other; of AWQ, where two columns share an
 * octet, those of two rows. Then follow the scales and the zeros, an octet each, of each row.
 *
 * Sources: ModelCloud/GPTQModel gptqmodel/nn_modules/qlinear; AutoAWQ awq/utils/packing_utils.py;
 * auto-round's export of both.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "integers.h"
#include "mxfs/bytes.h"
#include "scales.h"

enum { CODES, ZEROS, SCALES, G_IDX };

/* group->format */
enum { GPTQ_V1, GPTQ_V2, AWQ };

/* Columns whose words, and in AWQ's words eight times as many columns, fill cache lines. */
enum { COLUMNS = 128, CACHE_LINE = 64 };

/* Column 8j + i is this nibble of word j, counted from the lowest. */
static const uint8_t awq_place[8] = {0, 4, 1, 5, 2, 6, 3, 7};

static const struct mxfs_int *layout_of(const struct mxfs_group *g)
{
    return g->constants;
}

/* Geometry of a unit. */

/* Octets from one row of turned codes to the next: an odd number of cache lines, so that lines
 * written together do not fall in the same few cache sets. */
static uint64_t code_stride(const struct mxfs_group *g)
{
    uint64_t octets = g->format == AWQ ? g->cols : layout_of(g)->row_bytes;
    return mxfs_align_up(octets, CACHE_LINE) | CACHE_LINE;
}

/* Rows of codes for n rows of the output. */
static uint64_t code_rows(const struct mxfs_group *g, uint64_t n)
{
    return g->format == AWQ ? n / 2 : n;
}

static uint64_t scale_octets(const struct mxfs_group *g)
{
    return layout_of(g)->groups * mxfs_scale_size(g->part[SCALES]->dtype);
}

static uint64_t packed_size(const struct mxfs_group *g, uint64_t n)
{
    return code_rows(g, n) * code_stride(g) + n * (scale_octets(g) + layout_of(g)->groups);
}

/* As many columns as fit, spread evenly. */
static uint64_t choose_strip(const struct mxfs_group *g, uint64_t unit_max)
{
    uint64_t block = packed_size(g, COLUMNS);
    uint64_t fit = mxfs_max_u64(unit_max / block, 1) * COLUMNS;
    uint64_t units = mxfs_max_u64(mxfs_ceil_div(g->rows, fit), 1);
    return mxfs_align_up(mxfs_max_u64(mxfs_ceil_div(g->rows, units), 1), COLUMNS);
}

static uint64_t unit_columns(const struct mxfs_unit *u)
{
    return mxfs_min_u64(u->group->strip, u->group->rows - u->index * u->group->strip);
}

/* Matching. */

/* Which of the formats the config means, or why none. */
static const char *choose_version(struct mxfs_match *match, struct mxfs_group *group)
{
    const struct mxfs_quant_config *c = match->config;
    const char *packing = c->packing;

    if ((strcmp(c->method, "awq") == 0 && group->format != AWQ) ||
        (strcmp(c->method, "gptq") == 0 && group->format == AWQ))
        return mxfs_reason_shape;
    if (strcmp(c->method, "auto-round") == 0) {
        packing = strchr(packing, ':') ? strchr(packing, ':') + 1 : packing;
        if (strcmp(packing, group->format == AWQ ? "auto_awq" : "auto_gptq") != 0)
            return "nothing tells which packing of AutoRound it has";
        return NULL;
    }
    if (group->format == AWQ) {
        if (c->version[0] != '\0' && strcasecmp(c->version, "gemm") != 0)
            return "only AWQ's gemm layout is supported";
        return NULL;
    }
    if (strcmp(packing, "gptq_v2") == 0)
        group->format = GPTQ_V2;
    else if (packing[0] != '\0' && strcmp(packing, "gptq") != 0)
        return "only the checkpoint formats gptq and gptq_v2 are supported";
    else if (!c->quantized)
        return "without a config nothing tells which version of its zeros it has";
    return NULL;
}

/* Bits, rows and columns by the shapes of codes, zeros and scales; *bits 0: of no known layout. */
static void read_shapes(struct mxfs_group *group, unsigned *bits)
{
    const uint64_t *codes = group->part[CODES]->shape, *zeros = group->part[ZEROS]->shape;
    const uint64_t *scales = group->part[SCALES]->shape;

    *bits = 0;
    group->rows = scales[1];
    if (zeros[0] != scales[0] || scales[0] == 0 || scales[1] == 0)
        return;
    if (codes[1] == zeros[1] && codes[1] <= UINT64_MAX / 8 && codes[1] * 8 == scales[1]) {
        group->format = AWQ;
        group->cols = codes[0];
        *bits = 4;
    } else if (codes[1] == scales[1] && zeros[1] <= UINT64_MAX / 32 &&
               zeros[1] * 32 % scales[1] == 0 && zeros[1] * 32 / scales[1] <= 8) {
        *bits = (unsigned)(zeros[1] * 32 / scales[1]);
        group->format = GPTQ_V1;
        if (*bits > 0)
            group->cols = codes[0] / *bits * 32;
    }
}

/* Whether the config mentions that width, if it mentions any. */
static bool config_has(const struct mxfs_quant_config *config, unsigned bits)
{
    for (uint32_t i = 0; i < config->width_count && i < MXFS_WIDTHS_MAX; i++) {
        if (config->widths[i].bits == bits)
            return true;
    }
    return config->width_count == 0 || config->width_count > MXFS_WIDTHS_MAX;
}

static const char *fit(struct mxfs_match *match, struct mxfs_group *group,
                       const struct mxfs_tensor *g_idx)
{
    const struct mxfs_tensor *codes = group->part[CODES], *zeros = group->part[ZEROS];
    const struct mxfs_tensor *scales = group->part[SCALES];
    unsigned bits;

    if (codes->dtype != MXFS_I32 || zeros->dtype != MXFS_I32 || codes->rank != 2 ||
        zeros->rank != 2 || scales->rank != 2)
        return mxfs_reason_shape;
    if (!mxfs_scale_is_linear(scales->dtype))
        return "unknown type of its scales";
    read_shapes(group, &bits);
    if (bits == 0 || !config_has(match->config, bits))
        return mxfs_reason_shape;
    if (bits != 2 && bits != 4 && bits != 8)
        return "only codes of 2, 4 and 8 bits are supported";
    group->cols = group->format == AWQ ? codes->shape[0] : codes->shape[0] * (32 / bits);
    if (!mxfs_match_shape(group, (uint64_t[]){group->rows, group->cols}, 2))
        return mxfs_reason_rank;
    struct mxfs_int *layout = mxfs_int_new(bits, 0);
    if (!layout)
        return mxfs_reason_memory;
    group->constants = layout;
    layout->groups = scales->shape[0];
    layout->row_bytes = codes->shape[0] * 4; /* of GPTQ: a column of words */
    group->block_cols = group->cols % layout->groups == 0 ? group->cols / layout->groups : 0;
    if (g_idx) {
        mxfs_match_add_part(group, g_idx);
        const char *reason = mxfs_int_read_groups(match, group, &layout, g_idx, false);
        group->constants = layout;
        return reason;
    }
    return group->block_cols == 0 && group->cols > 0 ? "its columns are no multiple of its groups"
                                                     : NULL;
}

/* X.weight is no part of X.qweight, so the constants hold the name, behind everything else. */
static const char *set_name(struct mxfs_group *group, size_t stem_len)
{
    static const char suffix[] = ".weight";
    struct mxfs_int *layout = group->constants;
    uint64_t size = sizeof(*layout);

    if (group->block_cols == 0)
        size += group->cols * sizeof(layout->group_of[0]);
    layout = realloc(layout, size + stem_len + sizeof(suffix) - 1);
    if (!layout)
        return mxfs_reason_memory;
    group->constants = layout;
    char *name = (char *)layout + size;
    memcpy(name, group->part[CODES]->name, stem_len);
    memcpy(name + stem_len, suffix, sizeof(suffix) - 1);
    group->name = name;
    group->name_len = (uint32_t)(stem_len + sizeof(suffix) - 1);
    return NULL;
}

static const char gptq_name[] = "gptq", awq_name[] = "awq";

static enum mxfs_verdict match_gptq(struct mxfs_match *match, size_t index,
                                    struct mxfs_group *group)
{
    const struct mxfs_tensor *t = match->tensors->sorted[index];
    const char *const method = match->config->method;
    size_t stem_len;

    if (!mxfs_tensor_has_suffix(t, ".qweight", &stem_len))
        return MXFS_NO_MATCH;
    const struct mxfs_tensor *zeros = mxfs_match_companion(match, index, stem_len, ".qzeros");
    const struct mxfs_tensor *scales = mxfs_match_companion(match, index, stem_len, ".scales");
    const char *name = strcmp(method, "awq") == 0 ? awq_name : gptq_name;
    if (t->dtype != MXFS_I32 && !zeros && !scales)
        return MXFS_NO_MATCH;
    mxfs_match_add_part(group, t);
    if (t->dtype != MXFS_I32)
        return mxfs_match_refuse(match, method[0] != '\0' ? name : "qweight",
                                 "codes that are not in words of 32 bits");
    if (!zeros || !scales)
        return mxfs_match_refuse_half(match, name, "its zeros or scales are missing");
    mxfs_match_add_part(group, zeros);
    mxfs_match_add_part(group, scales);
    const char *reason = fit(match, group, mxfs_match_companion(match, index, stem_len, ".g_idx"));
    if (!reason)
        reason = choose_version(match, group);
    if (!reason)
        reason = set_name(group, stem_len);
    if (reason)
        return mxfs_match_refuse(match, name, reason);
    group->via = mxfs_int_via(scales);
    group->strip = choose_strip(group, match->unit_max);
    mxfs_int_choose_out(match, group);
    return MXFS_MATCH;
}

/* Operations by unit. */

static void unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit)
{
    unit->group = group;
    unit->index = element / group->cols / group->strip;
    uint64_t n = unit_columns(unit);
    unit->first = unit->index * group->strip * group->cols;
    unit->count = n * group->cols;
    unit->bytes = packed_size(group, n);
}

/* Bits that a column takes in a row of a part. */
static uint64_t column_bits(const struct mxfs_group *g, unsigned part)
{
    if (part == SCALES)
        return mxfs_scale_size(g->part[SCALES]->dtype) * 8;
    return part == CODES && g->format != AWQ ? 32 : layout_of(g)->bits;
}

static void strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *out)
{
    const struct mxfs_group *group = unit->group;
    uint64_t n = unit_columns(unit), bits = column_bits(group, part);

    *out = (struct mxfs_strips){0};
    if (part == G_IDX)
        return; /* read when matching */
    out->offset = unit->index * group->strip / 8 * bits;
    out->width = n * bits / 8;
    out->stride = group->rows * bits / 8;
    out->rows = group->part[part]->shape[0];
}

static uint8_t zero_field(const struct mxfs_group *g, const uint8_t *row, uint64_t n)
{
    unsigned bits = layout_of(g)->bits;
    uint64_t at = g->format == AWQ ? (n / 8 * 8 + awq_place[n % 8]) * 4 : n * bits;
    return (uint8_t)(row[at / 8] >> at % 8 & ((1u << bits) - 1));
}

static void pack_scales(const struct mxfs_group *g, const struct mxfs_rows *rows, uint64_t n,
                        uint8_t *scales)
{
    unsigned size = mxfs_scale_size(g->part[SCALES]->dtype);
    uint64_t groups = layout_of(g)->groups;

    for (uint64_t r = 0; r < rows->count; r++) {
        const uint8_t *src = rows->src + r * rows->stride;
        for (uint64_t i = 0; i < n; i++)
            memcpy(scales + (i * groups + rows->first + r) * size, src + i * size, size);
    }
}

static void pack_zeros(const struct mxfs_group *g, const struct mxfs_rows *rows, uint64_t n,
                       uint8_t *zeros)
{
    uint64_t groups = layout_of(g)->groups;

    for (uint64_t r = 0; r < rows->count; r++) {
        for (uint64_t i = 0; i < n; i++)
            zeros[i * groups + rows->first + r] = zero_field(g, rows->src + r * rows->stride, i);
    }
}

static void pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                 const struct mxfs_rows *rows, uint8_t *packed)
{
    const struct mxfs_group *group = unit->group;
    uint64_t n = unit_columns(unit), stride = code_stride(group);
    uint8_t *scales = packed + code_rows(group, n) * stride;

    if (rows->part == SCALES)
        pack_scales(group, rows, n, scales);
    else if (rows->part == ZEROS)
        pack_zeros(group, rows, n, scales + n * scale_octets(group));
    else if (rows->part == CODES && group->format == AWQ)
        codec->kernel->transpose(
            packed + rows->first,
            &(struct mxfs_transpose){rows->src, rows->stride, stride, rows->count, n / 2});
    else if (rows->part == CODES)
        codec->kernel->transpose_words(
            packed + rows->first * 4,
            &(struct mxfs_transpose){rows->src, rows->stride, stride, rows->count, n});
}

/* Entries of the current row. */
struct context {
    const uint8_t *scales, *zeros;
};

static void entries(const struct mxfs_int_row *row, uint64_t group, size_t n, float *scales,
                    float *zeros, float *biases)
{
    const struct context *c = row->context;
    uint8_t dtype = row->group->part[SCALES]->dtype;
    int less = (1 << (row->layout->bits - 1)) - (row->group->format == GPTQ_V1);

    (void)biases;
    mxfs_scales_load(row->codec, scales, c->scales + group * mxfs_scale_size(dtype), n, dtype);
    for (size_t i = 0; i < n; i++)
        zeros[i] = (float)(c->zeros[group + i] - less);
}

static struct mxfs_int_row row_of(const struct mxfs_group *g, const struct mxfs_codec *codec,
                                  const uint8_t *packed, uint64_t row)
{
    uint64_t place = g->format == AWQ ? row / 8 * 8 + awq_place[row % 8] : row;
    const uint8_t *codes = packed + code_rows(g, place) * code_stride(g);
    return (struct mxfs_int_row){
        .group = g,
        .layout = layout_of(g),
        .codec = codec,
        .codes = codes,
        .nibbles = g->format != AWQ ? MXFS_NIBBLES_LOW_FIRST
                   : place % 2 == 0 ? MXFS_NIBBLES_LOW
                                    : MXFS_NIBBLES_HIGH,
        .zeros = true,
        .entries = entries,
    };
}

static void unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                   const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst)
{
    const struct mxfs_group *group = unit->group;
    uint64_t n = unit_columns(unit), at = first - unit->first;
    const uint8_t *scales = packed + code_rows(group, n) * code_stride(group);
    const uint8_t *zeros = scales + n * scale_octets(group);

    while (count > 0) {
        uint64_t r = at / group->cols, column = at % group->cols;
        uint64_t run = mxfs_min_u64(group->cols - column, count);
        struct context c = {scales + r * scale_octets(group), zeros + r * layout_of(group)->groups};
        struct mxfs_int_row row = row_of(group, codec, packed, r);
        row.context = &c;
        mxfs_int_columns(&row, column, run, dst);
        dst += run * mxfs_out_size(group->out);
        at += run;
        count -= run;
    }
}

const struct mxfs_scheme mxfs_scheme_gptq = {
    .name = "gptq-awq",
    .summary = "GPTQ, AWQ: X.qweight + X.qzeros + X.scales -> X.weight [N, K]",
    .match = match_gptq,
    .unit_at = unit_at,
    .strips = strips,
    .pack = pack,
    .unpack = unpack,
};
