/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Rows of integer codes in the order of the output.
 *
 * Packed zeros are codes like the others, but run down the rows of a matrix: that of (row n, group
 * j) begins at bit n * bits of the words of column j.
 */
#include "integers.h"

#include <string.h>

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
    unsigned size = scheme_scale_size(group->part[l->scales]->dtype);
    uint64_t start = code_start(l, r.row, r.column);
    uint64_t end = code_end(l, r.last_row, r.last_column);

    if (l->row_pairs && r.row != r.last_row) { /* either end may share its bytes with a whole row */
        start = stored_row(l, r.row) * l->row_bytes;
        end = (stored_row(l, r.last_row) + 1) * l->row_bytes;
    }
    memset(spans, 0, group->parts * sizeof(*spans));
    spans[0] = (struct mxfs_span){start, end - start};
    spans[l->scales] = entries_span(l, &r, size);
    if (l->zeros)
        spans[l->zeros] = l->zeros_packed ? zeros_span(group, &r) : entries_span(l, &r, 1);
    if (l->biases)
        spans[l->biases] = entries_span(l, &r, size);
    if (l->columns)
        spans[l->columns] = scheme_whole_span(group, l->columns);
}

/* Where the entries of a row lie in the spans of a run: those of the group that `row` begins with.
 */
static void set_entries(struct scheme_int_row *row, const struct run *r, uint64_t at,
                        const uint8_t *const src[MXFS_PARTS_MAX])
{
    const struct mxfs_group *g = row->group;
    const struct scheme_int *l = row->layout;
    uint64_t skip = entry_of(l, at, row->entry) - entry_of(l, r->row, r->group);
    unsigned size = scheme_scale_size(g->part[l->scales]->dtype);

    row->scales = src[l->scales] + skip * size;
    if (l->biases)
        row->biases = src[l->biases] + skip * size;
    if (l->zeros && l->zeros_packed)
        skip = (zero_row(g, at, &row->bit) * l->groups + row->entry - first_zero(g, r)) * 4;
    if (l->zeros)
        row->zeros = src[l->zeros] + skip;
}

void scheme_int_decode(const struct mxfs_group *group, const struct mxfs_codec *codec,
                       uint64_t first, uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX],
                       uint8_t *dst)
{
    const struct scheme_int *l = layout_of(group);
    struct run r = run_of(group, first, count);
    struct mxfs_span spans[MXFS_PARTS_MAX];

    scheme_int_spans(group, first, count, spans);
    for (uint64_t at = r.row, column = r.column; count > 0; column = 0, at++) {
        uint64_t n = mxfs_min_u64(l->cols - column, count);
        struct scheme_int_row row = {
            .group = group,
            .layout = l,
            .codec = codec,
            .codes = src[0] + (code_start(l, at, column) - spans[0].offset),
            .base = column / scheme_int_step(l) * scheme_int_step(l),
            .nibbles = !l->row_pairs ? MXFS_NIBBLES_LOW_FIRST
                       : at % 2 == 0 ? MXFS_NIBBLES_LOW
                                     : MXFS_NIBBLES_HIGH,
            .factors = l->columns ? src[l->columns] : NULL,
            .entry = at == r.row ? r.group : 0,
        };
        set_entries(&row, &r, at, src);
        scheme_int_columns(&row, column, n, dst);
        dst += n * mxfs_out_size(group->out);
        count -= n;
    }
}
