/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Affine codes, one at a time: the definition that the vector variants follow.
 */
#ifndef MXFS_KERNEL_AFFINE_H
#define MXFS_KERNEL_AFFINE_H

#include <stdbool.h>
#include <string.h>

#include "float.h"

/**
 * Maps the value v of a code in `group` as struct mxfs_affine says. Each result is stored to a
 * float, so it is rounded.
 */
MXFS_INLINE float kernel_affine_value(const struct mxfs_affine *affine, size_t group, float v)
{
    float difference = affine->zeros ? v - affine->zeros[group] : v;
    float product = difference * affine->scales[group];
    float result = kernel_f32_through(product, affine->via);
    if (affine->biases) {
        float sum = result + affine->biases[group];
        result = kernel_f32_through(sum, affine->via);
    }
    return result;
}

/**
 * Bits to flip in an 8-bit code to get a two's complement number, which is then too small by
 * kernel_code8_less().
 */
MXFS_INLINE uint8_t kernel_code8_flip(enum mxfs_code8 meaning)
{
    return meaning == MXFS_CODE8_SIGNED ? 0 : 0x80;
}

/** Amount to add to a flipped code. */
MXFS_INLINE int kernel_code8_less(enum mxfs_code8 meaning)
{
    return meaning == MXFS_CODE8_UNSIGNED ? 128 : 0;
}

/** The number that an 8-bit code stands for. */
MXFS_INLINE float kernel_code8_value(uint8_t code, enum mxfs_code8 meaning)
{
    return (float)((int8_t)(code ^ kernel_code8_flip(meaning)) + kernel_code8_less(meaning));
}

/** Whether a byte holds two codes. */
MXFS_INLINE bool kernel_nibbles_paired(enum mxfs_nibbles nibbles)
{
    return nibbles == MXFS_NIBBLES_LOW_FIRST || nibbles == MXFS_NIBBLES_HIGH_FIRST;
}

/** Code i of `codes`. */
MXFS_INLINE unsigned kernel_nibble(const uint8_t *codes, size_t i, enum mxfs_nibbles nibbles)
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

/** End of a group of which `left` codes remain at `at`, in a run of n. */
MXFS_INLINE size_t kernel_group_end(size_t at, size_t left, size_t n)
{
    return n - at < left ? n : at + left;
}

/**
 * Defines code4_run(dst, in, out), which calls body(dst, in, out) with a constant `nibbles`, so
 * that no loop has to test it. `inlined` begins the definition.
 */
#define KERNEL_DEFINE_CODE4_RUN(inlined, body)                                               \
    inlined void code4_run(uint8_t *dst, const struct mxfs_code4_run *in, enum mxfs_out out) \
    {                                                                                        \
        struct mxfs_code4_run run = *in;                                                     \
        switch (in->nibbles) {                                                               \
        case MXFS_NIBBLES_LOW_FIRST:                                                         \
            run.nibbles = MXFS_NIBBLES_LOW_FIRST;                                            \
            body(dst, &run, out);                                                            \
            break;                                                                           \
        case MXFS_NIBBLES_HIGH_FIRST:                                                        \
            run.nibbles = MXFS_NIBBLES_HIGH_FIRST;                                           \
            body(dst, &run, out);                                                            \
            break;                                                                           \
        case MXFS_NIBBLES_LOW:                                                               \
            run.nibbles = MXFS_NIBBLES_LOW;                                                  \
            body(dst, &run, out);                                                            \
            break;                                                                           \
        default:                                                                             \
            run.nibbles = MXFS_NIBBLES_HIGH;                                                 \
            body(dst, &run, out);                                                            \
        }                                                                                    \
    }

#endif
