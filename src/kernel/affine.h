/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Codes made affine, one at a time: the definition that the vector variants follow.
 */
#ifndef MXFS_KERNEL_AFFINE_H
#define MXFS_KERNEL_AFFINE_H

#include <stdbool.h>
#include <string.h>

#include "float.h"

/** The value v of a code in `group`; each operation is stored to a float, so it is rounded. */
MXFS_INLINE float mxfs_affine_value(const struct mxfs_affine *affine, size_t group, float v)
{
    float difference = affine->zeros ? v - affine->zeros[group] : v;
    float product = difference * affine->scales[group];
    float result = mxfs_f32_through(product, affine->via);
    if (affine->biases) {
        float sum = result + affine->biases[group];
        result = mxfs_f32_through(sum, affine->via);
    }
    return result;
}

/** What turns an octet over to two's complement of a number that is then `less` too small. */
MXFS_INLINE uint8_t mxfs_octets_flip(enum mxfs_octets octets)
{
    return octets == MXFS_OCTETS_SIGNED ? 0 : 0x80;
}

MXFS_INLINE int mxfs_octets_less(enum mxfs_octets octets)
{
    return octets == MXFS_OCTETS_UNSIGNED ? 128 : 0;
}

/** The number that an octet stands for. */
MXFS_INLINE float mxfs_octet_value(uint8_t octet, enum mxfs_octets octets)
{
    return (float)((int8_t)(octet ^ mxfs_octets_flip(octets)) + mxfs_octets_less(octets));
}

/** Whether an octet holds two codes. */
MXFS_INLINE bool mxfs_nibbles_paired(enum mxfs_nibbles nibbles)
{
    return nibbles == MXFS_NIBBLES_LOW_FIRST || nibbles == MXFS_NIBBLES_HIGH_FIRST;
}

/** Code i of a run. */
MXFS_INLINE unsigned mxfs_nibble(const uint8_t *codes, size_t i, enum mxfs_nibbles nibbles)
{
    switch (nibbles) {
    case MXFS_NIBBLES_LOW_FIRST:
        return codes[i / 2] >> (i % 2 * 4) & 15;
    case MXFS_NIBBLES_HIGH_FIRST:
        return codes[i / 2] >> (4 - i % 2 * 4) & 15;
    case MXFS_NIBBLES_LOW:
        return codes[i] & 15;
    default:
        return codes[i] >> 4;
    }
}

#endif
