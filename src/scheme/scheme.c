/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The schemes in matching order: the first that recognises a tensor decides.
 */
#include "mxfs/scheme.h"

#include <stdio.h>
#include <string.h>

extern const struct mxfs_scheme mxfs_scheme_comfy, mxfs_scheme_gptoss, mxfs_scheme_mxfp4_blocks,
    mxfs_scheme_gptoss_original, mxfs_scheme_packed_mxfp4, mxfs_scheme_weight_mxfp4,
    mxfs_scheme_mxfp6, mxfs_scheme_deepseek_mxfp4, mxfs_scheme_fp8, mxfs_scheme_nvfp4,
    mxfs_scheme_nvfp4_rows, mxfs_scheme_bitsandbytes, mxfs_scheme_bitsandbytes_int8,
    mxfs_scheme_int_packed, mxfs_scheme_int8, mxfs_scheme_gptq, mxfs_scheme_int4_pairs,
    mxfs_scheme_mlx, mxfs_scheme_mlx_mxfp4, mxfs_scheme_mlx_mxfp8, mxfs_scheme_mlx_nvfp4,
    mxfs_scheme_foreign;

const struct mxfs_scheme *const mxfs_schemes[] = {
    &mxfs_scheme_comfy,
    &mxfs_scheme_gptoss,
    &mxfs_scheme_mxfp4_blocks,
    &mxfs_scheme_gptoss_original,
    &mxfs_scheme_mxfp6,
    &mxfs_scheme_packed_mxfp4,
    &mxfs_scheme_weight_mxfp4,
    &mxfs_scheme_deepseek_mxfp4,
    &mxfs_scheme_fp8,
    &mxfs_scheme_nvfp4,
    &mxfs_scheme_nvfp4_rows,
    &mxfs_scheme_bitsandbytes,
    &mxfs_scheme_bitsandbytes_int8,
    &mxfs_scheme_int_packed,
    &mxfs_scheme_int8,
    &mxfs_scheme_gptq,
    &mxfs_scheme_int4_pairs,
    &mxfs_scheme_mlx,
    &mxfs_scheme_mlx_mxfp4,
    &mxfs_scheme_mlx_mxfp8,
    &mxfs_scheme_mlx_nvfp4,
    &mxfs_scheme_foreign,
    NULL,
};

bool mxfs_scheme_decodes(const struct mxfs_scheme *scheme)
{
    return scheme->spans || scheme->unit_at;
}

const struct mxfs_scheme *mxfs_scheme_named(const char *name)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        if (mxfs_scheme_decodes(*s) && strcmp((*s)->name, name) == 0)
            return *s;
    }
    return NULL;
}

const char *mxfs_scheme_names(char out[MXFS_SCHEME_NAMES])
{
    size_t n = 0;

    out[0] = '\0';
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s && n < MXFS_SCHEME_NAMES; s++) {
        if (mxfs_scheme_decodes(*s))
            n +=
                (size_t)snprintf(out + n, MXFS_SCHEME_NAMES - n, "%s%s", n ? ", " : "", (*s)->name);
    }
    return out;
}
