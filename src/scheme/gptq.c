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
 * A unit is a strip of columns, all of K: a run of rows of the output. It is transposed when it is
 * loaded, so that the codes of a row follow each other; in AWQ, where two columns share a byte, the
 * codes of two rows do. The scales and the zeros of each row come next, a byte for each zero.
 *
 * Sources: ModelCloud/GPTQModel gptqmodel/nn_modules/qlinear; AutoAWQ awq/utils/packing_utils.py;
 * auto-round's export of both.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "integers.h"
#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "scales.h"

enum { CODES, ZEROS, SCALES, G_IDX };

enum { WORDS = SCHEME_BIT(I32) | SCHEME_BIT(U32) };

static const struct scheme_form forms[] = {
    {.output = ".weight",
     .part = {{SCHEME_CODES, ".qweight", SCHEME_BIT(I32), 0},
              {SCHEME_ZEROS, ".qzeros", WORDS, SCHEME_NEEDED | SCHEME_ALONE},
              {SCHEME_SCALES, ".scales", SCHEME_LINEAR, SCHEME_NEEDED},
              {SCHEME_G_IDX, ".g_idx", SCHEME_BIT(I32), 0}}},
    {0},
};

/* A number of columns whose words fill cache lines, also in AWQ, with eight columns to a word. */
enum { COLUMNS = 128, CACHE_LINE = 64 };

/* Column 8j + i is this nibble of word j, counted from the lowest. */
static const uint8_t awq_place[8] = {0, 4, 1, 5, 2, 6, 3, 7};

static const struct scheme_int *layout_of(const struct mxfs_group *g)
{
    return g->layout;
}

static bool is_awq(const struct mxfs_group *g)
{
    return layout_of(g)->words == SCHEME_INT_AWQ;
}

/* Geometry of a unit. */

/* Bytes from one row of transposed codes to the next: an odd number of cache lines, so that lines
 * written together do not fall into the same few cache sets. */
static uint64_t code_stride(const struct mxfs_group *g)
{
    uint64_t bytes = is_awq(g) ? layout_of(g)->cols : layout_of(g)->row_bytes;
    return mxfs_align_up(bytes, CACHE_LINE) | CACHE_LINE;
}

/* Rows of codes for n rows of the output. */
static uint64_t code_rows(const struct mxfs_group *g, uint64_t n)
{
    return is_awq(g) ? n / 2 : n;
}

static uint64_t scale_bytes(const struct mxfs_group *g)
{
    return layout_of(g)->groups * scheme_scale_size(g->part[SCALES]->dtype);
}

static uint64_t packed_size(const struct mxfs_group *g, uint64_t n)
{
    return code_rows(g, n) * code_stride(g) + n * (scale_bytes(g) + layout_of(g)->groups);
}

/* As many columns as fit, spread evenly. */
static uint64_t choose_strip(const struct mxfs_group *g, uint64_t unit_max)
{
    uint64_t block = packed_size(g, COLUMNS), rows = layout_of(g)->rows;
    uint64_t most = mxfs_max_u64(unit_max / block, 1) * COLUMNS;
    uint64_t units = mxfs_max_u64(mxfs_ceil_div(rows, most), 1);
    return mxfs_align_up(mxfs_max_u64(mxfs_ceil_div(rows, units), 1), COLUMNS);
}

static uint64_t unit_columns(const struct mxfs_unit *u)
{
    const struct scheme_int *l = layout_of(u->group);
    return mxfs_min_u64(l->strip, l->rows - u->index * l->strip);
}

/* Matching. */

/* Geometry and version of the codes. */
struct codes {
    enum scheme_int_words words;
    unsigned bits; /* 0: the layout is unknown */
    uint64_t rows, cols;
};

/* Refuses under the name of the method. */
static int refuse(struct scheme_case *c, const char *reason)
{
    return scheme_refuse_as(c, strcmp(c->match->config->method, "awq") == 0 ? "awq" : "gptq",
                            reason);
}

