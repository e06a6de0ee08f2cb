/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes and codes of 16 values, for any processor.
 */
#include "variants.h"

#include "affine.h"

/* All codes of a group share the same 16 results. */
MXFS_INLINE void code4_groups(uint8_t *dst, const struct mxfs_code4_run *in, enum mxfs_out out)
{
    const struct mxfs_affine *a = in->affine;
    size_t left = a->group - a->skip;

    for (size_t at = 0, group = 0; at < in->n; group++) {
        float results[16];
        for (unsigned code = 0; code < 16; code++)
            results[code] = kernel_affine_value(a, group, in->values[code]);
        for (size_t end = kernel_group_end(at, left, in->n); at < end; at++)
            kernel_put(dst, at, results[kernel_nibble(in->codes, in->first + at, in->nibbles)],
                       out);
        left = a->group;
    }
}

KERNEL_DEFINE_CODE4_RUN(MXFS_INLINE, code4_groups)

/* Groups whose 16 results are computed at once if there are enough codes. */
enum { TABLE_GROUPS = 512, USES = 32 };

/* Row `group` of the table holds the results of its 16 codes. */
MXFS_INLINE void fill_table(uint8_t *table, const struct mxfs_code4_pick *in, enum mxfs_out out)
{
    for (size_t group = 0; group < in->groups; group++)
        for (unsigned code = 0; code < 16; code++)
            kernel_put(table, group * 16 + code,
                       kernel_affine_value(in->affine, group, in->values[code]), out);
}

MXFS_INLINE void code4_pick(uint8_t *dst, const struct mxfs_code4_pick *in, enum mxfs_out out)
{
    const struct mxfs_code4_pick p = *in;
    uint8_t table[TABLE_GROUPS * 16 * 4];
    size_t size = mxfs_out_size(out);
    bool by_table = p.groups <= TABLE_GROUPS && p.n / USES >= p.groups;

    if (by_table)
        fill_table(table, in, out);
    for (size_t i = 0; i < p.n; i++) {
        unsigned code = kernel_nibble(p.codes, p.first + i, MXFS_NIBBLES_LOW_FIRST);
        if (by_table)
            memcpy(dst + i * size, table + (p.group_of[i] * 16u + code) * size, size);
        else
            kernel_put(dst, i, kernel_affine_value(p.affine, p.group_of[i], p.values[code]), out);
    }
}

MXFS_INLINE void code8_run(uint8_t *dst, const struct mxfs_code8_run *in, enum mxfs_out out)
{
    const struct mxfs_code8_run run = *in;
    size_t left = run.affine->group - run.affine->skip;

    for (size_t at = 0, group = 0; at < run.n; group++) {
        for (size_t end = kernel_group_end(at, left, run.n); at < end; at++) {
            float v = kernel_code8_value(run.codes[at], run.meaning);
            kernel_put(dst, at, kernel_affine_value(run.affine, group, v), out);
        }
        left = run.affine->group;
    }
}

KERNEL_DEFINE(, scalar, code4_run)
KERNEL_DEFINE(, scalar, code4_pick)
KERNEL_DEFINE(, scalar, code8_run)
