/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Guard pages, and a loop over the variants.
 */
#include "support/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mxfs/cpu.h"
#include "support/oracle.h"
#include "support/suite.h"

enum {
    MARGIN = 4096, /* filled bytes that must stay as they are, at least */
    FILL = 0xa5,
};

struct guarded guarded_new(size_t capacity)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g = {.size = (capacity + MARGIN + page - 1) / page * page};
    g.map_size = g.size + 2 * page;
    g.map = mmap(NULL, g.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(g.map, MAP_FAILED);
    g.pages = g.map + page;
    ck_assert_int_eq(mprotect(g.pages, g.size, PROT_READ | PROT_WRITE), 0);
    return g;
}

void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_size);
}

static void place(struct guarded *g, size_t len, enum placement placement, size_t unit)
{
    ck_assert_uint_le(len + MARGIN, g->size);
    g->len = len;
    g->data = placement == AT_START ? g->pages
              : placement == AT_END ? g->pages + g->size - len
                                    : g->pages + (1 + test_random() % 64) * unit;
    memset(g->pages, FILL, g->size);
}

void guarded_place(struct guarded *g, size_t len, enum placement placement)
{
    place(g, len, placement, 1);
}

float *guarded_floats(struct guarded *g, size_t n, enum placement placement)
{
    place(g, n * sizeof(float), placement, sizeof(float));
    return (float *)(void *)g->data;
}

void guarded_randomize(struct guarded *g)
{
    for (size_t i = 0; i < g->len; i++)
        g->data[i] = (uint8_t)test_random();
}

static struct arena *arena_new(const struct mxfs_kernel *kernel, const char *test)
{
    struct arena *a = calloc(1, sizeof(*a));
    ck_assert_ptr_nonnull(a);
    a->kernel = kernel;
    a->test = test;
    mxfs_tables_init(&a->tables);
    a->dst = guarded_new(sizeof(a->expected));
    a->codes = guarded_new(ARENA_ELEMENTS);
    a->scales = guarded_new(ARENA_ELEMENTS * sizeof(float));
    a->factors = guarded_new(ARENA_ELEMENTS * sizeof(float));
    return a;
}

static void arena_free(struct arena *a)
{
    guarded_free(&a->dst);
    guarded_free(&a->codes);
    guarded_free(&a->scales);
    guarded_free(&a->factors);
    free(a);
}

void arena_place(struct arena *a, size_t dst, size_t codes, enum placement placement)
{
    guarded_place(&a->dst, dst, placement);
    guarded_place(&a->codes, codes, placement);
    guarded_randomize(&a->codes);
}

void arena_expect(struct arena *a, size_t i, uint32_t bits, enum mxfs_out out)
{
    oracle_put(a->expected, i, bits, out);
}

static bool untouched(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != FILL)
            return false;
    return true;
}

void arena_compare(const struct arena *a, const struct guarded *dst, const void *expected, size_t n)
{
    const uint8_t *e = expected;
    size_t before = (size_t)(dst->data - dst->pages), after = dst->size - before - dst->len;

    for (size_t i = 0; i < dst->len; i++)
        if (dst->data[i] != e[i]) /* an assertion reports its place each time, which is slow */
            ck_abort_msg("%s, %s, length %zu: byte %zu is %02x, not %02x", a->kernel->name, a->test,
                         n, i, dst->data[i], e[i]);
    ck_assert_msg(untouched(dst->pages, before), "%s, %s, length %zu: wrote before",
                  a->kernel->name, a->test, n);
    ck_assert_msg(untouched(dst->data + dst->len, after), "%s, %s, length %zu: wrote behind",
                  a->kernel->name, a->test, n);
}

void arena_check(const struct arena *a, size_t n)
{
    arena_compare(a, &a->dst, a->expected, n);
}

/* The loop: index (variant * tests + test) * output types + output type. */

static const struct kernel_test *all_tests;
static size_t count;

START_TEST(run_one)
{
    size_t i = (size_t)_i / MXFS_OUT_COUNT;
    const struct kernel_test *test = &all_tests[i % count];
    struct arena *a = arena_new(mxfs_kernels[i / count], test->name);
    test_seed((uint64_t)_i);
    test->run(a, _i % MXFS_OUT_COUNT);
    arena_free(a);
}
END_TEST

static void add_variant(Suite *suite, size_t index)
{
    TCase *tcase = tcase_create(mxfs_kernels[index]->name);
    tcase_set_timeout(tcase, 120); /* instrumented builds are slow */
    for (size_t t = 0; t < count; t++) {
        int first = (int)((index * count + t) * MXFS_OUT_COUNT);
        tcase_add_loop_test(tcase, run_one, first,
                            first + (all_tests[t].once ? 1 : MXFS_OUT_COUNT));
    }
    suite_add_tcase(suite, tcase);
}

void harness_add(Suite *suite, const struct kernel_test *tests, size_t n)
{
    uint32_t cpu = mxfs_cpu_detect();
    all_tests = tests;
    count = n;
    for (size_t i = 0; mxfs_kernels[i]; i++) {
        uint32_t missing = mxfs_kernels[i]->requires & ~cpu;
        if (missing)
            printf("skipped: %s (cpu lacks bits 0x%x of enum mxfs_cpu)\n", mxfs_kernels[i]->name,
                   missing);
        else
            add_variant(suite, i);
    }
}
