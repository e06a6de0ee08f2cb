/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Guarded pages, and calls of kernels between them.
 */
#include "kernel/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MARGIN = 4096, /* filled bytes around a range that must not change, at least */
    FILL = 0xa5,
};

/*
 * Replaces Check's assertions, which work only in its tests and report each place, which is slow. A
 * test that aborts has failed.
 */
static _Noreturn MXFS_PRINTF(1, 2) void give_up(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}

static struct guarded guarded_new(size_t capacity)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g = {.size = (capacity + MARGIN + page - 1) / page * page};
    g.map_size = g.size + 2 * page;
    g.map = mmap(NULL, g.map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g.pages = g.map + page;
    if (g.map == MAP_FAILED || mprotect(g.pages, g.size, PROT_READ | PROT_WRITE))
        give_up("out of memory");
    return g;
}

static void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_size);
}

static void place(struct guarded *g, size_t len, enum placement placement, size_t unit)
{
    if (len + MARGIN > g->size)
        give_up("a range of %zu bytes does not fit its arena", len);
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

struct arena *arena_new(const struct mxfs_kernel *kernel, size_t elements)
{
    struct arena *a = aligned_alloc(_Alignof(struct arena), sizeof(*a));
    if (!a)
        give_up("out of memory");
    memset(a, 0, sizeof(*a));
    a->kernel = kernel;
    mxfs_tables_init(&a->tables);
    a->dst = guarded_new(elements * sizeof(float));
    a->codes = guarded_new(elements * sizeof(float));
    a->scales = guarded_new(elements * sizeof(float));
    a->factors = guarded_new(elements * sizeof(float));
    return a;
}

void arena_free(struct arena *a)
{
    guarded_free(&a->dst);
    guarded_free(&a->codes);
    guarded_free(&a->scales);
    guarded_free(&a->factors);
    free(a);
}

static const struct operation_entry *entry_of(const struct arena *a)
{
    const struct operation_entry *e = operations;
    while (e->operation != a->operation)
        e++;
    return e;
}

void arena_place(struct arena *a, size_t n, size_t codes, enum placement placement)
{
    guarded_place(&a->dst, n * (entry_of(a)->outs > 1 ? mxfs_out_size(a->out) : 1), placement);
    guarded_place(&a->codes, codes, placement);
    guarded_randomize(&a->codes);
}

void arena_expect(struct arena *a, size_t i, uint32_t bits)
{
    oracle_put(a->expected, i, bits, a->out);
}

static bool is_filled(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != FILL)
            return false;
    return true;
}

static void compare(const struct arena *a)
{
    static const char *const outs[MXFS_OUT_COUNT] = {"bf16", "f16", "f32"};
    const struct guarded *dst = &a->dst;
    const char *variant = a->kernel->name, *name = entry_of(a)->name, *out = outs[a->out];
    size_t before = (size_t)(dst->data - dst->pages), after = dst->size - before - dst->len;

    for (size_t i = 0; i < dst->len; i++)
        if (dst->data[i] != a->expected[i])
            give_up("%s, %s %s, %zu bytes: byte %zu is %02x, not %02x", variant, name, out,
                    dst->len, i, dst->data[i], a->expected[i]);
    if (!is_filled(dst->pages, before) || !is_filled(dst->data + dst->len, after))
        give_up("%s, %s %s, %zu bytes: wrote outside the destination", variant, name, out,
                dst->len);
}

void arena_check(struct arena *a)
{
    memset(a->expected, FILL, a->dst.len);
    a->operation->expect(a);
    entry_of(a)->run(a);
    compare(a);
}

void arena_check_known(struct arena *a, const uint32_t *bits, size_t n)
{
    guarded_place(&a->dst, n * mxfs_out_size(a->out), AT_END);
    for (size_t i = 0; i < n; i++)
        arena_expect(a, i, bits[i]);
    entry_of(a)->run(a);
    compare(a);
}

void arena_check_known_bytes(struct arena *a, const uint8_t *bytes, size_t n)
{
    guarded_place(&a->dst, n, AT_END);
    memcpy(a->expected, bytes, n);
    entry_of(a)->run(a);
    compare(a);
}
