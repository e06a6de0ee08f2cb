/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What the variants of unpacking share.
 */
#ifndef MXFS_KERNEL_UNPACK_H
#define MXFS_KERNEL_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/compiler.h"

/** Octets that n codes of `bits` bits touch. */
MXFS_INLINE size_t mxfs_code_octets(size_t n, unsigned bits)
{
    return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

/**
 * E2M3 codes without their sign as E4M3 (bias 7). From 8 on they are normal and get 6 more in the
 * exponent, 0x30 in all; subnormals m / 8 become normal: 1 and 2..3 and 4..7 have their leading one
 * at 2^-3, 2^-2, 2^-1.
 */
#define MXFS_E2M3_FIRST_16 \
    0x00, 0x20, 0x28, 0x2c, 0x30, 0x32, 0x34, 0x36, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
#define MXFS_E2M3_NORMAL 0x30

#endif
