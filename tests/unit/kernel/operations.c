/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The list of operations. Without operation_NAME for each of them, the program does not link.
 */
#include "kernel/arena.h"

#define RUN_OUTS(name, x)                                  \
    extern const struct operation operation_##name;        \
    static void run_##name(const struct arena *a)          \
    {                                                      \
        a->kernel->name[a->out](a->dst.data, &a->in.name); \
    }
#define RUN_SINGLE(name, x)                         \
    extern const struct operation operation_##name; \
    static void run_##name(const struct arena *a)   \
    {                                               \
        a->kernel->name(a->dst.data, &a->in.name);  \
    }

MXFS_KERNEL_OPERATIONS(RUN_OUTS, RUN_SINGLE, )

#define ENTRY_OUTS(name, x) {#name, &operation_##name, run_##name, MXFS_OUT_COUNT},
#define ENTRY_SINGLE(name, x) {#name, &operation_##name, run_##name, 1},

const struct operation_entry operations[] = {
    MXFS_KERNEL_OPERATIONS(ENTRY_OUTS, ENTRY_SINGLE, ){NULL, NULL, NULL, 0},
};
