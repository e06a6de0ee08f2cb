/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Rows of integer codes: unpacking, entries of groups, and what fits.
 */
#include "integers.h"

#include <errno.h>

#include "mxfs/bytes.h"
#include "scales.h"

const char scheme_int_bad_g_idx[] = "its g_idx does not fit its groups";
const char scheme_int_uncertain[] = "the number of bits of its codes is not certain";
const char scheme_int_uneven[] = "its columns are not a multiple of its groups";

static const char too_many[] = "its columns are reordered, and there are too many of them";

struct scheme_int *scheme_int_new(struct scheme_case *c, unsigned bits, enum mxfs_code8 meaning)
{
    /* code - 8 at [code]; fewer bits, and unsigned codes, begin further right */
    static const float numbers[24] = {-8, -7, -6, -5, -4, -3, -2, -1, 0,  1,  2,  3,
                                      4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15};
    static const float complement[16] = {0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1};
    struct scheme_int *layout = scheme_layout(c, sizeof(*layout));

    if (!layout)
        return NULL;
    layout->bits = (uint8_t)bits;
    layout->offset = (int16_t)(meaning == MXFS_CODE8_UNSIGNED ? 0 : 1 << (bits - 1));
    layout->meaning = meaning;
    layout->values = meaning == MXFS_CODE8_SIGNED ? complement : numbers + 8;
    if (meaning == MXFS_CODE8_OFFSET && bits <= 4)
        layout->values = numbers + 8 - layout->offset;
    layout->via = scheme_scale_type(c->of[SCHEME_SCALES]);
    layout->scales = c->place[SCHEME_SCALES];
    layout->zeros = c->place[SCHEME_ZEROS];
    layout->biases = c->place[SCHEME_BIASES];
    layout->columns = c->place[SCHEME_COLUMNS];
    c->group->tile = 1;
    return layout;
}

uint64_t scheme_int_step(const struct scheme_int *layout)
{
    return layout->row_pairs ? 1 : layout->per_word ? layout->per_word : 8;
}

uint64_t scheme_int_bytes(const struct scheme_int *layout, uint64_t column)
{
    if (layout->row_pairs)
        return column;
    return layout->per_word ? column / layout->per_word * 4 : column / 8 * layout->bits;
}

/* Unpacking. */

static void unpack_words(uint8_t *out, const uint8_t *src, size_t n,
                         const struct scheme_int *layout, unsigned offset)
{
    for (size_t i = 0; i < n; src += 4) {
        uint32_t word = mxfs_load_le32(src);
        for (unsigned j = 0; j < layout->per_word; j++, i++)
            out[i] = (uint8_t)((word >> (j * layout->bits) & ((1u << layout->bits) - 1)) - offset);
    }
}

/* Most columns of a row on the stack if they have factors, and if they are only unpacked; and how
 * much further unpacking may write. */
enum { CHUNK = SCHEME_NARROW_CHUNK, UNPACK_CHUNK = 4096, SLACK = 64 };

/* Finds or makes the codes of columns [column, column + n), n <= UNPACK_CHUNK, as bytes; codes of
 * fewer than 8 bits are reduced by `offset`. */
static const uint8_t *unpack(const struct scheme_int_row *row, uint64_t column, size_t n,
                             unsigned offset, uint8_t buffer[UNPACK_CHUNK + SLACK])
{
    const struct scheme_int *layout = row->layout;
    uint64_t step = scheme_int_step(layout), start = column / step * step;
    const uint8_t *src = row->codes + scheme_int_bytes(layout, start - row->base);
    size_t skip = column - start;

    if (layout->row_pairs || row->nibbles > MXFS_NIBBLES_HIGH_FIRST) {
        src = row->codes + (column - row->base);
        for (size_t i = 0; i < n; i++)
            buffer[i] =
                (uint8_t)((src[i] >> (row->nibbles == MXFS_NIBBLES_HIGH ? 4 : 0) & 15) - offset);
        return buffer;
    }
    if (layout->bits == 8)
        return src + skip;
    if (layout->per_word)
        unpack_words(buffer, src, skip + n, layout, offset);
    else
        row->codec->kernel->unpack(
            buffer, &(struct mxfs_unpack){src, skip + n, layout->bits, (uint8_t)offset});
    return buffer + skip;
}

/* Decoding. */

/* The entries of some groups. */
struct entries {
    float scales[SCHEME_SCALE_CHUNK], zeros[SCHEME_SCALE_CHUNK], biases[SCHEME_SCALE_CHUNK];
};

