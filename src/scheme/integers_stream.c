/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Rows of integer codes in the order of the output.
 *
 * Packed zeros are codes too, but run down the rows of a matrix: the zero of row n and group j
 * begins at bit n * bits of the words of column j.
 */
#include "integers.h"

#include <string.h>

#include "mxfs/bytes.h"
#include "scales.h"

static const struct scheme_int *layout_of(const struct mxfs_group *g)
{
    return g->layout;
}

/* Where a run of elements lies, in rows of the flat output. */
struct place {
    uint64_t row, column;           /* of the first element */
    uint64_t last_row, last_column; /* of the last */
    uint64_t group, last_group;     /* of these columns; all groups if columns are reordered */
};

static struct place place_of(const struct mxfs_group *g, uint64_t first, uint64_t count)
{
    const struct scheme_int *l = layout_of(g);
    uint64_t last = first + count - 1;
    struct place p = {first / l->cols, first % l->cols, last / l->cols, last % l->cols, 0, 0};
    p.last_group = l->groups - 1;
    if (l->block_cols > 0) {
        p.group = p.column / l->block_cols;
        p.last_group = p.last_column / l->block_cols;
    }
    return p;
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

static struct mxfs_span code_span(const struct scheme_int *l, const struct place *p)
{
    /* Either end may share its bytes with a whole row. */
    bool whole = l->row_pairs && p->row != p->last_row;
    uint64_t start = code_start(l, p->row, whole ? 0 : p->column);
    uint64_t end = code_end(l, p->last_row, whole ? l->cols - 1 : p->last_column);

    return (struct mxfs_span){start, end - start};
}

static uint64_t entry_of(const struct scheme_int *l, uint64_t row, uint64_t group)
{
    return l->one_scale ? 0 : row * l->groups + group;
}

static struct mxfs_span entries_span(const struct scheme_int *l, const struct place *p,
                                     unsigned size)
{
    uint64_t first = entry_of(l, p->row, p->group);
    return (struct mxfs_span){first * size,
                              (entry_of(l, p->last_row, p->last_group) - first + 1) * size};
}

/* The row of words that a packed zero begins in, counted over all matrices, and the bit. */
static uint64_t zero_row(const struct mxfs_group *g, uint64_t row, unsigned *bit)
{
    const struct scheme_int *l = layout_of(g);
    uint64_t n = row % l->rows;
    uint64_t word = l->per_word ? n / l->per_word : n * l->bits / 32;
    *bit = (unsigned)(l->per_word ? n % l->per_word * l->bits : n * l->bits % 32);
    return row / l->rows * l->zero_rows + word;
}

static uint64_t first_zero(const struct mxfs_group *g, const struct place *p)
{
    unsigned bit;
    uint64_t words = zero_row(g, p->row, &bit) * layout_of(g)->groups;
    return p->row == p->last_row ? words + p->group : words;
}

static struct mxfs_span zeros_span(const struct mxfs_group *g, const struct place *p)
{
    const struct scheme_int *l = layout_of(g);
    unsigned bit;
    uint64_t last = zero_row(g, p->last_row, &bit);
    uint64_t first = first_zero(g, p);
    if (bit + l->bits > 32)
        last++;
    uint64_t end = last * l->groups + (p->row == p->last_row ? p->last_group + 1 : l->groups);
    return (struct mxfs_span){first * 4, (end - first) * 4};
}

void scheme_int_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct mxfs_span spans[MXFS_PARTS_MAX])
{
    const struct scheme_int *l = layout_of(group);
    struct place p = place_of(group, first, count);
    unsigned size = scheme_scale_size(group->part[l->scales]->dtype);

    memset(spans, 0, group->parts * sizeof(*spans));
    spans[0] = code_span(l, &p);
    spans[l->scales] = entries_span(l, &p, size);
    if (l->zeros)
        spans[l->zeros] = l->zeros_packed ? zeros_span(group, &p) : entries_span(l, &p, 1);
    if (l->biases)
        spans[l->biases] = entries_span(l, &p, size);
    if (l->columns)
        spans[l->columns] = scheme_whole_span(group, l->columns);
}

/* Finds the entries of row `at`, from group row->entry on, in the bytes of a run. */
static void set_entries(struct scheme_int_row *row, const struct place *p, uint64_t at,
                        const uint8_t *const src[MXFS_PARTS_MAX])
{
    const struct mxfs_group *g = row->group;
    const struct scheme_int *l = row->layout;
    uint64_t skip = entry_of(l, at, row->entry) - entry_of(l, p->row, p->group);
    unsigned size = scheme_scale_size(g->part[l->scales]->dtype);

    row->scales = src[l->scales] + skip * size;
    if (l->biases)
        row->biases = src[l->biases] + skip * size;
    if (l->zeros && l->zeros_packed)
        skip = (zero_row(g, at, &row->bit) * l->groups + row->entry - first_zero(g, p)) * 4;
    if (l->zeros)
        row->zeros = src[l->zeros] + skip;
}

void scheme_int_decode(const struct mxfs_run *run)
{
    const struct mxfs_group *group = run->group;
    const struct scheme_int *l = layout_of(group);
    struct place p = place_of(group, run->first, run->count);
    uint64_t left = run->count, start = code_span(l, &p).offset;
    uint8_t *dst = run->dst;

    for (uint64_t at = p.row, column = p.column; left > 0; column = 0, at++) {
        uint64_t n = mxfs_min_u64(l->cols - column, left);
        struct scheme_int_row row = {
            .group = group,
            .layout = l,
            .codec = run->codec,
            .codes = run->src[0] + (code_start(l, at, column) - start),
            .base = column / scheme_int_step(l) * scheme_int_step(l),
            .nibbles = !l->row_pairs ? MXFS_NIBBLES_LOW_FIRST
                       : at % 2 == 0 ? MXFS_NIBBLES_LOW
                                     : MXFS_NIBBLES_HIGH,
            .factors = l->columns ? run->src[l->columns] : NULL,
            .entry = at == p.row ? p.group : 0,
        };
        set_entries(&row, &p, at, run->src);
        scheme_int_columns(&row, column, n, dst);
        dst += n * mxfs_out_size(group->out);
        left -= n;
    }
}
