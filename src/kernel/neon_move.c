/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Transposing and widening with NEON.
 */
#if defined(__aarch64__)

#include "variants.h"

#include <arm_neon.h>

#include "mxfs/compiler.h"
#include "tiles.h"

enum { TILE = 16 }; /* rows and columns: reads 16 registers and writes 16, which is all there are */

MXFS_INLINE void interleave(uint8x16_t out[16], const uint8x16_t in[16])
{
#define INTERLEAVE(i)                                    \
    out[2 * (i)] = vzip1q_u8(in[i], in[(i) + TILE / 2]); \
    out[2 * (i) + 1] = vzip2q_u8(in[i], in[(i) + TILE / 2]);
    KERNEL_EACH_8(INTERLEAVE)
}

MXFS_INLINE void transpose_tile(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                                size_t src_stride)
{
    uint8x16_t a[TILE], b[TILE];
#define LOAD(i) a[i] = vld1q_u8(src + (i)*src_stride);
    KERNEL_EACH_16(LOAD)
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
#define STORE(i) vst1q_u8(dst + (i)*dst_stride, a[i]);
    KERNEL_EACH_16(STORE)
}

void kernel_neon_transpose(void *out, const struct mxfs_transpose *in)
{
    const struct mxfs_transpose m = *in;
    uint8_t *dst = out;

    if (m.rows < TILE || m.cols < TILE) {
        kernel_scalar.transpose(dst, in);
        return;
    }
    for (size_t r = 0; r < m.rows; r = kernel_next_tile(r, TILE, m.rows))
        for (size_t c = 0; c < m.cols; c = kernel_next_tile(c, TILE, m.cols))
            transpose_tile(dst + c * m.dst_stride + r, m.dst_stride, m.src + r * m.src_stride + c,
                           m.src_stride);
}

/* Ascending, and each vector is read before it is written: right in place, too (see scalar.c). */
void kernel_neon_widen_bf16(void *dst, const struct mxfs_widen_bf16 *in)
{
    const uint16x8_t zero = vdupq_n_u16(0);
    const uint8_t *from = in->src;
    uint8_t *to = dst;
    size_t n = in->n;

    for (; n >= 8; n -= 8) {
        uint16x8_t v = vreinterpretq_u16_u8(vld1q_u8(from));
        vst1q_u8(to, vreinterpretq_u8_u16(vzip1q_u16(zero, v)));
        vst1q_u8(to + 16, vreinterpretq_u8_u16(vzip2q_u16(zero, v)));
        from += 16;
        to += 32;
    }
    kernel_scalar.widen_bf16(to, &(struct mxfs_widen_bf16){from, n});
}

#else
typedef int kernel_neon_move_is_for_arm64; /* ISO C requires a declaration */
#endif