/* The packing that the config names under GPTQ's key, AutoRound's, or a newer one. */
static const char *find_packing(const struct mxfs_quant_config *config)
{
    static const char *const keys[] = {"checkpoint_format", "packing_format", "format"};
    const char *packing = "";

    for (size_t i = 0; i < MXFS_COUNT(keys) && packing[0] == '\0'; i++)
        packing = mxfs_scheme_config_string(config, keys[i]);
    return packing;
}

static int choose_gptq_version(struct scheme_case *c, struct codes *codes)
{
    const char *packing = find_packing(c->match->config);

    if (strcmp(packing, "gptq_v2") == 0)
        codes->words = SCHEME_INT_GPTQ_V2;
    else if (packing[0] != '\0' && strcmp(packing, "gptq") != 0)
        return refuse(c, "only the checkpoint formats gptq and gptq_v2 are supported");
    else if (!c->match->config->quantized)
        return refuse(c, "the version of its zeros cannot be told without a config");
    return 0;
}

/* Checks the config, and finds the version of GPTQ. */
static int choose_version(struct scheme_case *c, struct codes *codes)
{
    const struct mxfs_quant_config *config = c->match->config;
    bool awq = codes->words == SCHEME_INT_AWQ;

    if (strcmp(config->method, awq ? "gptq" : "awq") == 0)
        return refuse(c, scheme_no_fit);
    if (strcmp(config->method, "auto-round") == 0) {
        const char *packing = find_packing(config), *colon = strchr(packing, ':');
        if (strcmp(colon ? colon + 1 : packing, awq ? "auto_awq" : "auto_gptq") != 0)
            return refuse(c, "its packing_format is not one of auto_gptq and auto_awq");
        return 0;
    }
    if (!awq)
        return choose_gptq_version(c, codes);
    const char *version = mxfs_scheme_config_string(config, "version");
    if (version[0] != '\0' && strcasecmp(version, "gemm") != 0)
        return refuse(c, "only AWQ's gemm layout is supported");
    return 0;
}

/* Derives bits, rows and columns from the shapes of codes, zeros and scales. */
static void read_shapes(const struct scheme_case *c, struct codes *codes)
{
    const uint64_t *words = c->of[SCHEME_CODES]->shape, *zeros = c->of[SCHEME_ZEROS]->shape;
    const uint64_t *scales = c->of[SCHEME_SCALES]->shape;

    *codes = (struct codes){.rows = scales[1]};
    if (zeros[0] != scales[0] || scales[0] == 0 || scales[1] == 0)
        return;
    if (words[1] == zeros[1] && words[1] <= UINT64_MAX / 8 && words[1] * 8 == scales[1]) {
        codes->words = SCHEME_INT_AWQ;
        codes->bits = 4;
        codes->cols = words[0];
    } else if (words[1] == scales[1] && zeros[1] <= UINT64_MAX / 32 &&
               zeros[1] * 32 % scales[1] == 0 && zeros[1] * 32 / scales[1] <= 8) {
        codes->bits = (unsigned)(zeros[1] * 32 / scales[1]);
        codes->cols = codes->bits ? words[0] * (32 / codes->bits) : 0;
    }
}

/* Whether the config has that width, or has none. */
static bool config_has(const struct mxfs_quant_config *config, unsigned bits)
{
    for (uint32_t i = 0; i < config->width_count && i < MXFS_WIDTHS_MAX; i++) {
        if (config->widths[i].bits == bits)
            return true;
    }
    return config->width_count == 0 || config->width_count > MXFS_WIDTHS_MAX;
}

