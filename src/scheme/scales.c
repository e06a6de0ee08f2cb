/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Scales as float32, and products in the output type.
 */
#include "scales.h"

#include <math.h>
#include <string.h>

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

void scheme_scale_load(const struct mxfs_codec *codec, float *out, const uint8_t *src, size_t n,
                       enum mxfs_dtype dtype)
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

enum mxfs_out scheme_scale_type(const struct mxfs_tensor *scales)
{
    return scales->dtype == MXFS_BF16  ? MXFS_OUT_BF16
           : scales->dtype == MXFS_F16 ? MXFS_OUT_F16
                                       : MXFS_OUT_F32;
}

bool scheme_columns_fit(const struct scheme_case *c)
{
    const struct mxfs_tensor *columns = c->of[SCHEME_COLUMNS];
    const struct mxfs_group *g = c->group;

    return !columns ||
           (g->rank >= 1 && columns->rank == 1 && columns->shape[0] == g->shape[g->rank - 1]);
}

struct scheme_narrowing scheme_narrowing_of(const struct mxfs_run *run, enum mxfs_out via,
                                            unsigned columns)
{
    return (struct scheme_narrowing){
        .codec = run->codec,
        .out = run->group->out,
        .via = via,
        .columns = columns ? run->group->part[columns] : NULL,
        .factors = columns ? run->src[columns] : NULL,
    };
}

void scheme_narrow(const struct scheme_narrowing *narrowing, uint8_t *dst, const float *values,
                   size_t n, uint64_t column)
{
    const struct mxfs_tensor *columns = narrowing->columns;
    const struct mxfs_codec *codec = narrowing->codec;
    float of_columns[SCHEME_NARROW_CHUNK];

    if (columns)
        scheme_scale_load(codec, of_columns,
                          narrowing->factors + column * scheme_scale_size(columns->dtype), n,
                          columns->dtype);
    codec->kernel->narrow[narrowing->out](
        dst, &(struct mxfs_narrow){values, columns ? of_columns : NULL, n, narrowing->via});
}

bool scheme_narrows_once(const struct scheme_narrowing *narrowing)
{
    return !narrowing->columns &&
           (narrowing->via == MXFS_OUT_F32 || narrowing->via == narrowing->out);
}
