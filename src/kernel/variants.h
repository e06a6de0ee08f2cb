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

#if defined(__x86_64__)
/** 32-byte shuffles. */
extern const struct mxfs_kernel mxfs_kernel_avx2;
#endif

#endif