/* Checks shapes, bits and version. */
static int check_codes(struct scheme_case *c, struct codes *codes)
{
    const struct mxfs_tensor *zeros = c->of[SCHEME_ZEROS];

    if (zeros->dtype != MXFS_I32 || c->of[SCHEME_CODES]->rank != 2 || zeros->rank != 2 ||
        c->of[SCHEME_SCALES]->rank != 2)
        return refuse(c, scheme_no_fit);
    read_shapes(c, codes);
    if (codes->bits == 0 || !config_has(c->match->config, codes->bits))
        return refuse(c, scheme_no_fit);
    if (codes->bits != 2 && codes->bits != 4 && codes->bits != 8)
        return refuse(c, "only codes of 2, 4 and 8 bits are supported");
    return choose_version(c, codes);
}

static int fit_layout(struct scheme_case *c, const struct codes *codes)
{
    struct scheme_int *l = scheme_int_new(c, codes->bits, MXFS_CODE8_OFFSET);

    if (!l)
        return -ENOMEM;
    l->words = codes->words;
    l->rows = codes->rows;
    l->cols = codes->cols;
    l->groups = c->of[SCHEME_SCALES]->shape[0];
    l->row_bytes = c->of[SCHEME_CODES]->shape[0] * 4; /* in GPTQ, a column of words */
    l->block_cols = l->cols % l->groups == 0 ? l->cols / l->groups : 0;
    if (!c->of[SCHEME_G_IDX] && l->block_cols == 0 && l->cols > 0)
        return refuse(c, scheme_int_uneven);
    return scheme_int_read_groups(c, false);
}

static int fit(struct scheme_case *c)
{
    struct codes codes = {0};
    int rc = check_codes(c, &codes);

    if (rc == 0)
        rc = scheme_set_shape(c, (uint64_t[]){codes.rows, codes.cols}, 2);
    if (rc == 0)
        rc = fit_layout(c, &codes);
    if (rc != 0)
        return rc;
    struct scheme_int *l = c->group->layout;
    l->strip = choose_strip(c->group, c->match->options->unit_max);
    scheme_int_choose_out(c);
    return 0;
}

/* Operations by unit. */

static void unit_at(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit)
{
    const struct scheme_int *l = layout_of(group);

    unit->group = group;
    unit->index = element / l->cols / l->strip;
    uint64_t n = unit_columns(unit);
    unit->first = unit->index * l->strip * l->cols;
    unit->count = n * l->cols;
    unit->bytes = packed_size(group, n);
}

/* Bits of a column in a row of a part. */
static uint64_t column_bits(const struct mxfs_group *g, unsigned part)
{
    if (part == SCALES)
        return scheme_scale_size(g->part[SCALES]->dtype) * 8;
    return part == CODES && !is_awq(g) ? 32 : layout_of(g)->bits;
}

static void strips(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *out)
{
    const struct mxfs_group *group = unit->group;
    uint64_t n = unit_columns(unit), bits = column_bits(group, part);

    *out = (struct mxfs_strips){0};
    if (part == G_IDX)
        return; /* read when matching */
    out->offset = unit->index * layout_of(group)->strip / 8 * bits;
    out->width = n * bits / 8;
    out->stride = layout_of(group)->rows * bits / 8;
    out->rows = group->part[part]->shape[0];
}

static uint8_t zero_field(const struct mxfs_group *g, const uint8_t *row, uint64_t n)
{
    unsigned bits = layout_of(g)->bits;
    uint64_t at = is_awq(g) ? (n / 8 * 8 + awq_place[n % 8]) * 4 : n * bits;
    return (uint8_t)((unsigned)row[at / 8] >> at % 8 & ((1u << bits) - 1));
}

/* Packs scales of `n` columns; `scales` is where the first of these columns has its own. */
static void pack_scales(const struct mxfs_group *g, const struct mxfs_rows *rows, uint64_t n,
                        uint8_t *scales)
{
    unsigned size = scheme_scale_size(g->part[SCALES]->dtype);
    uint64_t groups = layout_of(g)->groups;

    for (uint64_t r = 0; r < rows->count; r++) {
        const uint8_t *src = rows->src + r * rows->stride;
        for (uint64_t i = 0; i < n; i++)
            memcpy(scales + (i * groups + rows->first + r) * size, src + i * size, size);
    }
}

