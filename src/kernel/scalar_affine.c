/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes and codes of 16 values, for any processor.
 */
#include "variants.h"

#include "affine.h"
#include "define.h"

MXFS_INLINE void put(uint8_t *dst, size_t i, float value, enum mxfs_out out)
{
    uint32_t bits = mxfs_f32_out_bits(value, out);
    memcpy(dst + i * mxfs_out_size(out), &bits, mxfs_out_size(out));
}

/* All codes of a group have the same 16 results. */
MXFS_INLINE void code4_run(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                           enum mxfs_nibbles nibbles, const float *values,
                           const struct mxfs_affine *affine, enum mxfs_out out)
{
    size_t end = affine->group - affine->skip;

    for (size_t i = 0, group = 0; i < n; group++) {
        float results[16];
        for (unsigned code = 0; code < 16; code++)
            results[code] = mxfs_affine_value(affine, group, values[code]);
        for (; i < n && i < end; i++)
            put(dst, i, results[mxfs_nibble(codes, first + i, nibbles)], out);
        end += affine->group;
    }
}

/* Groups whose 16 results each are computed at once, where there are codes enough. */
enum { TABLE_GROUPS = 512, USES = 32 };

/* A row of every code gives the results of a group. */
MXFS_INLINE void fill_table(uint8_t *table, const float *values, const struct mxfs_affine *affine,
                            size_t groups, enum mxfs_out out)
{
    for (size_t group = 0; group < groups; group++)
        for (unsigned code = 0; code < 16; code++)
            put(table, group * 16 + code, mxfs_affine_value(affine, group, values[code]), out);
}

MXFS_INLINE void code4_pick(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                            const float *values, const struct mxfs_affine *affine,
                            const uint16_t *group_of, size_t groups, enum mxfs_out out)
{
    uint8_t table[TABLE_GROUPS * 16 * 4];
    size_t size = mxfs_out_size(out);
    bool by_table = groups <= TABLE_GROUPS && n / USES >= groups;

    if (by_table)
        fill_table(table, values, affine, groups, out);
    for (size_t i = 0; i < n; i++) {
        unsigned code = mxfs_nibble(codes, first + i, MXFS_NIBBLES_LOW_FIRST);
        if (by_table)
            memcpy(dst + i * size, table + (group_of[i] * 16u + code) * size, size);
        else
            put(dst, i, mxfs_affine_value(affine, group_of[i], values[code]), out);
    }
}

MXFS_INLINE void code8_run(uint8_t *dst, const uint8_t *codes, size_t n,
                           const struct mxfs_affine *affine, enum mxfs_out out)
{
    size_t end = affine->group - affine->skip;

    for (size_t i = 0, group = 0; i < n; group++) {
        for (; i < n && i < end; i++)
            put(dst, i,
                mxfs_affine_value(affine, group, mxfs_octet_value(codes[i], affine->octets)), out);
        end += affine->group;
    }
}

MXFS_DEFINE_CODE4_RUN(, mxfs_scalar_code4, code4_run)
MXFS_DEFINE_CODE4_PICK(, mxfs_scalar_code4_pick, code4_pick)
MXFS_DEFINE_CODE8_RUN(, mxfs_scalar_code8, code8_run)
