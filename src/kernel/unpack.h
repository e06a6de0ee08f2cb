/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Shared by the variants of unpacking.
 */
#ifndef MXFS_KERNEL_UNPACK_H
#define MXFS_KERNEL_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/compiler.h"

/** Bytes that n codes of `bits` bits take, the last one perhaps in part. */
MXFS_INLINE size_t kernel_code_bytes(size_t n, unsigned bits)
{
    return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

/**
 * E2M3 codes without their sign as E4M3 (bias 7). Codes from 8 on are normal: their exponent grows
 * by 6, so the code grows by 0x30. Subnormals m / 8 become normal: 1, 2..3 and 4..7 have their
 * leading one at 2^-3, 2^-2 and 2^-1.
 */
#define KERNEL_E2M3_FIRST_16 \
    0x00, 0x20, 0x28, 0x2c, 0x30, 0x32, 0x34, 0x36, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
#define KERNEL_E2M3_NORMAL 0x30

#endif