/* Loads packed zeros [at, at + n) of row->zeros; one may lie across the words of two rows. */
static void load_packed_zeros(const struct scheme_int_row *row, uint64_t at, size_t n, float *zeros)
{
    const struct scheme_int *layout = row->layout;
    const uint8_t *words = row->zeros + at * 4;
    unsigned bits = layout->bits;

    for (size_t i = 0; i < n; i++, words += 4) {
        uint64_t pair = mxfs_load_le32(words);
        if (row->bit + bits > 32)
            pair |= (uint64_t)mxfs_load_le32(words + layout->groups * 4) << 32;
        int code = (int)(pair >> row->bit & ((1u << bits) - 1));
        zeros[i] = (float)(code - (1 << (bits - 1)));
    }
}

/* Loads scales and zeros of groups [group, group + n). */
static void load_pairs(const struct scheme_int_row *row, uint64_t group, size_t n, float *scales,
                       float *zeros)
{
    enum mxfs_dtype dtype = row->group->part[row->layout->scales]->dtype;
    uint64_t at = group - row->entry;

    scheme_scale_load(row->codec, scales, row->scales + at * scheme_scale_size(dtype), n, dtype);
    if (row->zeros && row->layout->zeros_packed)
        load_packed_zeros(row, at, n, zeros);
    else if (row->zeros && row->less)
        for (size_t i = 0; i < n; i++)
            zeros[i] = (float)(row->zeros[at + i] - row->less);
    else if (row->zeros)
        for (size_t i = 0; i < n; i++)
            zeros[i] = (int8_t)row->zeros[at + i];
}

static void load_entries(const struct scheme_int_row *row, uint64_t group, size_t n,
                         struct entries *e, struct mxfs_affine *affine)
{
    enum mxfs_dtype dtype = row->group->part[row->layout->scales]->dtype;
    uint64_t at = group - row->entry;

    load_pairs(row, group, n, e->scales, e->zeros);
    if (row->biases)
        scheme_scale_load(row->codec, e->biases, row->biases + at * scheme_scale_size(dtype), n,
                          dtype);
    affine->scales = e->scales;
    affine->zeros = row->zeros ? e->zeros : NULL;
    affine->biases = row->biases ? e->biases : NULL;
}

static bool has_factors(const struct scheme_int_row *row)
{
    return row->layout->columns != 0;
}

/* The type that a kernel writes: the output type, or float32 for narrow(). */
static enum mxfs_out kernel_out(const struct scheme_int_row *row, struct mxfs_affine *affine)
{
    if (!has_factors(row))
        return row->group->out;
    affine->via = MXFS_OUT_F32;
    return MXFS_OUT_F32;
}

/* Multiplies n <= CHUNK values by the factors of their columns, if there are any. */
static void narrow(const struct scheme_int_row *row, uint64_t column, size_t n, const float *values,
                   uint8_t *dst)
{
    const struct scheme_narrowing narrowing = {
        .codec = row->codec,
        .out = row->group->out,
        .via = row->layout->via,
        .columns = row->group->part[row->layout->columns],
        .factors = row->factors,
    };

    if (has_factors(row))
        scheme_narrow(&narrowing, dst, values, n, column);
}

/* Decodes columns by way of a byte for each code. */
static void decode_bytes(const struct scheme_int_row *row, uint64_t column, size_t n,
                         struct mxfs_affine *affine, uint8_t *dst)
{
    uint8_t buffer[UNPACK_CHUNK + SLACK];
    float values[CHUNK];
    const struct mxfs_code8_run run = {
        .codes = unpack(row, column, n, (unsigned)row->layout->offset, buffer),
        .n = n,
        .meaning = row->layout->bits == 8 ? row->layout->meaning : MXFS_CODE8_SIGNED,
        .affine = affine,
    };

    row->codec->kernel->code8_run[kernel_out(row, affine)](has_factors(row) ? (void *)values : dst,
                                                           &run);
    narrow(row, column, n, values, dst);
}

/* Whether codes of 4 bits go to the kernel as they are. */
static bool are_nibbles(const struct scheme_int_row *row)
{
    return row->layout->bits == 4 && !row->layout->per_word;
}

/* Decodes codes of up to 4 bits, of which each group has few values; those below 4 bits are
 * unpacked first. */
