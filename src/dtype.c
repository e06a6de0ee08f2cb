/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The element types of safetensors: one table of names and widths.
 */
#include "mxfs/dtype.h"

#include <string.h>

#include "mxfs/compiler.h"

static const struct {
    const char *name;
    unsigned bits;
} dtypes[] = {
    [MXFS_BOOL] = {"BOOL", 8},
    [MXFS_F4] = {"F4", 4},
    [MXFS_F6_E2M3] = {"F6_E2M3", 6},
    [MXFS_F6_E3M2] = {"F6_E3M2", 6},
    [MXFS_U8] = {"U8", 8},
    [MXFS_I8] = {"I8", 8},
    [MXFS_F8_E5M2] = {"F8_E5M2", 8},
    [MXFS_F8_E4M3] = {"F8_E4M3", 8},
    [MXFS_F8_E8M0] = {"F8_E8M0", 8},
    [MXFS_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 8},
    [MXFS_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 8},
    [MXFS_I16] = {"I16", 16},
    [MXFS_U16] = {"U16", 16},
    [MXFS_F16] = {"F16", 16},
    [MXFS_BF16] = {"BF16", 16},
    [MXFS_I32] = {"I32", 32},
    [MXFS_U32] = {"U32", 32},
    [MXFS_F32] = {"F32", 32},
    [MXFS_C64] = {"C64", 64},
    [MXFS_F64] = {"F64", 64},
    [MXFS_I64] = {"I64", 64},
    [MXFS_U64] = {"U64", 64},
};

_Static_assert(MXFS_COUNT(dtypes) == MXFS_DTYPE_COUNT, "a dtype without a name");

const char *mxfs_dtype_name(enum mxfs_dtype dtype)
{
    return dtypes[dtype].name;
}

unsigned mxfs_dtype_bits(enum mxfs_dtype dtype)
{
    return dtypes[dtype].bits;
}

int mxfs_dtype_from_name(const char *name, size_t len)
{
    for (int i = 0; i < MXFS_DTYPE_COUNT; i++)
        if (strlen(dtypes[i].name) == len && memcmp(dtypes[i].name, name, len) == 0)
            return i;
    return -1;
}
