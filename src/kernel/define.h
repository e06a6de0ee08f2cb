/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The three functions of an operation, one for each output type: MXFS_DEFINE_X(target, prefix,
 * body) defines prefix_bf16, prefix_f16 and prefix_f32 of the type mxfs_x_fn. `body` is an inline
 * function (or a macro) with the same parameters and, last, the output type, which is a constant in
 * it. `target` stands in front of each definition: instruction sets, or static, or nothing.
 */
#ifndef MXFS_KERNEL_DEFINE_H
#define MXFS_KERNEL_DEFINE_H

#include "mxfs/kernel.h"

#define MXFS_EACH_OUT(one, target, prefix, body)                                                  \
    one(target, prefix##_bf16, body, MXFS_OUT_BF16) one(target, prefix##_f16, body, MXFS_OUT_F16) \
        one(target, prefix##_f32, body, MXFS_OUT_F32)

#define MXFS_MXFP4_BLOCKS_ONE(target, name, body, out)                             \
    target void name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, \
                     const uint8_t *scales, size_t count)                          \
    {                                                                              \
        body(t, dst, codes, scales, count, out);                                   \
    }
#define MXFS_DEFINE_MXFP4_BLOCKS(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_MXFP4_BLOCKS_ONE, target, prefix, body)

#define MXFS_MXFP4_LANES_ONE(target, name, body, out)                              \
    target void name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, \
                     const uint8_t *scales, size_t n, unsigned shift)              \
    {                                                                              \
        body(t, dst, codes, scales, n, shift, out);                                \
    }
#define MXFS_DEFINE_MXFP4_LANES(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_MXFP4_LANES_ONE, target, prefix, body)

#define MXFS_FP8_RUN_ONE(target, name, body, out)                                            \
    target void name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, size_t n, \
                     enum mxfs_fp8 format, float scale)                                      \
    {                                                                                        \
        body(t, dst, codes, n, format, scale, out);                                          \
    }
#define MXFS_DEFINE_FP8_RUN(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_FP8_RUN_ONE, target, prefix, body)

/* The body is that of fp8_run, once for each block. */
#define MXFS_FP8_BLOCKS_ONE(target, name, run, out)                                          \
    target void name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, size_t n, \
                     enum mxfs_fp8 format, const float *scales, size_t block)                \
    {                                                                                        \
        uint8_t *to = dst;                                                                   \
        for (; n > block; n -= block) {                                                      \
            run(t, to, codes, block, format, *scales++, out);                                \
            codes += block;                                                                  \
            to += block * mxfs_out_size(out);                                                \
        }                                                                                    \
        if (n)                                                                               \
            run(t, to, codes, n, format, *scales, out);                                      \
    }
#define MXFS_DEFINE_FP8_BLOCKS(target, prefix, run) \
    MXFS_EACH_OUT(MXFS_FP8_BLOCKS_ONE, target, prefix, run)

/* Likewise; `block` is the body of one block, its arguments the pointers, the format, the byte of
 * the scale and the output type. */
#define MXFS_MXFP8_BLOCKS_ONE(target, name, block, out)                            \
    target void name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, \
                     const uint8_t *scales, size_t blocks, enum mxfs_fp8 format)   \
    {                                                                              \
        uint8_t *to = dst;                                                         \
        for (size_t i = 0; i < blocks; i++) {                                      \
            block(t, to, codes, format, scales[i], out);                           \
            codes += MXFS_MX_BLOCK;                                                \
            to += MXFS_MX_BLOCK * mxfs_out_size(out);                              \
        }                                                                          \
    }
#define MXFS_DEFINE_MXFP8_BLOCKS(target, prefix, block) \
    MXFS_EACH_OUT(MXFS_MXFP8_BLOCKS_ONE, target, prefix, block)

#define MXFS_NVFP4_BLOCKS_ONE(target, name, body, out)                                    \
    target void name(void *dst, const uint8_t *codes, const float *scales, size_t blocks) \
    {                                                                                     \
        body(dst, codes, scales, blocks, out);                                            \
    }
#define MXFS_DEFINE_NVFP4_BLOCKS(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_NVFP4_BLOCKS_ONE, target, prefix, body)

#define MXFS_NVFP4_LANES_ONE(target, name, body, out)                                \
    target void name(void *dst, const uint8_t *codes, const float *scales, size_t n, \
                     unsigned shift)                                                 \
    {                                                                                \
        body(dst, codes, scales, n, shift, out);                                     \
    }
#define MXFS_DEFINE_NVFP4_LANES(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_NVFP4_LANES_ONE, target, prefix, body)

#define MXFS_NARROW_ONE(target, name, body, out)                                  \
    target void name(void *dst, const float *src, const float *factors, size_t n, \
                     enum mxfs_out via)                                           \
    {                                                                             \
        body(dst, src, factors, n, via, out);                                     \
    }
#define MXFS_DEFINE_NARROW(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_NARROW_ONE, target, prefix, body)

/* The order of the nibbles, too, is a constant in the body. */
#define MXFS_CODE4_RUN_ONE(target, name, body, out)                                   \
    target void name(void *dst, const uint8_t *codes, size_t first, size_t n,         \
                     enum mxfs_nibbles nibbles, const float *values,                  \
                     const struct mxfs_affine *affine)                                \
    {                                                                                 \
        switch (nibbles) {                                                            \
        case MXFS_NIBBLES_LOW_FIRST:                                                  \
            body(dst, codes, first, n, MXFS_NIBBLES_LOW_FIRST, values, affine, out);  \
            break;                                                                    \
        case MXFS_NIBBLES_HIGH_FIRST:                                                 \
            body(dst, codes, first, n, MXFS_NIBBLES_HIGH_FIRST, values, affine, out); \
            break;                                                                    \
        case MXFS_NIBBLES_LOW:                                                        \
            body(dst, codes, first, n, MXFS_NIBBLES_LOW, values, affine, out);        \
            break;                                                                    \
        default:                                                                      \
            body(dst, codes, first, n, MXFS_NIBBLES_HIGH, values, affine, out);       \
        }                                                                             \
    }
#define MXFS_DEFINE_CODE4_RUN(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_CODE4_RUN_ONE, target, prefix, body)

#define MXFS_CODE4_PICK_ONE(target, name, body, out)                                               \
    target void name(void *dst, const uint8_t *codes, size_t first, size_t n, const float *values, \
                     const struct mxfs_affine *affine, const uint16_t *group_of, size_t groups)    \
    {                                                                                              \
        body(dst, codes, first, n, values, affine, group_of, groups, out);                         \
    }
#define MXFS_DEFINE_CODE4_PICK(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_CODE4_PICK_ONE, target, prefix, body)

#define MXFS_CODE8_RUN_ONE(target, name, body, out)                                               \
    target void name(void *dst, const uint8_t *codes, size_t n, const struct mxfs_affine *affine) \
    {                                                                                             \
        body(dst, codes, n, affine, out);                                                         \
    }
#define MXFS_DEFINE_CODE8_RUN(target, prefix, body) \
    MXFS_EACH_OUT(MXFS_CODE8_RUN_ONE, target, prefix, body)

#endif
