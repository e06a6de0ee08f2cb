/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The processor's instruction sets that kernels use. Thread safety: pure.
 */
#ifndef MXFS_CPU_H
#define MXFS_CPU_H

#include <stdint.h>

/** Instruction sets that a kernel may require; each implies that the system saves its registers. */
enum mxfs_cpu {
    MXFS_CPU_AVX2 = 1u << 0,       /**< AVX2, FMA and F16C */
    MXFS_CPU_AVX512VBMI = 1u << 1, /**< AVX-512 F, BW, DQ, VL and VBMI */
    MXFS_CPU_NEON = 1u << 2,       /**< arm64 Advanced SIMD */
    MXFS_CPU_AVX512BF16 = 1u << 3, /**< AVX-512 BF16, in addition to MXFS_CPU_AVX512VBMI */
};

/** The instruction sets of this processor, as bits of enum mxfs_cpu. */
uint32_t mxfs_cpu_detect(void);

#endif
