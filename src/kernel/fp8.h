/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 in blocks: every block is a run with its own scale. A file that defines fp8_run(dst, in, out)
 * for an instruction set gets the operations on blocks from these macros. The argument `inlined`
 * begins their definitions.
 */
#ifndef MXFS_KERNEL_FP8_H
#define MXFS_KERNEL_FP8_H

#include "float.h"
#include "mxfs/dtype.h"
#include "variants.h"

/** A run that vectors cannot do. Passed by value to keep the caller's object in registers. */
__attribute__((cold)) void kernel_fp8_scalar(uint8_t *dst, struct mxfs_fp8_run run,
                                             enum mxfs_out out);

/** Defines fp8_blocks(). The last block, which may be short, has a copy of the code of its own, so
 * that the loop has a fixed length. */
#define KERNEL_FP8_BLOCKS(inlined)                                                             \
    inlined void fp8_blocks(uint8_t *dst, const struct mxfs_fp8_blocks *in, enum mxfs_out out) \
    {                                                                                          \
        struct mxfs_fp8_run run = {in->tables, in->codes, in->block, in->format, 0};           \
        const float *scale = in->scales;                                                       \
        size_t left = in->n;                                                                   \
        for (; left > run.n; left -= run.n) {                                                  \
            run.scale = *scale++;                                                              \
            fp8_run(dst, &run, out);                                                           \
            run.codes += run.n;                                                                \
            dst += run.n * mxfs_out_size(out);                                                 \
        }                                                                                      \
        if (left > 0) {                                                                        \
            run.n = left;                                                                      \
            run.scale = *scale;                                                                \
            fp8_run(dst, &run, out);                                                           \
        }                                                                                      \
    }

/** Defines mxfp8_blocks(). */
#define KERNEL_MXFP8_BLOCKS(inlined)                                                               \
    inlined void mxfp8_blocks(uint8_t *dst, const struct mxfs_mxfp8_blocks *in, enum mxfs_out out) \
    {                                                                                              \
        struct mxfs_fp8_run run = {in->tables, in->codes, MXFS_MX_BLOCK, in->format, 0};           \
        const uint8_t *scales = in->scales;                                                        \
        for (size_t i = 0, blocks = in->blocks; i < blocks; i++) {                                 \
            run.scale = mxfs_e8m0_value(scales[i]);                                                \
            fp8_run(dst, &run, out);                                                               \
            run.codes += MXFS_MX_BLOCK;                                                            \
            dst += MXFS_MX_BLOCK * mxfs_out_size(out);                                             \
        }                                                                                          \
    }

#endif
