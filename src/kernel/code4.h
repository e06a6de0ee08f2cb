/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The walk over groups of 4-bit codes, for instruction sets that compute a group's 16 results once
 * and look codes up in them. It is a template, which defines code4_run(dst, in, out). The file that
 * includes it defines first:
 *
 *   INLINED         begins an inline function of the instruction set
 *   struct results  the results of a group; its `bits` are 16 elements of the output type
 *   results_of()    computes them
 *   code4_step()    decodes STEP_BYTES bytes of codes, starting with a whole byte
 */
#include "affine.h"

/* Decodes code `at`. */
INLINED void code4_one(uint8_t *dst, const struct mxfs_code4_run *in, size_t at,
                       const struct results *r, size_t size)
{
    unsigned code = kernel_nibble(in->codes, in->first + at, in->nibbles);
    memcpy(dst + at * size, r->bits + code * size, size);
}

/* Codes [at, end) of one group. */
INLINED void code4_group(uint8_t *dst, const struct mxfs_code4_run *in, size_t at, size_t end,
                         const struct results *r, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), per_byte = kernel_nibbles_paired(in->nibbles) ? 2 : 1;
    size_t step = STEP_BYTES(in->nibbles) * per_byte;

    if ((in->first + at) % per_byte && at < end)
        code4_one(dst, in, at++, r, size);
    for (; end - at >= step; at += step)
        code4_step(dst + at * size, in->codes + (in->first + at) / per_byte, in->nibbles, r, out);
    for (; at < end; at++)
        code4_one(dst, in, at, r, size);
}

/* Decodes a whole run, group by group. */
INLINED void code4_groups(uint8_t *dst, const struct mxfs_code4_run *in, enum mxfs_out out)
{
    const struct mxfs_affine *a = in->affine;
    size_t left = a->group - a->skip;

    for (size_t at = 0, group = 0; at < in->n; group++) {
        struct results r = results_of(in->values, group, a, out);
        size_t end = kernel_group_end(at, left, in->n);
        code4_group(dst, in, at, end, &r, out);
        at = end;
        left = a->group;
    }
}

KERNEL_DEFINE_CODE4_RUN(INLINED, code4_groups)
