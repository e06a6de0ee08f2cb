/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations with float32 scales, for any processor: the definitions that the vector variants
 * follow. Each product is stored to a float, so it is rounded there whatever the output type.
 */
#include "variants.h"

#include "float.h"
#include "fp8.h"

MXFS_INLINE float e2m1(unsigned code)
{
    static const float values[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                     -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
    return values[code];
}

MXFS_INLINE void fp8_run(uint8_t *dst, const struct mxfs_fp8_run *in, enum mxfs_out out)
{
    const struct mxfs_fp8_run run = *in;
    const float *values = run.tables->fp8[run.format];

    for (size_t i = 0; i < run.n; i++) {
        float product = values[run.codes[i]] * run.scale;
        kernel_put(dst, i, product, out);
    }
}

KERNEL_FP8_BLOCKS(MXFS_INLINE)
KERNEL_MXFP8_BLOCKS(MXFS_INLINE)

MXFS_INLINE void nvfp4_blocks(uint8_t *dst, const struct mxfs_nvfp4_blocks *in, enum mxfs_out out)
{
    const struct mxfs_nvfp4_blocks b = *in;

    for (size_t i = 0; i < b.blocks * MXFS_NVFP4_BYTES; i++) {
        float scale = b.scales[i / MXFS_NVFP4_BYTES];
        float even = e2m1(b.codes[i] & 15) * scale, odd = e2m1(b.codes[i] >> 4) * scale;
        kernel_put(dst, 2 * i, even, out);
        kernel_put(dst, 2 * i + 1, odd, out);
    }
}

MXFS_INLINE void nvfp4_lanes(uint8_t *dst, const struct mxfs_nvfp4_lanes *in, enum mxfs_out out)
{
    const struct mxfs_nvfp4_lanes l = *in;

    for (size_t i = 0; i < l.n; i++) {
        float product = e2m1(l.codes[i] >> l.shift & 15) * l.scales[i];
        kernel_put(dst, i, product, out);
    }
}

MXFS_INLINE void narrow(uint8_t *dst, const struct mxfs_narrow *in, enum mxfs_out out)
{
    const struct mxfs_narrow run = *in;

    for (size_t i = 0; i < run.n; i++) {
        float value = run.factors ? run.src[i] * run.factors[i] : run.src[i];
        kernel_put(dst, i, kernel_f32_through(value, run.via), out);
    }
}

KERNEL_DEFINE(, scalar, fp8_run)
KERNEL_DEFINE(, scalar, fp8_blocks)
KERNEL_DEFINE(, scalar, mxfp8_blocks)
KERNEL_DEFINE(, scalar, nvfp4_blocks)
KERNEL_DEFINE(, scalar, nvfp4_lanes)
KERNEL_DEFINE(, scalar, narrow)

void kernel_fp8_scalar(uint8_t *dst, struct mxfs_fp8_run run, enum mxfs_out out)
{
    kernel_scalar.fp8_run[out](dst, &run);
}
