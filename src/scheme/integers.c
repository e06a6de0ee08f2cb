/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Rows of integer codes: unpacking, and the entries of their groups.
 */
#include "integers.h"

#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "scales.h"

const char mxfs_reason_memory[] = "there is not enough memory";
const char mxfs_reason_unreadable[] = "a small part of it cannot be read";
const char mxfs_reason_g_idx[] = "its g_idx does not fit its groups";
const char mxfs_reason_no_zeros[] = "its zero points are missing";
const char mxfs_reason_bits[] = "the number of bits of its codes is not certain";

static const char too_many[] = "its columns are reordered, and there are too many of them";

struct mxfs_int *mxfs_int_new(unsigned bits, uint64_t reordered)
{
    struct mxfs_int *layout = calloc(1, sizeof(*layout) + reordered * sizeof(layout->group_of[0]));
    if (!layout)
        return NULL;
    layout->bits = (uint8_t)bits;
    layout->offset = (int16_t)(1 << (bits - 1));
    layout->meaning = MXFS_CODE8_OFFSET;
    for (int i = 0; i < 16; i++)
        layout->values[i] = (float)(i - layout->offset);
    return layout;
}

uint64_t mxfs_int_step(const struct mxfs_int *layout)
{
    return layout->row_pairs ? 1 : layout->per_word ? layout->per_word : 8;
}

uint64_t mxfs_int_octets(const struct mxfs_int *layout, uint64_t column)
{
    if (layout->row_pairs)
        return column;
    return layout->per_word ? column / layout->per_word * 4 : column / 8 * layout->bits;
}

/* Unpacking. */

static void unpack_words(uint8_t *out, const uint8_t *src, size_t n, const struct mxfs_int *layout,
                         unsigned offset)
{
    for (size_t i = 0; i < n; src += 4) {
        uint32_t word = mxfs_load_le32(src);
        for (unsigned j = 0; j < layout->per_word; j++, i++)
            out[i] = (uint8_t)((word >> (j * layout->bits) & ((1u << layout->bits) - 1)) - offset);
    }
}

/* Columns of one row at a time, on the stack: where they have factors, and where they are only
 * unpacked; and room for what a step takes more. */
enum { CHUNK = MXFS_NARROW_CHUNK, UNPACK_CHUNK = 4096, SLACK = 64 };

/* The codes of columns [column, column + n), n <= UNPACK_CHUNK, an octet each, less `offset` where
 * they have fewer than 8 bits; returns where. */
