/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Values of all types of safetensors, computed independently of the kernels.
 */
#include "mxfs/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The codes of a type that are not finite numbers. */
enum special {
    INTEGER, /* not a float */
    IEEE,    /* the largest exponent: infinity and NaN */
    FN,      /* exponent and mantissa all ones: NaN; no infinity */
    FNUZ,    /* the code of minus zero: NaN; no infinity */
    FINITE,  /* none */
};

/* Bits of exponent and mantissa, bias. */
static const struct {
    uint8_t exponent, mantissa;
    int16_t bias;
    uint8_t special;
    bool is_signed; /* integers */
} formats[MXFS_DTYPE_COUNT] = {
    [MXFS_F4] = {2, 1, 1, FINITE, false},        [MXFS_F6_E2M3] = {2, 3, 1, FINITE, false},
    [MXFS_F6_E3M2] = {3, 2, 3, FINITE, false},   [MXFS_I8] = {0, 0, 0, INTEGER, true},
    [MXFS_F8_E5M2] = {5, 2, 15, IEEE, false},    [MXFS_F8_E4M3] = {4, 3, 7, FN, false},
    [MXFS_F8_E4M3FNUZ] = {4, 3, 8, FNUZ, false}, [MXFS_F8_E5M2FNUZ] = {5, 2, 16, FNUZ, false},
    [MXFS_I16] = {0, 0, 0, INTEGER, true},       [MXFS_F16] = {5, 10, 15, IEEE, false},
    [MXFS_BF16] = {8, 7, 127, IEEE, false},      [MXFS_I32] = {0, 0, 0, INTEGER, true},
    [MXFS_F32] = {8, 23, 127, IEEE, false},      [MXFS_F64] = {11, 52, 1023, IEEE, false},
    [MXFS_I64] = {0, 0, 0, INTEGER, true},
};

uint64_t mxfs_value_bits(enum mxfs_dtype dtype, const uint8_t *data, uint64_t index)
{
    unsigned bits = mxfs_dtype_bits(dtype);
    uint64_t at = index * bits, v = 0;
    unsigned shift = at % 8;

    /* Elements that are not whole bytes have at most 6 bits, so each lies in at most two bytes. */
    for (unsigned i = 0; i < (shift + bits + 7) / 8; i++)
        v |= (uint64_t)data[at / 8 + i] << (8 * i);
    return bits == 64 ? v : v >> shift & (((uint64_t)1 << bits) - 1);
}

static long double float_value(enum mxfs_dtype dtype, uint64_t bits)
{
    unsigned e_bits = formats[dtype].exponent, m_bits = formats[dtype].mantissa;
    uint64_t e_max = ((uint64_t)1 << e_bits) - 1, m_max = ((uint64_t)1 << m_bits) - 1;
    uint64_t e = bits >> m_bits & e_max, m = bits & m_max;
    bool negative = bits >> (e_bits + m_bits) & 1;
    uint8_t special = formats[dtype].special;
    long double v;

    if ((special == IEEE && e == e_max && m != 0) || (special == FN && e == e_max && m == m_max) ||
        (special == FNUZ && negative && e == 0 && m == 0))
        return NAN;
    if (special == IEEE && e == e_max)
        v = INFINITY;
    else if (e == 0)
        v = ldexpl((long double)m, 1 - formats[dtype].bias - (int)m_bits);
    else
        v = ldexpl((long double)(m + m_max + 1), (int)e - formats[dtype].bias - (int)m_bits);
    return negative ? -v : v;
}

static long double integer_value(enum mxfs_dtype dtype, uint64_t bits)
{
    unsigned unused = 64 - mxfs_dtype_bits(dtype);

    if (formats[dtype].is_signed)
        return (long double)((int64_t)(bits << unused) >> unused);
    return (long double)bits;
}

struct mxfs_value mxfs_value_of(enum mxfs_dtype dtype, uint64_t bits)
{
    if (dtype == MXFS_C64)
        return (struct mxfs_value){float_value(MXFS_F32, bits & UINT32_MAX),
                                   float_value(MXFS_F32, bits >> 32)};
    if (dtype == MXFS_F8_E8M0)
        return (struct mxfs_value){bits == 255 ? NAN : ldexpl(1, (int)bits - 127), 0};
    if (formats[dtype].special == INTEGER)
        return (struct mxfs_value){integer_value(dtype, bits), 0};
    return (struct mxfs_value){float_value(dtype, bits), 0};
}

int mxfs_value_is_nan(struct mxfs_value value)
{
    return isnan(value.re) || isnan(value.im);
}

long double mxfs_value_distance(struct mxfs_value a, struct mxfs_value b)
{
    long double re = fabsl(a.re - b.re), im = fabsl(a.im - b.im);
    return re > im ? re : im;
}

const char *mxfs_value_format(char out[MXFS_VALUE_TEXT], enum mxfs_dtype dtype, uint64_t bits)
{
    struct mxfs_value v = mxfs_value_of(dtype, bits);
    int digits = (int)(mxfs_dtype_bits(dtype) + 3) / 4;

    if (dtype == MXFS_C64)
        snprintf(out, MXFS_VALUE_TEXT, "%.9Lg%+.9Lgi (0x%0*" PRIx64 ")", v.re, v.im, digits, bits);
    else if (formats[dtype].special == INTEGER && dtype != MXFS_F8_E8M0)
        snprintf(out, MXFS_VALUE_TEXT, "%.0Lf", v.re);
    else
        snprintf(out, MXFS_VALUE_TEXT, "%.*Lg (0x%0*" PRIx64 ")", dtype == MXFS_F64 ? 17 : 9, v.re,
                 digits, bits);
    return out;
}
