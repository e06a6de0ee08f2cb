/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Rows of integer codes in the order of the output.
 *
 * Packed zeros are codes like the others, but run down the rows of a matrix: that of (row n, group
 * j) begins at bit n * bits of the words of column j.
 */
#include "integers.h"

#include "mxfs/bytes.h"
#include "scales.h"

static const struct scheme_int *layout_of(const struct mxfs_group *g)
{
    return g->layout;
}

/* A run of elements, by rows of the flat output. */
struct run {
    uint64_t row, column;           /* of the first element */
    uint64_t last_row, last_column; /* of the last */
    uint64_t group, last_group;     /* of these columns; all of them where rows are reordered */
};

static struct run run_of(const struct mxfs_group *g, uint64_t first, uint64_t count)
{
    const struct scheme_int *l = layout_of(g);
    uint64_t last = first + count - 1;
    struct run r = {first / l->cols, first % l->cols, last / l->cols, last % l->cols, 0, 0};
    r.last_group = l->groups - 1;
    if (l->block_cols > 0) {
        r.group = r.column / l->block_cols;
        r.last_group = r.last_column / l->block_cols;
    }
    return r;
}

static uint64_t stored_row(const struct scheme_int *l, uint64_t row)
{
    return l->row_pairs ? row / 2 : row;
}

static uint64_t code_start(const struct scheme_int *l, uint64_t row, uint64_t column)
{
    uint64_t step = scheme_int_step(l);
    return stored_row(l, row) * l->row_bytes + scheme_int_bytes(l, column / step * step);
}

static uint64_t code_end(const struct scheme_int *l, uint64_t row, uint64_t column)
{
    uint64_t step = scheme_int_step(l);
    uint64_t bytes = scheme_int_bytes(l, (column / step + 1) * step);
    return stored_row(l, row) * l->row_bytes + mxfs_min_u64(bytes, l->row_bytes);
}

static uint64_t entry_of(const struct scheme_int *l, uint64_t row, uint64_t group)
{
    return l->one_scale ? 0 : row * l->groups + group;
}

static struct mxfs_span entries_span(const struct scheme_int *l, const struct run *r, unsigned size)
{
    uint64_t first = entry_of(l, r->row, r->group);
    return (struct mxfs_span){first * size,
                              (entry_of(l, r->last_row, r->last_group) - first + 1) * size};
}

/* The words of a packed zero: the row among those of all matrices, and the bit. */
static uint64_t zero_row(const struct mxfs_group *g, uint64_t row, unsigned *bit)
{
    const struct scheme_int *l = layout_of(g);
    uint64_t n = row % l->rows;
    uint64_t word = l->per_word ? n / l->per_word : n * l->bits / 32;
    *bit = (unsigned)(l->per_word ? n % l->per_word * l->bits : n * l->bits % 32);
    return row / l->rows * l->zero_rows + word;
}

static uint64_t first_zero(const struct mxfs_group *g, const struct run *r)
{
    unsigned bit;
    uint64_t words = zero_row(g, r->row, &bit) * layout_of(g)->groups;
    return r->row == r->last_row ? words + r->group : words;
}

static struct mxfs_span zeros_span(const struct mxfs_group *g, const struct run *r)
{
    const struct scheme_int *l = layout_of(g);
    unsigned bit;
    uint64_t last = zero_row(g, r->last_row, &bit);
    uint64_t first = first_zero(g, r);
    if (bit + l->bits > 32)
        last++;
    uint64_t end = last * l->groups + (r->row == r->last_row ? r->last_group + 1 : l->groups);
    return (struct mxfs_span){first * 4, (end - first) * 4};
}

