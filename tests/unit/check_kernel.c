/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Kernels: the list and the choice from it; and every operation of every variant (see kernel/).
 */
#include "mxfs/kernel.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arena.h"
#include "mxfs/cpu.h"

/* The list. */

START_TEST(list_ends_with_scalar)
{
    size_t n = 0;
    for (; mxfs_kernels[n]; n++)
        for (size_t i = 0; i < n; i++)
            ck_assert_str_ne(mxfs_kernels[i]->name, mxfs_kernels[n]->name);
    ck_assert_str_eq(mxfs_kernels[n - 1]->name, "scalar");
    ck_assert_uint_eq(mxfs_kernels[n - 1]->requires, 0);
}
END_TEST

START_TEST(select_takes_the_first_supported)
{
    ck_assert_str_eq(mxfs_kernel_select(0)->name, "scalar");
    ck_assert_ptr_eq(mxfs_kernel_select(UINT32_MAX), mxfs_kernels[0]);
    for (size_t i = 0; mxfs_kernels[i]; i++) {
        const struct mxfs_kernel *chosen = mxfs_kernel_select(mxfs_kernels[i]->requires);
        ck_assert_uint_eq(chosen->requires & ~mxfs_kernels[i]->requires, 0);
    }
#if defined(__x86_64__)
    ck_assert_str_eq(mxfs_kernel_select(MXFS_CPU_AVX2)->name, "avx2");
    ck_assert_str_eq(mxfs_kernel_select(MXFS_CPU_AVX512VBMI)->name, "scalar");
#elif defined(__aarch64__)
    ck_assert_str_eq(mxfs_kernel_select(mxfs_cpu_detect())->name, "neon");
#endif
}
END_TEST

START_TEST(named_finds_or_refuses)
{
    struct mxfs_error err = {0};
    for (size_t i = 0; mxfs_kernels[i]; i++)
        ck_assert_ptr_eq(mxfs_kernel_named(mxfs_kernels[i]->name, UINT32_MAX, &err),
                         mxfs_kernels[i]);
    ck_assert_int_eq(err.code, MXFS_EXIT_OK);
    ck_assert_ptr_null(mxfs_kernel_named("sse9", UINT32_MAX, &err));
    ck_assert_int_eq(err.code, MXFS_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "sse9"));
    ck_assert_ptr_nonnull(strstr(err.text, "scalar"));
}
END_TEST

START_TEST(named_refuses_what_the_processor_lacks)
{
    struct mxfs_error err = {0};
    if (mxfs_kernels[0]->requires == 0)
        return; /* an architecture that has only the scalar variant */
    ck_assert_ptr_null(mxfs_kernel_named(mxfs_kernels[0]->name, 0, &err));
    ck_assert_int_eq(err.code, MXFS_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, mxfs_kernels[0]->name));
}
END_TEST

/* Compares with the compiler's run-time library. */
START_TEST(detection_agrees_with_the_system)
{
#if defined(__x86_64__)
    uint32_t cpu = mxfs_cpu_detect();
    ck_assert_int_eq(!!(cpu & MXFS_CPU_AVX2),
                     __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    ck_assert_int_eq(!!(cpu & MXFS_CPU_AVX512VBMI),
                     __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vl"));
    if (cpu & MXFS_CPU_AVX512VBMI)
        ck_assert_int_eq(!!(cpu & MXFS_CPU_AVX512BF16), !!__builtin_cpu_supports("avx512bf16"));
#endif
}
END_TEST

/* A member that a variant's list leaves out would be NULL. */
#define HAS_OUTS(name, kernel)                     \
    for (int out = 0; out < MXFS_OUT_COUNT; out++) \
        ck_assert_ptr_nonnull((void *)(uintptr_t)(kernel)->name[out]);
#define HAS_SINGLE(name, kernel) ck_assert_ptr_nonnull((void *)(uintptr_t)(kernel)->name);

START_TEST(variants_have_every_operation)
{
    for (size_t i = 0; mxfs_kernels[i]; i++) {
        MXFS_KERNEL_OPERATIONS(HAS_OUTS, HAS_SINGLE, mxfs_kernels[i])
    }
}
END_TEST

/*
 * The operations. Each check is one test per variant and output type; the index of a test encodes
 * all of these.
 */

enum { TESTS = OPERATION_CHECKS + 1 }; /* tests per operation; known answers come last */

START_TEST(call_operation)
{
    int out = _i % MXFS_OUT_COUNT, test = _i / MXFS_OUT_COUNT % TESTS;
    const struct operation_entry *e = &operations[_i / MXFS_OUT_COUNT / TESTS % OPERATIONS];
    struct arena *a = arena_new(mxfs_kernels[_i / MXFS_OUT_COUNT / TESTS / OPERATIONS], ARENA_TEST);

    test_seed((uint64_t)_i);
    a->operation = e->operation;
    a->out = (enum mxfs_out)out;
    (test == OPERATION_CHECKS ? e->operation->known : e->operation->checks[test])(a);
    arena_free(a);
}
END_TEST

static void add_variant(Suite *suite, int variant)
{
    TCase *tcase = tcase_create(mxfs_kernels[variant]->name);

    tcase_set_timeout(tcase, 120); /* instrumented builds are slow */
    for (int op = 0; op < OPERATIONS; op++)
        for (int test = 0; test < TESTS; test++) {
            int first = ((variant * OPERATIONS + op) * TESTS + test) * MXFS_OUT_COUNT;
            if (test == OPERATION_CHECKS || operations[op].operation->checks[test])
                tcase_add_loop_test(tcase, call_operation, first, first + (int)operations[op].outs);
        }
    suite_add_tcase(suite, tcase);
}

static void add_operations(Suite *suite)
{
    uint32_t cpu = mxfs_cpu_detect();

    for (int i = 0; mxfs_kernels[i]; i++) {
        uint32_t missing = mxfs_kernels[i]->requires & ~cpu;
        if (missing)
            printf("skipped: %s (the processor lacks bits 0x%x of enum mxfs_cpu)\n",
                   mxfs_kernels[i]->name, missing);
        else
            add_variant(suite, i);
    }
}

/* Otherwise an operation could be listed without being tested. */
START_TEST(operations_are_complete)
{
    for (int i = 0; i < OPERATIONS; i++) {
        const struct operation *o = operations[i].operation;
        ck_assert_msg(o->checks[0] && o->known && o->expect && o->draw && o->rows[0].name,
                      "%s lacks a check, known answers or a row of the benchmark",
                      operations[i].name);
    }
    ck_assert_ptr_null(operations[OPERATIONS].name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernel");
    TCase *list = tcase_create("list");
    tcase_add_test(list, list_ends_with_scalar);
    tcase_add_test(list, select_takes_the_first_supported);
    tcase_add_test(list, named_finds_or_refuses);
    tcase_add_test(list, named_refuses_what_the_processor_lacks);
    tcase_add_test(list, detection_agrees_with_the_system);
    tcase_add_test(list, variants_have_every_operation);
    tcase_add_test(list, operations_are_complete);
    suite_add_tcase(suite, list);
    add_operations(suite);
    return test_run(suite);
}