static const uint8_t *unpack(const struct mxfs_int_row *row, uint64_t column, size_t n,
                             unsigned offset, uint8_t buffer[UNPACK_CHUNK + SLACK])
{
    const struct mxfs_int *layout = row->layout;
    uint64_t step = mxfs_int_step(layout), start = column / step * step;
    const uint8_t *src = row->codes + mxfs_int_octets(layout, start - row->base);
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

/* Entries of some groups. */
struct entries {
    float scales[MXFS_SCALES_CHUNK], zeros[MXFS_SCALES_CHUNK], biases[MXFS_SCALES_CHUNK];
};

static void load_entries(const struct mxfs_int_row *row, uint64_t group, size_t n,
                         struct entries *e, struct mxfs_affine *affine)
{
    affine->scales = e->scales;
    affine->zeros = row->zeros ? e->zeros : NULL;
    affine->biases = row->biases ? e->biases : NULL;
    row->entries(row, group, n, e->scales, row->zeros ? e->zeros : NULL,
                 row->biases ? e->biases : NULL);
}

/* n <= CHUNK values times factors, narrowed. */
static void narrow(const struct mxfs_int_row *row, uint64_t column, size_t n, const float *values,
                   uint8_t *dst)
{
    const struct mxfs_group *g = row->group;
    const struct mxfs_tensor *columns = row->layout->columns ? g->part[row->layout->columns] : NULL;
    mxfs_narrow_columns(g, row->codec, dst, values, n, columns, row->factors, column);
}

static bool has_factors(const struct mxfs_int_row *row)
{
    return row->layout->columns != 0;
}

/* Columns whose entries are known, from octets to the output. */
static void decode_octets(const struct mxfs_int_row *row, uint64_t column, size_t n,
                          struct mxfs_affine *affine, uint8_t *dst)
{
    const struct mxfs_kernel *kernel = row->codec->kernel;
    uint8_t buffer[UNPACK_CHUNK + SLACK];
    float values[CHUNK];
    struct mxfs_code8_run run = {
        .codes = unpack(row, column, n, (unsigned)row->layout->offset, buffer),
        .n = n,
        .meaning =
            row->layout->bits == 8 ? (enum mxfs_code8)row->layout->meaning : MXFS_CODE8_SIGNED,
        .affine = affine,
    };

    if (!has_factors(row)) {
        kernel->code8_run[row->group->out](dst, &run);
        return;
    }
    affine->via = MXFS_OUT_F32;
    kernel->code8_run[MXFS_OUT_F32](values, &run);
    narrow(row, column, n, values, dst);
}

/* Whether codes of 4 bits go to the kernel as they are. */
static bool are_nibbles(const struct mxfs_int_row *row)
{
    return row->layout->bits == 4 && !row->layout->per_word;
}

/* The same for codes of up to 4 bits, of which each group has few values; narrower ones are
 * unpacked first. */
static void decode_narrow(const struct mxfs_int_row *row, uint64_t column, size_t n,
                          struct mxfs_affine *affine, uint8_t *dst)
{
    const struct mxfs_kernel *kernel = row->codec->kernel;
    bool paired = are_nibbles(row) && row->nibbles <= MXFS_NIBBLES_HIGH_FIRST;
    uint64_t at = column - row->base;
    uint8_t buffer[UNPACK_CHUNK + SLACK];
    float values[CHUNK];
    struct mxfs_code4_run run = {
        .codes = are_nibbles(row) ? row->codes + (paired ? at / 2 : at)
                                  : unpack(row, column, n, 0, buffer),
        .first = paired ? at % 2 : 0,
        .n = n,
        .nibbles = are_nibbles(row) ? row->nibbles : MXFS_NIBBLES_LOW,
        .values = row->layout->values,
        .affine = affine,
    };

    if (!has_factors(row)) {
        kernel->code4_run[row->group->out](dst, &run);
        return;
    }
    affine->via = MXFS_OUT_F32;
    kernel->code4_run[MXFS_OUT_F32](values, &run);
    narrow(row, column, n, values, dst);
}

static void decode_picked(const struct mxfs_int_row *row, uint64_t column, uint64_t n,
                          const float *scales, const float *zeros, uint8_t *dst)
{
    struct mxfs_affine affine = {.scales = scales, .zeros = zeros, .via = row->group->via};
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

/* Every column has an entry of its own. */
static void decode_by_entry(const struct mxfs_int_row *row, uint64_t column, uint64_t n,
                            const float *scales, const float *zeros, uint8_t *dst)
{
    const uint16_t *group_of = row->layout->group_of;
    float scale_of[CHUNK], zero_of[CHUNK];

    while (n > 0) {
        size_t count = mxfs_min_u64(n, CHUNK);
        struct mxfs_affine affine = {.scales = scale_of,
                                     .zeros = zeros ? zero_of : NULL,
                                     .group = 1,
                                     .via = row->group->via};
        for (size_t i = 0; i < count; i++)
            scale_of[i] = scales[group_of[column + i]];
        for (size_t i = 0; i < count && zeros; i++)
            zero_of[i] = zeros[group_of[column + i]];
        decode_octets(row, column, count, &affine, dst);
        dst += count * mxfs_out_size(row->group->out);
        column += count;
        n -= count;
    }
}

static void decode_reordered(const struct mxfs_int_row *row, uint64_t column, uint64_t n,
                             uint8_t *dst)
{
    const struct mxfs_int *layout = row->layout;
    float scales[MXFS_INT_REORDERED_GROUPS], zeros[MXFS_INT_REORDERED_GROUPS];
    bool nibbles = are_nibbles(row) && !has_factors(row) && row->nibbles == MXFS_NIBBLES_LOW_FIRST;

    row->entries(row, 0, layout->groups, scales, row->zeros ? zeros : NULL, NULL);
    (nibbles ? decode_picked : decode_by_entry)(row, column, n, scales, row->zeros ? zeros : NULL,
                                                dst);
}

void mxfs_int_columns(const struct mxfs_int_row *row, uint64_t column, uint64_t n, uint8_t *dst)
{
    uint64_t size = row->group->block_cols;
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
        if ((phase + count - 1) / size >= MXFS_SCALES_CHUNK)
            count = MXFS_SCALES_CHUNK * size - phase;
        struct mxfs_affine affine = {.group = size, .skip = phase, .via = row->group->via};
        load_entries(row, column / size, (phase + count - 1) / size + 1, &entries, &affine);
        if (row->layout->bits <= 4)
            decode_narrow(row, column, count, &affine, dst);
        else
            decode_octets(row, column, count, &affine, dst);
        dst += count * mxfs_out_size(row->group->out);
        column += count;
        n -= count;
    }
}

/* Matching. */

enum mxfs_out mxfs_int_via(const struct mxfs_tensor *scales)
{
    return scales->dtype == MXFS_BF16  ? MXFS_OUT_BF16
           : scales->dtype == MXFS_F16 ? MXFS_OUT_F16
                                       : MXFS_OUT_F32;
}

void mxfs_int_choose_out(const struct mxfs_match *match, struct mxfs_group *group)
{
    if (match->auto_out && match->config->dtype == MXFS_F16)
        group->out = MXFS_OUT_F16;
}

/* Whether each of `groups` groups has as many columns as the others. */
static bool is_even(const struct mxfs_int *layout, uint64_t cols)
{
    uint32_t count[MXFS_INT_REORDERED_GROUPS] = {0};
    for (uint64_t i = 0; i < cols; i++)
        count[layout->group_of[i]]++;
    for (uint64_t i = 0; i < layout->groups; i++) {
        if (count[i] != cols / layout->groups)
            return false;
    }
    return true;
}

/* Octets of the group indices of columns [column, ..) into buffer, as many as there is room for. */
static int read_indices(struct mxfs_match *match, const struct mxfs_tensor *g_idx, uint64_t column,
                        uint8_t buffer[4096])
{
    return (*match->read)(match->reader, g_idx, buffer,
                          mxfs_min_u64(4096, g_idx->size - column * 4), column * 4);
}

/* Fills group_of; *natural, *none: whether the order is the natural one, whether -1 is there. */
static const char *fill_groups(struct mxfs_match *match, const struct mxfs_group *group,
                               struct mxfs_int *layout, const struct mxfs_tensor *g_idx,
                               bool *natural, bool *none)
{
    uint8_t buffer[4096];

    for (uint64_t i = 0; i < group->cols; i++) {
        if (i % 1024 == 0 && read_indices(match, g_idx, i, buffer) != 0)
            return mxfs_reason_unreadable;
        uint32_t index = mxfs_load_le32(buffer + i % 1024 * 4);
        *none = *none || index == UINT32_MAX;
        *natural = *natural && index == i / group->block_cols;
        if (index >= layout->groups && index != UINT32_MAX)
            return mxfs_reason_g_idx;
        layout->group_of[i] = (uint16_t)index;
    }
    return NULL;
}

const char *mxfs_int_read_groups(struct mxfs_match *match, struct mxfs_group *group,
                                 struct mxfs_int **layout, const struct mxfs_tensor *g_idx,
                                 bool even)
{
    bool natural = group->block_cols > 0, none = false;

    if (g_idx->dtype != MXFS_I32 || g_idx->rank != 1 || g_idx->shape[0] != group->cols)
        return mxfs_reason_g_idx;
    if (group->cols > MXFS_INT_REORDERED_COLUMNS || (*layout)->groups > UINT16_MAX)
        return too_many;
    struct mxfs_int *grown = realloc(*layout, sizeof(*grown) + group->cols * sizeof(uint16_t));
    if (!grown)
        return mxfs_reason_memory;
    *layout = grown;
    const char *reason = fill_groups(match, group, grown, g_idx, &natural, &none);
    if (reason)
        return reason;
    if (natural || (none && even && group->block_cols > 0)) {
        struct mxfs_int *shrunk = realloc(grown, sizeof(*grown));
        *layout = shrunk ? shrunk : grown;
        return NULL;
    }
    if (grown->groups > MXFS_INT_REORDERED_GROUPS)
        return too_many;
    if (none || (even && !is_even(grown, group->cols)))
        return mxfs_reason_g_idx;
    group->block_cols = 0;
    return NULL;
}
