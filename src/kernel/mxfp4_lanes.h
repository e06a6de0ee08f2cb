/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * MXFP4 lanes by addition, for byte shuffles. The scale differs from lane to lane, so one constant
 * table holds the bits for "scale 0", modulo 2^16, and the scale is added to the exponent field.
 * For a code with the value (1 + m/2) * 2^d, d = -1..2:
 *
 *   BF16  sign << 15 | (scale + d) << 7 | m << 6          exact for scales 2..252
 *   F16   sign << 15 | (scale - 112 + d) << 10 | m << 9   exact for scales 114..140
 *
 * These scales keep the exponent fields of all codes within 1..254 (F16: 1..30). Zeros have no
 * exponent, so their scale is masked out. Every MXFP4 value is a BF16 or overflows in both types,
 * so float32 is BF16 followed by zero bits.
 */
#ifndef MXFS_KERNEL_MXFP4_LANES_H
#define MXFS_KERNEL_MXFP4_LANES_H

#include <stdint.h>

/** How addition produces a 16-bit type. */
struct kernel_lane_rule {
    uint8_t low[16], high[16]; /**< bytes of the bits for scale 0 */
    uint8_t first, last;       /**< range of scales for which adding is exact */
};

static const struct kernel_lane_rule kernel_bf16_rule = {
    /* codes            0     0.5   1     1.5   2     3     4     6 */
    .low = {0x00, 0x80, 0x00, 0x40, 0x80, 0xc0, 0x00, 0x40, /**/
            0x00, 0x80, 0x00, 0x40, 0x80, 0xc0, 0x00, 0x40},
    .high = {0x00, 0xff, 0x00, 0x00, 0x00, 0x00, 0x01, 0x01, /**/
             0x80, 0x7f, 0x80, 0x80, 0x80, 0x80, 0x81, 0x81},
    .first = 2,
    .last = 252,
};

/* -112 << 10 is 0x4000 modulo 2^16. All low bytes are zero. */
static const struct kernel_lane_rule kernel_f16_rule = {
    .low = {0},
    .high = {0x00, 0x3c, 0x40, 0x42, 0x44, 0x46, 0x48, 0x4a, /**/
             0x80, 0xbc, 0xc0, 0xc2, 0xc4, 0xc6, 0xc8, 0xca},
    .first = 114,
    .last = 140,
};

/** All ones for codes that are not zero. */
static const uint8_t kernel_nonzero_codes[16] = {0, 255, 255, 255, 255, 255, 255, 255, /**/
                                                 0, 255, 255, 255, 255, 255, 255, 255};

/** Scales for which adding is not exact in BF16; their results come from the tables. */
static const uint8_t kernel_bf16_extremes[] = {0, 1, 253, 254, 255};

/**
 * For any scale, F16 is rounded from exact BF16 values. Scales up to 90 give zeros (at most
 * 6 * 2^-37) and scales from 160 on give infinities (at least 2^32), so clamping the scale to this
 * range changes nothing and keeps BF16 in its range; only NaN has to be restored.
 */
enum {
    KERNEL_F16_CLAMP_LOW = 90,   /**< lower scales become this one */
    KERNEL_F16_CLAMP_HIGH = 160, /**< higher scales become this one */
};

#endif