void scheme_int_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct mxfs_span spans[MXFS_PARTS_MAX])
{
    const struct scheme_int *l = layout_of(group);
    struct run r = run_of(group, first, count);
    uint64_t start = code_start(l, r.row, r.column);
    uint64_t end = code_end(l, r.last_row, r.last_column);

    if (l->row_pairs && r.row != r.last_row) { /* either end may share its bytes with a whole row */
        start = stored_row(l, r.row) * l->row_bytes;
        end = (stored_row(l, r.last_row) + 1) * l->row_bytes;
    }
    for (unsigned i = 0; i < group->parts; i++)
        spans[i] = (struct mxfs_span){0, 0};
    spans[0] = (struct mxfs_span){start, end - start};
    spans[1] = entries_span(l, &r, scheme_scale_size(group->part[1]->dtype));
    if (l->zeros)
        spans[l->zeros] = l->zeros_packed ? zeros_span(group, &r) : entries_span(l, &r, 1);
    if (l->biases)
        spans[l->biases] = entries_span(l, &r, scheme_scale_size(group->part[l->biases]->dtype));
    if (l->columns)
        spans[l->columns] = (struct mxfs_span){0, group->part[l->columns]->size};
}

/* Where entries of the current row come from. */
struct context {
    const uint8_t *const *src;
    uint64_t row;
    uint64_t first_entry, first_zero; /* those that src begins with */
};

static void packed_zeros(const struct scheme_int_row *row, uint64_t group, size_t n, float *zeros)
{
    const struct context *c = row->context;
    const struct scheme_int *l = row->layout;
    unsigned bit;
    uint64_t at = zero_row(row->group, c->row, &bit) * l->groups + group - c->first_zero;
    const uint8_t *words = c->src[l->zeros] + at * 4;

    for (size_t i = 0; i < n; i++, words += 4) {
        uint64_t pair = mxfs_load_le32(words);
        if (bit + l->bits > 32)
            pair |= (uint64_t)mxfs_load_le32(words + l->groups * 4) << 32;
        int code = (int)(pair >> bit & ((1u << l->bits) - 1));
        zeros[i] = (float)(code - (1 << (l->bits - 1)));
    }
}

static void entries(const struct scheme_int_row *row, uint64_t group, size_t n, float *scales,
                    float *zeros, float *biases)
{
    const struct context *c = row->context;
    const struct scheme_int *l = row->layout;
    const struct mxfs_tensor *const *part = row->group->part;
    uint64_t at = entry_of(l, c->row, group) - c->first_entry;

    scheme_scale_load(row->codec, scales, c->src[1] + at * scheme_scale_size(part[1]->dtype), n,
                      part[1]->dtype);
    if (l->zeros && l->zeros_packed)
        packed_zeros(row, group, n, zeros);
    for (size_t i = 0; l->zeros && !l->zeros_packed && i < n; i++)
        zeros[i] = (int8_t)c->src[l->zeros][at + i];
    if (biases)
        scheme_scale_load(row->codec, biases,
                          c->src[l->biases] + at * scheme_scale_size(part[l->biases]->dtype), n,
                          part[l->biases]->dtype);
}

void scheme_int_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                       uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                       uint8_t *dst)
{
    const struct scheme_int *l = layout_of(group);
    struct run r = run_of(group, first, count);
    struct mxfs_span spans[MXFS_PARTS_MAX];
    struct context c = {.src = src, .row = r.row, .first_entry = entry_of(l, r.row, r.group)};

    scheme_int_spans(group, first, count, spans);
    c.first_zero = l->zeros && l->zeros_packed ? first_zero(group, &r) : 0;
    for (uint64_t column = r.column; count > 0; column = 0, c.row++) {
        uint64_t n = mxfs_min_u64(l->cols - column, count);
        uint64_t base = column / scheme_int_step(l) * scheme_int_step(l);
        struct scheme_int_row row = {
            .group = group,
            .layout = l,
            .codec = codec,
            .codes = src[0] + (code_start(l, c.row, column) - spans[0].offset),
            .base = base,
            .nibbles = !l->row_pairs    ? MXFS_NIBBLES_LOW_FIRST
                       : c.row % 2 == 0 ? MXFS_NIBBLES_LOW
                                        : MXFS_NIBBLES_HIGH,
            .factors = l->columns ? src[l->columns] : NULL,
            .zeros = l->zeros != 0,
            .biases = l->biases != 0,
            .entries = entries,
            .context = &c,
        };
        scheme_int_columns(&row, column, n, dst);
        dst += n * mxfs_out_size(group->out);
        count -= n;
    }
}
