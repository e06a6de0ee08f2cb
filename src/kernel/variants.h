/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The kernel variants, one file each. Which of them exist depends on the architecture compiled for.
 */
#ifndef MXFS_KERNEL_VARIANTS_H
#define MXFS_KERNEL_VARIANTS_H

#include "mxfs/kernel.h"

/** Plain C; also what the others use for what is left after their last whole vector. */
extern const struct mxfs_kernel mxfs_kernel_scalar;

/* Operations of it that have a file of their own. */
mxfs_fp8_blocks_fn mxfs_scalar_fp8_blocks_bf16, mxfs_scalar_fp8_blocks_f16,
    mxfs_scalar_fp8_blocks_f32;
mxfs_nvfp4_blocks_fn mxfs_scalar_nvfp4_blocks_bf16, mxfs_scalar_nvfp4_blocks_f16,
    mxfs_scalar_nvfp4_blocks_f32;
mxfs_nvfp4_lanes_fn mxfs_scalar_nvfp4_lanes_bf16, mxfs_scalar_nvfp4_lanes_f16,
    mxfs_scalar_nvfp4_lanes_f32;
mxfs_code4_run_fn mxfs_scalar_code4_bf16, mxfs_scalar_code4_f16, mxfs_scalar_code4_f32;
mxfs_code8_run_fn mxfs_scalar_code8_bf16, mxfs_scalar_code8_f16, mxfs_scalar_code8_f32;
mxfs_narrow_fn mxfs_scalar_narrow_bf16, mxfs_scalar_narrow_f16, mxfs_scalar_narrow_f32;

#if defined(__x86_64__)
/** 64-byte permutes, whose tables are whole rows; VBMI for its bit-field extraction. */
extern const struct mxfs_kernel mxfs_kernel_avx512vbmi;

/** 32-byte shuffles. */
extern const struct mxfs_kernel mxfs_kernel_avx2;

/* Operations that have files of their own. */
mxfs_fp8_run_fn mxfs_avx512_fp8_bf16, mxfs_avx512_fp8_f16, mxfs_avx512_fp8_f32;
mxfs_fp8_run_fn mxfs_avx2_fp8_bf16, mxfs_avx2_fp8_f16, mxfs_avx2_fp8_f32;
mxfs_fp8_blocks_fn mxfs_avx512_fp8_blocks_bf16, mxfs_avx512_fp8_blocks_f16,
    mxfs_avx512_fp8_blocks_f32;
mxfs_fp8_blocks_fn mxfs_avx2_fp8_blocks_bf16, mxfs_avx2_fp8_blocks_f16, mxfs_avx2_fp8_blocks_f32;
mxfs_nvfp4_blocks_fn mxfs_avx512_nvfp4_blocks_bf16, mxfs_avx512_nvfp4_blocks_f16,
    mxfs_avx512_nvfp4_blocks_f32;
mxfs_nvfp4_blocks_fn mxfs_avx2_nvfp4_blocks_bf16, mxfs_avx2_nvfp4_blocks_f16,
    mxfs_avx2_nvfp4_blocks_f32;
mxfs_nvfp4_lanes_fn mxfs_avx2_nvfp4_lanes_bf16, mxfs_avx2_nvfp4_lanes_f16,
    mxfs_avx2_nvfp4_lanes_f32;
mxfs_code4_run_fn mxfs_avx2_code4_bf16, mxfs_avx2_code4_f16, mxfs_avx2_code4_f32;
mxfs_code8_run_fn mxfs_avx2_code8_bf16, mxfs_avx2_code8_f16, mxfs_avx2_code8_f32;
mxfs_narrow_fn mxfs_avx2_narrow_bf16, mxfs_avx2_narrow_f16, mxfs_avx2_narrow_f32;
mxfs_transpose_fn mxfs_avx2_transpose;
mxfs_widen_bf16_fn mxfs_avx2_widen_bf16;
#endif

#endif
