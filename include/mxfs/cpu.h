/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What the processor can do, as far as kernels ask.
 *
 * Thread safety: pure.
 */
#ifndef MXFS_CPU_H
#define MXFS_CPU_H

#include <stdint.h>

/** Instruction set bits that a kernel may require; each includes what the system must save (XCR0).
 */
enum mxfs_cpu {
    MXFS_CPU_AVX2 = 1u << 0,       /**< AVX2, FMA, F16C with the upper halves saved by the system */
    MXFS_CPU_AVX512VBMI = 1u << 1, /**< AVX-512 F, BW, DQ, VL and VBMI, opmasks and ZMM saved */
    MXFS_CPU_NEON = 1u << 2,       /**< arm64 Advanced SIMD */
    MXFS_CPU_AVX512BF16 = 1u << 3, /**< AVX-512 BF16 besides */
};

/** The bits of the running processor. */
uint32_t mxfs_cpu_detect(void);

#endif
