/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The kernel variants in order of preference, the operations that each adds or inherits, and the
 * choice of one.
 */
#include "mxfs/kernel.h"

#include <errno.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/cpu.h"
#include "variants.h"

/* A variant's functions for an operation, as members of struct mxfs_kernel. */
#define OUTS(op, isa) \
    .op = {kernel_##isa##_##op##_bf16, kernel_##isa##_##op##_f16, kernel_##isa##_##op##_f32},
#define SINGLE(op, isa) .op = kernel_##isa##_##op,

/*
 * A variant starts with everything that it inherits and then lists its own members: the last
 * initializer of a member counts.
 */
#pragma GCC diagnostic ignored "-Woverride-init"

#define SCALAR MXFS_KERNEL_OPERATIONS(OUTS, SINGLE, scalar)

const struct mxfs_kernel kernel_scalar = {.name = "scalar", .requires = 0, SCALAR};

#if defined(__x86_64__)
/* clang-format off */
#define AVX2 SCALAR \
    OUTS(mxfp4_blocks, avx2) OUTS(mxfp4_lanes, avx2) \
    OUTS(fp8_run, avx2) OUTS(fp8_blocks, avx2) OUTS(mxfp8_blocks, avx2) \
    OUTS(nvfp4_blocks, avx2) OUTS(nvfp4_lanes, avx2) OUTS(narrow, avx2) \
    OUTS(code4_run, avx2) OUTS(code8_run, avx2) \
    SINGLE(unpack, avx2) SINGLE(e2m3, avx2) \
    SINGLE(transpose, avx2) SINGLE(transpose_words, avx2) SINGLE(widen_bf16, avx2)

#define AVX512 AVX2 \
    OUTS(mxfp4_blocks, avx512) OUTS(mxfp4_lanes, avx512) \
    OUTS(fp8_run, avx512) OUTS(fp8_blocks, avx512) OUTS(mxfp8_blocks, avx512) \
    OUTS(nvfp4_blocks, avx512) \
    OUTS(code4_run, avx512) OUTS(code4_pick, avx512) OUTS(code8_run, avx512) \
    SINGLE(unpack, avx512) SINGLE(e2m3, avx512)
/* clang-format on */

/* 32-byte shuffles. */
static const struct mxfs_kernel avx2 = {.name = "avx2", .requires = MXFS_CPU_AVX2, AVX2};

/* 64-byte permutes, which hold whole table rows; VBMI for its bit-field extraction. */
static const struct mxfs_kernel avx512vbmi = {
    .name = "avx512vbmi", .requires = MXFS_CPU_AVX2 | MXFS_CPU_AVX512VBMI, AVX512};

/* Also rounds to BF16 in one instruction. */
static const struct mxfs_kernel avx512bf16 = {
    .name = "avx512bf16",
    .requires = MXFS_CPU_AVX2 | MXFS_CPU_AVX512VBMI | MXFS_CPU_AVX512BF16,
    AVX512.code8_run[MXFS_OUT_BF16] = kernel_avx512bf16_code8_run_bf16,
};
#elif defined(__aarch64__)
/* clang-format off */
#define NEON SCALAR \
    OUTS(mxfp4_blocks, neon) OUTS(mxfp4_lanes, neon) \
    OUTS(fp8_run, neon) OUTS(fp8_blocks, neon) OUTS(mxfp8_blocks, neon) \
    OUTS(nvfp4_blocks, neon) OUTS(nvfp4_lanes, neon) OUTS(narrow, neon) \
    OUTS(code4_run, neon) OUTS(code8_run, neon) \
    SINGLE(unpack, neon) SINGLE(e2m3, neon) SINGLE(transpose, neon) SINGLE(widen_bf16, neon)
/* clang-format on */

/* 16-byte table look-ups. */
static const struct mxfs_kernel neon = {.name = "neon", .requires = MXFS_CPU_NEON, NEON};
#endif

const struct mxfs_kernel *const mxfs_kernels[] = {
#if defined(__x86_64__)
    &avx512bf16,    &avx512vbmi, &avx2,
#elif defined(__aarch64__)
    &neon,
#endif
    &kernel_scalar, NULL,
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

/* Writes the names of all variants as "a, b, c". */
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
        mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "this processor cannot run kernel %s", name);
        return NULL;
    }
    list_names(names, sizeof(names));
    mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "unknown kernel %s; expected one of: %s", name, names);
    return NULL;
}
