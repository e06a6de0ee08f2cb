/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The kernel variants, one file (or one family of files) each. Which of them exist depends on the
 * architecture compiled for.
 */
#ifndef MXFS_KERNEL_VARIANTS_H
#define MXFS_KERNEL_VARIANTS_H

#include "mxfs/kernel.h"

/** The three functions of an operation: as its entry in a variant, and declared. define.h defines
 * them. */
#define MXFS_OUTS(prefix)                         \
    {                                             \
        prefix##_bf16, prefix##_f16, prefix##_f32 \
    }
#define MXFS_DECLARE_OUTS(type, prefix) type prefix##_bf16, prefix##_f16, prefix##_f32

/** Plain C; also what the others use for what is left after their last whole vector. */
extern const struct mxfs_kernel mxfs_kernel_scalar;

/* Operations of it that have a file of their own. */
MXFS_DECLARE_OUTS(mxfs_fp8_run_fn, mxfs_scalar_fp8_run);
MXFS_DECLARE_OUTS(mxfs_fp8_blocks_fn, mxfs_scalar_fp8_blocks);
MXFS_DECLARE_OUTS(mxfs_mxfp8_blocks_fn, mxfs_scalar_mxfp8);
MXFS_DECLARE_OUTS(mxfs_nvfp4_blocks_fn, mxfs_scalar_nvfp4_blocks);
MXFS_DECLARE_OUTS(mxfs_nvfp4_lanes_fn, mxfs_scalar_nvfp4_lanes);
MXFS_DECLARE_OUTS(mxfs_code4_run_fn, mxfs_scalar_code4);
MXFS_DECLARE_OUTS(mxfs_code4_pick_fn, mxfs_scalar_code4_pick);
MXFS_DECLARE_OUTS(mxfs_code8_run_fn, mxfs_scalar_code8);
MXFS_DECLARE_OUTS(mxfs_narrow_fn, mxfs_scalar_narrow);
mxfs_unpack_fn mxfs_scalar_unpack;
mxfs_e2m3_fn mxfs_scalar_e2m3;
mxfs_transpose_words_fn mxfs_scalar_transpose_words;

#if defined(__x86_64__)
/** 64-byte permutes, whose tables are whole rows; VBMI for its bit-field extraction. */
extern const struct mxfs_kernel mxfs_kernel_avx512vbmi;

/** The same, and rounding to BF16 in one instruction. */
extern const struct mxfs_kernel mxfs_kernel_avx512bf16;

/** 32-byte shuffles. */
extern const struct mxfs_kernel mxfs_kernel_avx2;

/* Operations that have files of their own. */
MXFS_DECLARE_OUTS(mxfs_fp8_run_fn, mxfs_avx512_fp8_run);
MXFS_DECLARE_OUTS(mxfs_fp8_run_fn, mxfs_avx2_fp8_run);
MXFS_DECLARE_OUTS(mxfs_fp8_blocks_fn, mxfs_avx512_fp8_blocks);
MXFS_DECLARE_OUTS(mxfs_mxfp8_blocks_fn, mxfs_avx512_mxfp8);
MXFS_DECLARE_OUTS(mxfs_fp8_blocks_fn, mxfs_avx2_fp8_blocks);
MXFS_DECLARE_OUTS(mxfs_mxfp8_blocks_fn, mxfs_avx2_mxfp8);
MXFS_DECLARE_OUTS(mxfs_nvfp4_blocks_fn, mxfs_avx512_nvfp4_blocks);
MXFS_DECLARE_OUTS(mxfs_nvfp4_blocks_fn, mxfs_avx2_nvfp4_blocks);
MXFS_DECLARE_OUTS(mxfs_nvfp4_lanes_fn, mxfs_avx2_nvfp4_lanes);
MXFS_DECLARE_OUTS(mxfs_code4_run_fn, mxfs_avx512_code4);
MXFS_DECLARE_OUTS(mxfs_code4_run_fn, mxfs_avx2_code4);
MXFS_DECLARE_OUTS(mxfs_code4_pick_fn, mxfs_avx512_code4_pick);
MXFS_DECLARE_OUTS(mxfs_code8_run_fn, mxfs_avx512_code8);
MXFS_DECLARE_OUTS(mxfs_code8_run_fn, mxfs_avx2_code8);
MXFS_DECLARE_OUTS(mxfs_narrow_fn, mxfs_avx2_narrow);
mxfs_code8_run_fn mxfs_avx512_bf16_code8;
mxfs_unpack_fn mxfs_avx512_unpack, mxfs_avx2_unpack;
mxfs_e2m3_fn mxfs_avx512_e2m3, mxfs_avx2_e2m3;
mxfs_transpose_fn mxfs_avx2_transpose;
mxfs_transpose_words_fn mxfs_avx2_transpose_words;
mxfs_widen_bf16_fn mxfs_avx2_widen_bf16;
#endif

#if defined(__aarch64__)
/** 16-byte table look-ups. */
extern const struct mxfs_kernel mxfs_kernel_neon;

/* Operations that have files of their own. */
MXFS_DECLARE_OUTS(mxfs_fp8_run_fn, mxfs_neon_fp8_run);
MXFS_DECLARE_OUTS(mxfs_fp8_blocks_fn, mxfs_neon_fp8_blocks);
MXFS_DECLARE_OUTS(mxfs_mxfp8_blocks_fn, mxfs_neon_mxfp8);
MXFS_DECLARE_OUTS(mxfs_nvfp4_blocks_fn, mxfs_neon_nvfp4_blocks);
MXFS_DECLARE_OUTS(mxfs_nvfp4_lanes_fn, mxfs_neon_nvfp4_lanes);
MXFS_DECLARE_OUTS(mxfs_code4_run_fn, mxfs_neon_code4);
MXFS_DECLARE_OUTS(mxfs_code8_run_fn, mxfs_neon_code8);
MXFS_DECLARE_OUTS(mxfs_narrow_fn, mxfs_neon_narrow);
mxfs_unpack_fn mxfs_neon_unpack;
mxfs_e2m3_fn mxfs_neon_e2m3;
mxfs_transpose_fn mxfs_neon_transpose;
mxfs_widen_bf16_fn mxfs_neon_widen_bf16;
#endif

#endif
