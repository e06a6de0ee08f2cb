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

static bool is_called(const struct mxfs_scheme *scheme, const char *name, size_t len)
{
    return mxfs_scheme_decodes(scheme) && strncmp(scheme->name, name, len) == 0 &&
           scheme->name[len] == '\0';
}

bool mxfs_scheme_is_listed(const struct mxfs_scheme *scheme, const char *names)
{
    for (const char *name = names;; name++) {
        size_t len = strcspn(name, ",");
        if (is_called(scheme, name, len))
            return true;
        name += len;
        if (*name == '\0')
            return false;
    }
}

static bool is_known(const char *name, size_t len)
{
    for (const struct mxfs_scheme *const *s = mxfs_schemes; *s; s++) {
        if (is_called(*s, name, len))
            return true;
    }
    return false;
}

bool mxfs_scheme_are_known(const char *names)
{
    for (const char *name = names;; name++) {
        size_t len = strcspn(name, ",");
        if (!is_known(name, len))
            return false;
        name += len;
        if (*name == '\0')
            return true;
    }
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
