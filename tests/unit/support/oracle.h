/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A second definition of the number formats, in doubles: the exact value, then one rounding to a
 * multiple of the output type's spacing. It shares nothing with the kernels and their tables.
 */
#ifndef MXFS_TEST_ORACLE_H
#define MXFS_TEST_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/dtype.h"
#include "mxfs/kernel.h"

/** Bits of v in the output type: rounded once, to nearest even; NaN is canonical. */
uint32_t oracle_bits(double v, enum mxfs_out out);

/** The value of these bits in the output type. */
double oracle_value(uint32_t bits, enum mxfs_out out);

/** The value of an E2M1 code, 0..15. */
double oracle_e2m1(unsigned code);

/** The value of a one-byte code (any FP8, E8M0). */
double oracle_byte_value(uint8_t dtype, uint8_t code);

/** Bits of an E2M1 code times an E8M0 scale, in the output type. */
uint32_t oracle_mxfp4(uint8_t scale, unsigned code, enum mxfs_out out);

/** Bits of an FP8 code times an E8M0 scale, in the output type. */
uint32_t oracle_fp8(uint8_t dtype, uint8_t code, uint8_t scale, enum mxfs_out out);

/** Bits of a one-byte code (any FP8, E8M0) as float32. */
uint32_t oracle_byte(uint8_t dtype, uint8_t code);

/** Stores `bits` as element i of dst, in the output type. */
void oracle_put(uint8_t *dst, size_t i, uint32_t bits, enum mxfs_out out);

#endif