static void decode_narrow(const struct scheme_int_row *row, uint64_t column, size_t n,
                          struct mxfs_affine *affine, uint8_t *dst)
{
    bool paired = are_nibbles(row) && row->nibbles <= MXFS_NIBBLES_HIGH_FIRST;
    uint64_t at = column - row->base;
    uint8_t buffer[UNPACK_CHUNK + SLACK];
    float values[CHUNK];
    const struct mxfs_code4_run run = {
        .codes = are_nibbles(row) ? row->codes + (paired ? at / 2 : at)
                                  : unpack(row, column, n, 0, buffer),
        .first = paired ? at % 2 : 0,
        .n = n,
        .nibbles = are_nibbles(row) ? row->nibbles : MXFS_NIBBLES_LOW,
        .values = row->layout->values,
        .affine = affine,
    };

    row->codec->kernel->code4_run[kernel_out(row, affine)](has_factors(row) ? (void *)values : dst,
                                                           &run);
    narrow(row, column, n, values, dst);
}

static void decode_picked(const struct scheme_int_row *row, uint64_t column, uint64_t n,
                          const float *scales, const float *zeros, uint8_t *dst)
{
    struct mxfs_affine affine = {.scales = scales, .zeros = zeros, .via = row->layout->via};
    uint64_t at = column - row->base;

    row->codec->kernel->code4_pick[row->group->out](dst,
                                                    &(struct mxfs_code4_pick){
                                                        .codes = row->codes + at / 2,
                                                        .first = at % 2,
                                                        .n = n,
                                                        .values = row->layout->values,
                                                        .affine = &affine,
                                                        .group_of = row->layout->group_of + column,
                                                        .groups = row->layout->groups,
                                                    });
}

/* Decodes columns with an entry for each. */
static void decode_by_entry(const struct scheme_int_row *row, uint64_t column, uint64_t n,
                            const float *scales, const float *zeros, uint8_t *dst)
{
    const uint16_t *group_of = row->layout->group_of;
    float scale_of[CHUNK], zero_of[CHUNK];

    while (n > 0) {
        size_t count = mxfs_min_u64(n, CHUNK);
        struct mxfs_affine affine = {.scales = scale_of,
                                     .zeros = zeros ? zero_of : NULL,
                                     .group = 1,
                                     .via = row->layout->via};
        for (size_t i = 0; i < count; i++)
            scale_of[i] = scales[group_of[column + i]];
        for (size_t i = 0; i < count && zeros; i++)
            zero_of[i] = zeros[group_of[column + i]];
        decode_bytes(row, column, count, &affine, dst);
        dst += count * mxfs_out_size(row->group->out);
        column += count;
        n -= count;
    }
}

static void decode_reordered(const struct scheme_int_row *row, uint64_t column, uint64_t n,
                             uint8_t *dst)
{
    const struct scheme_int *layout = row->layout;
    float scales[SCHEME_INT_REORDERED_GROUPS], zeros[SCHEME_INT_REORDERED_GROUPS];
    bool nibbles = are_nibbles(row) && !has_factors(row) && row->nibbles == MXFS_NIBBLES_LOW_FIRST;

    load_pairs(row, 0, layout->groups, scales, zeros);
    (nibbles ? decode_picked : decode_by_entry)(row, column, n, scales, row->zeros ? zeros : NULL,
                                                dst);
}

void scheme_int_columns(const struct scheme_int_row *row, uint64_t column, uint64_t n, uint8_t *dst)
{
    uint64_t size = row->layout->block_cols;
    uint64_t most = has_factors(row)                             ? CHUNK
                    : are_nibbles(row) || row->layout->bits == 8 ? UINT64_MAX
                                                                 : UNPACK_CHUNK;
    struct entries entries;

    if (size == 0) {
        decode_reordered(row, column, n, dst);
        return;
    }
    while (n > 0) {
        uint64_t phase = column % size;
        uint64_t count = mxfs_min_u64(n, most);
        if ((phase + count - 1) / size >= SCHEME_SCALE_CHUNK)
            count = SCHEME_SCALE_CHUNK * size - phase;
        struct mxfs_affine affine = {.group = size, .skip = phase, .via = row->layout->via};
        load_entries(row, column / size, (phase + count - 1) / size + 1, &entries, &affine);
        if (row->layout->bits <= 4)
            decode_narrow(row, column, count, &affine, dst);
        else
            decode_bytes(row, column, count, &affine, dst);
        dst += count * mxfs_out_size(row->group->out);
        column += count;
        n -= count;
    }
}

/* Matching. */

void scheme_int_choose_out(struct scheme_case *c)
{
    if (c->match->options->auto_out && c->match->config->dtype == MXFS_F16)
        c->group->out = MXFS_OUT_F16;
}

