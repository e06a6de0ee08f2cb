/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The kernel variants in order of preference, and how one is chosen.
 */
#include "mxfs/kernel.h"

#include <errno.h>
#include <string.h>

#include "variants.h"

const struct mxfs_kernel *const mxfs_kernels[] = {
#if defined(__x86_64__)
    &mxfs_kernel_avx512bf16, &mxfs_kernel_avx512vbmi,
    &mxfs_kernel_avx2,
#elif defined(__aarch64__)
    &mxfs_kernel_neon,
#endif
    &mxfs_kernel_scalar,     NULL,
};

static int supported(const struct mxfs_kernel *kernel, uint32_t cpu)
{
    return (kernel->requires & ~cpu) == 0;
}

const struct mxfs_kernel *mxfs_kernel_select(uint32_t cpu)
{
    const struct mxfs_kernel *const *kernel = mxfs_kernels;
    while (!supported(*kernel, cpu))
        kernel++; /* ends at "scalar", which requires nothing */
    return *kernel;
}

/* Writes "a, b, c": the names of all variants. */
static void list_names(char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; mxfs_kernels[i]; i++) {
        const char *parts[] = {i ? ", " : "", mxfs_kernels[i]->name};
        for (size_t j = 0; j < MXFS_COUNT(parts); j++) {
            size_t len = strlen(parts[j]);
            if (used + len >= size)
                break;
            memcpy(out + used, parts[j], len);
            used += len;
        }
    }
    out[used] = '\0';
}

const struct mxfs_kernel *mxfs_kernel_named(const char *name, uint32_t cpu, struct mxfs_error *err)
{
    char names[128];
    for (size_t i = 0; mxfs_kernels[i]; i++) {
        if (strcmp(mxfs_kernels[i]->name, name) != 0)
            continue;
        if (supported(mxfs_kernels[i], cpu))
            return mxfs_kernels[i];
        mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "kernel %s: this processor cannot run it", name);
        return NULL;
    }
    list_names(names, sizeof(names));
    mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "kernel %s is unknown; expected one of: %s", name,
              names);
    return NULL;
}
