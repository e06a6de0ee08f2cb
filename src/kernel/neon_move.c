/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * What moves bytes and computes nothing, with NEON: transposition and widening.
 */
#if defined(__aarch64__)

#include "variants.h"

#include <arm_neon.h>

#include "mxfs/compiler.h"
#include "tiles.h"

enum { TILE = 16 }; /* rows and columns: all 32 registers, 16 of them read and 16 written */

MXFS_INLINE void interleave(uint8x16_t out[16], const uint8x16_t in[16])
{
#define INTERLEAVE(i)                                    \
    out[2 * (i)] = vzip1q_u8(in[i], in[(i) + TILE / 2]); \
    out[2 * (i) + 1] = vzip2q_u8(in[i], in[(i) + TILE / 2]);
    MXFS_EACH_8(INTERLEAVE)
}

MXFS_INLINE void transpose_tile(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                                size_t src_stride)
{
    uint8x16_t a[TILE], b[TILE];
#define LOAD(i) a[i] = vld1q_u8(src + (i)*src_stride);
    MXFS_EACH_16(LOAD)
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
#define STORE(i) vst1q_u8(dst + (i)*dst_stride, a[i]);
    MXFS_EACH_16(STORE)
}

void mxfs_neon_transpose(uint8_t *dst, size_t dst_stride, const uint8_t *src, size_t src_stride,
                         size_t rows, size_t cols)
{
    if (rows < TILE || cols < TILE) {
        mxfs_kernel_scalar.transpose(dst, dst_stride, src, src_stride, rows, cols);
        return;
    }
    for (size_t r = 0; r < rows; r = mxfs_next_tile(r, TILE, rows))
        for (size_t c = 0; c < cols; c = mxfs_next_tile(c, TILE, cols))
            transpose_tile(dst + c * dst_stride + r, dst_stride, src + r * src_stride + c,
                           src_stride);
}

/* Ascending, each vector read before it is written: right in place too (see the scalar variant). */
void mxfs_neon_widen_bf16(void *dst, const void *src, size_t n)
{
    const uint16x8_t zero = vdupq_n_u16(0);
    const uint8_t *from = src;
    uint8_t *to = dst;
    for (; n >= 8; n -= 8) {
        uint16x8_t v = vreinterpretq_u16_u8(vld1q_u8(from));
        vst1q_u8(to, vreinterpretq_u8_u16(vzip1q_u16(zero, v)));
        vst1q_u8(to + 16, vreinterpretq_u8_u16(vzip2q_u16(zero, v)));
        from += 16;
        to += 32;
    }
    mxfs_kernel_scalar.widen_bf16(to, from, n);
}

#else
typedef int mxfs_neon_move_is_for_arm64; /* ISO C wants a declaration */
#endif