int scheme_int_spread(struct scheme_case *c, struct scheme_int *layout, uint64_t groups)
{
    const struct mxfs_tensor *codes = c->of[SCHEME_CODES];
    const struct mxfs_group *g = c->group;

    layout->rows = g->shape[g->rank - 2];
    layout->cols = g->shape[g->rank - 1];
    layout->row_bytes = scheme_last_dim(codes) * (mxfs_dtype_bits(codes->dtype) / 8);
    layout->groups = groups;
    if (groups == 0 || layout->cols % groups != 0)
        return scheme_refuse(c, scheme_int_uneven);
    layout->block_cols = mxfs_max_u64(layout->cols / groups, 1);
    return 0;
}

/* Whether each of the groups has as many columns as the others. */
static bool is_even(const struct scheme_int *layout)
{
    uint32_t count[SCHEME_INT_REORDERED_GROUPS] = {0};

    for (uint64_t i = 0; i < layout->cols; i++)
        count[layout->group_of[i]]++;
    for (uint64_t i = 0; i < layout->groups; i++) {
        if (count[i] != layout->cols / layout->groups)
            return false;
    }
    return true;
}

/* The meaning of a g_idx. */
struct order {
    bool natural; /* as if there were none */
    bool unused;  /* it has a -1 */
};

/* Fills group_of. */
static int fill_groups(struct scheme_case *c, struct scheme_int *layout, struct order *order)
{
    const struct mxfs_tensor *g_idx = c->of[SCHEME_G_IDX];
    uint8_t buffer[4096];

    *order = (struct order){.natural = layout->block_cols > 0};
    for (uint64_t i = 0; i < layout->cols; i++) {
        size_t len = mxfs_min_u64(sizeof(buffer), g_idx->size - i * 4);
        int rc = i % 1024 == 0 ? scheme_read(c, g_idx, buffer, len, i * 4) : 0;
        if (rc != 0)
            return rc;
        uint32_t index = mxfs_load_le32(buffer + i % 1024 * 4);
        order->unused = order->unused || index == UINT32_MAX;
        order->natural = order->natural && index == i / layout->block_cols;
        if (index >= layout->groups && index != UINT32_MAX)
            return scheme_refuse(c, scheme_int_bad_g_idx);
        layout->group_of[i] = (uint16_t)index;
    }
    return 0;
}

/* The layout of the group, with room for `columns` entries of group_of. */
static struct scheme_int *resize(struct scheme_case *c, uint64_t columns)
{
    size_t size = sizeof(struct scheme_int) + columns * sizeof(uint16_t);
    struct scheme_int *layout = scheme_alloc(c, c->group->layout, size);

    if (layout)
        c->group->layout = layout;
    return layout;
}

static int use_groups(struct scheme_case *c, struct scheme_int *layout, struct order order,
                      bool even)
{
    if (order.natural || (order.unused && even && layout->block_cols > 0))
        return resize(c, 0) ? 0 : -ENOMEM;
    if (layout->groups > SCHEME_INT_REORDERED_GROUPS)
        return scheme_refuse(c, too_many);
    if (order.unused || (even && !is_even(layout)))
        return scheme_refuse(c, scheme_int_bad_g_idx);
    layout->block_cols = 0;
    return 0;
}

int scheme_int_read_groups(struct scheme_case *c, bool even)
{
    const struct mxfs_tensor *g_idx = c->of[SCHEME_G_IDX];
    struct scheme_int *layout = c->group->layout;
    struct order order;

    if (!g_idx)
        return 0;
    if (g_idx->rank != 1 || g_idx->shape[0] != layout->cols)
        return scheme_refuse(c, scheme_int_bad_g_idx);
    if (layout->cols > SCHEME_INT_REORDERED_COLUMNS || layout->groups > UINT16_MAX)
        return scheme_refuse(c, too_many);
    layout = resize(c, layout->cols);
    int rc = layout ? fill_groups(c, layout, &order) : -ENOMEM;
    return rc == 0 ? use_groups(c, layout, order, even) : rc;
}

int scheme_int_finish(struct scheme_case *c, const struct scheme_int *layout)
{
    const struct mxfs_tensor *zeros = c->of[SCHEME_ZEROS], *scales = c->of[SCHEME_SCALES];

    if (zeros && !layout->zeros_packed &&
        (zeros->dtype != MXFS_I8 || zeros->rank != scales->rank ||
         !scheme_same_dims(zeros, scales, scales->rank)))
        return scheme_refuse(c, scheme_no_fit);
    if (!scheme_columns_fit(c))
        return scheme_refuse(c, scheme_no_fit);
    return scheme_int_read_groups(c, true);
}
