/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Scales as float32.
 */
#include "scales.h"

#include <math.h>
#include <string.h>

bool mxfs_scale_is_linear(uint8_t dtype)
{
    return dtype == MXFS_F32 || dtype == MXFS_BF16 || dtype == MXFS_F16;
}

bool mxfs_scale_is_exponent(uint8_t dtype)
{
    return dtype == MXFS_U8 || dtype == MXFS_F8_E8M0;
}

unsigned mxfs_scale_size(uint8_t dtype)
{
    return mxfs_dtype_bits(dtype) / 8;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Sign 15 | exponent 14..10 (bias 15) | mantissa 9..0; subnormals count units of 2^-24. */
static float f16_value(uint16_t half)
{
    uint32_t exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    float magnitude = exponent == 0    ? (float)mantissa * 0x1p-24f
                      : exponent == 31 ? (mantissa ? NAN : INFINITY)
                                       : from_bits((exponent + 112) << 23 | mantissa << 13);
    return half & 0x8000 ? -magnitude : magnitude;
}

static uint16_t load_half(const uint8_t *src, size_t i)
{
    uint16_t half;
    memcpy(&half, src + 2 * i, sizeof(half));
    return half;
}

void mxfs_scales_load(const struct mxfs_codec *codec, float *out, const uint8_t *src, size_t n,
                      uint8_t dtype)
{
    switch (dtype) {
    case MXFS_F32:
        memcpy(out, src, n * sizeof(*out));
        break;
    case MXFS_BF16:
        codec->kernel->widen_bf16(out, &(struct mxfs_widen_bf16){src, n});
        break;
    case MXFS_F16:
        for (size_t i = 0; i < n; i++)
            out[i] = f16_value(load_half(src, i));
        break;
    case MXFS_F8_E4M3:
        codec->kernel->fp8_run[MXFS_OUT_F32](
            out, &(struct mxfs_fp8_run){codec->tables, src, n, MXFS_FP8_E4M3, 1.0f});
        break;
    default:
        for (size_t i = 0; i < n; i++)
            out[i] = mxfs_e8m0_value(src[i]);
    }
}

bool mxfs_match_columns(const struct mxfs_match *match, size_t index, size_t stem_len,
                        const char *suffix, struct mxfs_group *group)
{
    const struct mxfs_tensor *columns = mxfs_match_companion(match, index, stem_len, suffix);
    if (!columns)
        return true;
    mxfs_match_add_part(group, columns);
    return mxfs_scale_is_linear(columns->dtype) && group->rank >= 1 && columns->rank == 1 &&
           columns->shape[0] == group->shape[group->rank - 1];
}

void mxfs_narrow_columns(const struct mxfs_group *group, const struct mxfs_codec *codec,
                         uint8_t *dst, const float *values, size_t n,
                         const struct mxfs_tensor *columns, const uint8_t *factors, uint64_t column)
{
    float of_columns[MXFS_NARROW_CHUNK];

    if (columns)
        mxfs_scales_load(codec, of_columns, factors + column * mxfs_scale_size(columns->dtype), n,
                         columns->dtype);
    codec->kernel->narrow[group->out](
        dst, &(struct mxfs_narrow){values, columns ? of_columns : NULL, n, group->via});
}

bool mxfs_narrows_once(const struct mxfs_group *group, const struct mxfs_tensor *columns)
{
    return !columns && (group->via == MXFS_OUT_F32 || group->via == group->out);
}
