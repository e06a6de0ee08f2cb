/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Number formats computed in doubles.
 */
#include "support/oracle.h"

#include <math.h>
#include <string.h>

/* The parameters of a binary float format. */
struct format {
    int exponent_bits, mantissa_bits;
    uint32_t nan;
};

static const struct format outputs[MXFS_OUT_COUNT] = {
    [MXFS_OUT_BF16] = {8, 7, 0x7fc0},
    [MXFS_OUT_F16] = {5, 10, 0x7e00},
    [MXFS_OUT_F32] = {8, 23, 0x7fc00000},
};

uint32_t oracle_bits(double v, enum mxfs_out out)
{
    const struct format *f = &outputs[out];
    uint32_t sign = signbit(v) ? 1u << (f->exponent_bits + f->mantissa_bits) : 0;
    int bias = (1 << (f->exponent_bits - 1)) - 1;
    uint32_t infinity = ((1u << f->exponent_bits) - 1) << f->mantissa_bits;

    if (isnan(v))
        return f->nan;
    if (v == 0 || isinf(v))
        return sign | (v == 0 ? 0 : infinity);
    int exponent = ilogb(v) < 1 - bias ? 1 - bias : ilogb(v);
    double units = nearbyint(ldexp(fabs(v), f->mantissa_bits - exponent));
    /* units includes the leading one of a normal number, hence bias - 1 */
    double bits = units + ldexp(exponent + bias - 1, f->mantissa_bits);
    return sign | (bits >= infinity ? infinity : (uint32_t)bits);
}

double oracle_value(uint32_t bits, enum mxfs_out out)
{
    const struct format *f = &outputs[out];
    uint32_t mantissa = bits & ((1u << f->mantissa_bits) - 1);
    int exponent = (int)(bits >> f->mantissa_bits & ((1u << f->exponent_bits) - 1));
    int bias = (1 << (f->exponent_bits - 1)) - 1;
    double sign = bits >> (f->exponent_bits + f->mantissa_bits) & 1 ? -1 : 1;

    if (exponent == (1 << f->exponent_bits) - 1)
        return mantissa ? NAN : sign * INFINITY;
    double units = mantissa + (exponent ? ldexp(1, f->mantissa_bits) : 0);
    return sign * ldexp(units, (exponent ? exponent : 1) - bias - f->mantissa_bits);
}

static double e8m0(uint8_t scale)
{
    return scale == 255 ? NAN : ldexp(1, scale - 127);
}

double oracle_e2m1(unsigned code)
{
    static const double values[16] = {0.0,  0.5,  1.0,  1.5,  2.0,  3.0,  4.0,  6.0,
                                      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0};
    return values[code];
}

uint32_t oracle_mxfp4(uint8_t scale, unsigned code, enum mxfs_out out)
{
    return oracle_bits(oracle_e2m1(code) * e8m0(scale), out);
}

/* The value of a one-byte code that has no special meaning. */
static double plain_byte(uint8_t code, int mantissa_bits, int bias)
{
    int exponent = (code & 0x7f) >> mantissa_bits;
    double fraction = ldexp(code & ((1 << mantissa_bits) - 1), -mantissa_bits);
    double v = exponent ? ldexp(1 + fraction, exponent - bias) : ldexp(fraction, 1 - bias);
    return code & 0x80 ? -v : v;
}

double oracle_byte_value(uint8_t dtype, uint8_t code)
{
    switch (dtype) {
    case MXFS_F8_E4M3:
        return (code & 0x7f) == 0x7f ? NAN : plain_byte(code, 3, 7);
    case MXFS_F8_E5M2:
        if ((code & 0x7f) == 0x7c)
            return code & 0x80 ? -INFINITY : INFINITY;
        return (code & 0x7f) > 0x7c ? NAN : plain_byte(code, 2, 15);
    case MXFS_F8_E4M3FNUZ:
        return code == 0x80 ? NAN : plain_byte(code, 3, 8);
    case MXFS_F8_E5M2FNUZ:
        return code == 0x80 ? NAN : plain_byte(code, 2, 16);
    default:
        return e8m0(code);
    }
}

uint32_t oracle_fp8(uint8_t dtype, uint8_t code, uint8_t scale, enum mxfs_out out)
{
    /* Exact in a double; the conversion is the first of two roundings. */
    float product = (float)(oracle_byte_value(dtype, code) * e8m0(scale));
    return oracle_bits(product, out);
}

uint32_t oracle_byte(uint8_t dtype, uint8_t code)
{
    return oracle_bits(oracle_byte_value(dtype, code), MXFS_OUT_F32);
}

void oracle_put(uint8_t *dst, size_t i, uint32_t bits, enum mxfs_out out)
{
    memcpy(dst + i * mxfs_out_size(out), &bits, mxfs_out_size(out));
}