/* The same for zero points. */
static void pack_zeros(const struct mxfs_group *g, const struct mxfs_rows *rows, uint64_t n,
                       uint8_t *zeros)
{
    uint64_t groups = layout_of(g)->groups;

    for (uint64_t r = 0; r < rows->count; r++) {
        for (uint64_t i = 0; i < n; i++)
            zeros[i * groups + rows->first + r] = zero_field(g, rows->src + r * rows->stride, i);
    }
}

static void pack_codes(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                       const struct mxfs_rows *rows, uint8_t *packed)
{
    uint64_t stride = code_stride(unit->group);
    struct mxfs_transpose in = {rows->src, rows->stride, stride, rows->count, rows->width};

    if (is_awq(unit->group)) {
        codec->kernel->transpose(packed + rows->at * stride + rows->first, &in);
        return;
    }
    in.cols /= 4;
    codec->kernel->transpose_words(packed + rows->at / 4 * stride + rows->first * 4, &in);
}

static void pack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                 const struct mxfs_rows *rows, uint8_t *packed)
{
    const struct mxfs_group *group = unit->group;
    uint64_t columns = unit_columns(unit), bits = column_bits(group, rows->part);
    uint64_t first = rows->at * 8 / bits, n = rows->width * 8 / bits;
    uint8_t *scales = packed + code_rows(group, columns) * code_stride(group);
    uint8_t *zeros = scales + columns * scale_bytes(group);

    if (rows->part == SCALES)
        pack_scales(group, rows, n, scales + first * scale_bytes(group));
    else if (rows->part == ZEROS)
        pack_zeros(group, rows, n, zeros + first * layout_of(group)->groups);
    else if (rows->part == CODES)
        pack_codes(unit, codec, rows, packed);
}

/* Row `r` of a packed unit of `n` rows. */
static struct scheme_int_row row_of(const struct mxfs_group *g, const uint8_t *packed, uint64_t n,
                                    uint64_t r)
{
    const struct scheme_int *l = layout_of(g);
    uint64_t place = is_awq(g) ? r / 8 * 8 + awq_place[r % 8] : r;
    const uint8_t *scales = packed + code_rows(g, n) * code_stride(g);
    return (struct scheme_int_row){
        .group = g,
        .layout = l,
        .codes = packed + code_rows(g, place) * code_stride(g),
        .nibbles = !is_awq(g)       ? MXFS_NIBBLES_LOW_FIRST
                   : place % 2 == 0 ? MXFS_NIBBLES_LOW
                                    : MXFS_NIBBLES_HIGH,
        .scales = scales + r * scale_bytes(g),
        .zeros = scales + n * scale_bytes(g) + r * l->groups,
        .less = (1 << (l->bits - 1)) - (l->words == SCHEME_INT_GPTQ_V1),
    };
}

static void unpack(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                   const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst)
{
    const struct mxfs_group *group = unit->group;
    uint64_t n = unit_columns(unit), at = first - unit->first, cols = layout_of(group)->cols;

    while (count > 0) {
        uint64_t column = at % cols, run = mxfs_min_u64(cols - column, count);
        struct scheme_int_row row = row_of(group, packed, n, at / cols);
        row.codec = codec;
        scheme_int_columns(&row, column, run, dst);
        dst += run * mxfs_out_size(group->out);
        at += run;
        count -= run;
    }
}

const struct mxfs_scheme scheme_gptq = {
    .name = "gptq-awq",
    .writers = "GPTQ, AWQ, AutoRound",
    .methods = "gptq,awq,auto-round",
    .forms = forms,
    .fit = fit,
    .unit_at = unit_at,
    .strips = strips,
    .pack = pack,
    .unpack = unpack,
};
