/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The functions of the variants: kernel_ISA_OPERATION, with _bf16, _f16 or _f32 if there is one per
 * output type. Each instruction set has a group of files; kernel.c lists the operations that a
 * variant implements and those that it inherits.
 */
#ifndef MXFS_KERNEL_VARIANTS_H
#define MXFS_KERNEL_VARIANTS_H

#include "mxfs/kernel.h"

/** Plain C; the others use it for what is left after their last whole vector. */
extern const struct mxfs_kernel kernel_scalar;

#define KERNEL_DECLARE_OUTS(op, isa) \
    mxfs_##op##_fn kernel_##isa##_##op##_bf16, kernel_##isa##_##op##_f16, kernel_##isa##_##op##_f32;
#define KERNEL_DECLARE_SINGLE(op, isa) mxfs_##op##_fn kernel_##isa##_##op;
#define KERNEL_DECLARE(isa) MXFS_KERNEL_OPERATIONS(KERNEL_DECLARE_OUTS, KERNEL_DECLARE_SINGLE, isa)

/* Declares every function that an instruction set could have; most have fewer. */
KERNEL_DECLARE(scalar)
KERNEL_DECLARE(avx2)
KERNEL_DECLARE(avx512)
KERNEL_DECLARE(avx512bf16)
KERNEL_DECLARE(neon)

/**
 * Defines the three functions of an operation from op(dst, in, out), an inline function of the
 * file. `out` is a constant in each of them. `target` names the instruction sets, or is empty.
 */
#define KERNEL_DEFINE(target, isa, op)                      \
    KERNEL_DEFINE_ONE(target, isa, op, bf16, MXFS_OUT_BF16) \
    KERNEL_DEFINE_ONE(target, isa, op, f16, MXFS_OUT_F16)   \
    KERNEL_DEFINE_ONE(target, isa, op, f32, MXFS_OUT_F32)
#define KERNEL_DEFINE_ONE(target, isa, op, suffix, out)                               \
    target void kernel_##isa##_##op##_##suffix(void *dst, const struct mxfs_##op *in) \
    {                                                                                 \
        op(dst, in, out);                                                             \
    }

#endif
