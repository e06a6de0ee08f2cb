/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Measures the speed of kernels as ratios taken side by side: to memcpy of the same number of
 * output bytes and, for MXFP4, to the loop that a compiler makes of the plain definition. Every
 * round times every case once, so that disturbances hit all alike; medians of the rounds are
 * printed.
 *
 * Operations, inputs and expected outputs are those of the unit tests (tests/unit/kernel): every
 * operation has a row, and its output is checked before it is timed.
 *
 *   kernel_bench [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/arena.h"
#include "mxfs/cpu.h"

#if defined(__GNUC__) && !defined(__clang__)
#define OPTIMIZED __attribute__((noinline, optimize("O3")))
#else
#define OPTIMIZED __attribute__((noinline))
#endif

enum {
    OUT_BYTES = 128 << 10, /* for the cases that fit the cache */
    MIN_NS = 400000,       /* a measurement repeats for at least this long */
    MAX_CASES = 400,
    MAX_ROUNDS = 999,
    /* the gate_up_proj of a gpt-oss expert: rows, columns of source bytes, columns of scales */
    ROWS = 5760,
    COLS = 1440,
    GROUPS = 90,
    EXPERTS = 4, /* sources used in turn, so that each has left the cache before it is used again */
};

/** The buffers of the cases that are not operations. */
static struct {
    uint8_t *src, *dst; /* OUT_BYTES each */
    uint8_t *experts, *expert_scales, *packed, *packed_scales, *big_dst, *big_src;
} b;

/** One thing to time. */
struct bench_case {
    char name[64];                           /* name of its row */
    void (*run)(const struct bench_case *c); /* the code to time */
    struct arena *arena;                     /* for its variant; NULL for memcpy */
    const struct operation_entry *entry;     /* NULL for cases that are not operations */
    enum mxfs_out out;                       /* output type */
    unsigned argument;                       /* argument of draw(), or the width of stripes */
    size_t bytes;                            /* bytes of output per run */
    int base;                                /* index of the case to compare with */
    int plain;                               /* index of the plain loop to compare with, or -1 */
    double seconds[MAX_ROUNDS];              /* seconds per run, for each round */
};

static struct bench_case cases[MAX_CASES];
static int case_count;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *buffer(size_t size)
{
    uint8_t *p = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    if (!p) {
        perror("aligned_alloc");
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)test_random();
    return p;
}

/* Scales like those of trained weights: a dozen values around 2^-8. */
static uint8_t *scales(size_t size)
{
    uint8_t *p = buffer(size);
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(114 + p[i] % 12);
    return p;
}

/* The code to time. */

static void run_memcpy(const struct bench_case *c)
{
    memcpy(b.dst, b.src, c->bytes);
}

static void run_big_memcpy(const struct bench_case *c)
{
    memcpy(b.big_dst, b.big_src, c->bytes);
}

OPTIMIZED static void plain_16(uint16_t *restrict out, const uint16_t (*restrict t)[16],
                               const struct mxfs_mxfp4_blocks *restrict in)
{
    const uint8_t *restrict codes = in->codes, *restrict of = in->scales;
    size_t blocks = in->blocks;
    for (size_t i = 0; i < 16 * blocks; i++) {
        out[2 * i] = t[of[i / 16]][codes[i] & 15];
        out[2 * i + 1] = t[of[i / 16]][codes[i] >> 4];
    }
}

OPTIMIZED static void plain_32(uint32_t *restrict out, const uint32_t (*restrict t)[16],
                               const struct mxfs_mxfp4_blocks *restrict in)
{
    const uint8_t *restrict codes = in->codes, *restrict of = in->scales;
    size_t blocks = in->blocks;
    for (size_t i = 0; i < 16 * blocks; i++) {
        out[2 * i] = t[of[i / 16]][codes[i] & 15];
        out[2 * i + 1] = t[of[i / 16]][codes[i] >> 4];
    }
}

static void run_plain(const struct bench_case *c)
{
    const struct mxfs_mxfp4_tables *t = &c->arena->tables.mxfp4;
    void *dst = c->arena->dst.data;
    if (c->out == MXFS_OUT_F32)
        plain_32(dst, t->f32, &c->arena->in.mxfp4_blocks);
    else
        plain_16(dst, t->half16[c->out], &c->arena->in.mxfp4_blocks);
}

static void run_operation(const struct bench_case *c)
{
    c->entry->run(c->arena);
}

/* Decodes the source bytes col..col+n of every row to rows of the output. */
static void decode_stripe(const struct bench_case *c, const uint8_t *expert, size_t col, size_t n)
{
    const struct mxfs_kernel *kernel = c->arena->kernel;
    size_t row_bytes = ROWS * (size_t)mxfs_out_size(c->out);

    kernel->transpose(b.packed, &(struct mxfs_transpose){expert + col, COLS, ROWS, ROWS, n});
    for (size_t j = 0; j < 2 * n; j++) {
        const struct mxfs_mxfp4_lanes lanes = {
            .tables = &c->arena->tables,
            .codes = b.packed + j / 2 * ROWS,
            .scales = b.packed_scales + (col + j / 2) / 16 * ROWS,
            .n = ROWS,
            .shift = j % 2 * 4,
        };
        kernel->mxfp4_lanes[c->out](b.big_dst + (2 * col + j) * row_bytes, &lanes);
    }
}

/* Decodes a whole expert from memory, in stripes of `argument` source columns. */
static void run_expert(const struct bench_case *c)
{
    static unsigned turn;
    size_t which = turn++ % EXPERTS;
    const uint8_t *expert = b.experts + which * ROWS * COLS;
    const uint8_t *of = b.expert_scales + which * ROWS * GROUPS;

    c->arena->kernel->transpose(b.packed_scales,
                                &(struct mxfs_transpose){of, GROUPS, ROWS, ROWS, GROUPS});
    for (size_t col = 0; col < COLS; col += c->argument)
        decode_stripe(c, expert, col, COLS - col < c->argument ? COLS - col : c->argument);
}

/* Only transposes it. */
static void run_expert_transpose(const struct bench_case *c)
{
    static unsigned turn;
    const uint8_t *expert = b.experts + turn++ % EXPERTS * ROWS * COLS;

    for (size_t col = 0; col < COLS; col += c->argument) {
        size_t n = COLS - col < c->argument ? COLS - col : c->argument;
        c->arena->kernel->transpose(b.packed + col * ROWS,
                                    &(struct mxfs_transpose){expert + col, COLS, ROWS, ROWS, n});
    }
}

/* The list of cases. */

static int add_case(struct bench_case c)
{
    if (case_count == MAX_CASES)
        abort();
    cases[case_count] = c;
    return case_count++;
}

/* Draws a case's input, the same on every call. */
static void draw(const struct bench_case *c)
{
    struct arena *a = c->arena;
    size_t size = c->entry->outs > 1 ? mxfs_out_size(c->out) : 1;

    test_seed(1);
    a->operation = c->entry->operation;
    a->out = c->out;
    a->operation->draw(a, OUT_BYTES / size, c->argument);
}

static const char *const out_names[MXFS_OUT_COUNT] = {"bf16", "f16", "f32"};

static void add_row(struct bench_case c, const struct row *row)
{
    for (enum mxfs_out out = 0; out < c.entry->outs; out++) {
        struct bench_case one = c;
        one.out = out;
        one.argument = row->argument;
        one.plain = c.plain >= 0 ? c.plain + (int)out : -1;
        snprintf(one.name, sizeof(one.name), "%-10s %s%s%s%s", c.arena->kernel->name, c.entry->name,
                 row->name, c.entry->outs > 1 ? " " : "", c.entry->outs > 1 ? out_names[out] : "");
        draw(&one);
        arena_check(one.arena); /* time only correct output */
        add_case(one);
    }
}

static void add_expert(struct bench_case c)
{
    static const unsigned stripes[] = {16, 32, 64, 128, COLS};

    for (size_t i = 0; i < MXFS_COUNT(stripes); i++) {
        c.argument = stripes[i];
        c.run = run_expert_transpose;
        c.bytes = (size_t)ROWS * COLS;
        snprintf(c.name, sizeof(c.name), "%-10s RAM transpose, stripe %u", c.arena->kernel->name,
                 stripes[i]);
        add_case(c);
        c.run = run_expert;
        c.bytes *= 4;
        snprintf(c.name, sizeof(c.name), "%-10s RAM expert, stripe %u bf16", c.arena->kernel->name,
                 stripes[i]);
        add_case(c);
    }
}

static void add_variant(const struct mxfs_kernel *kernel, int base, int big_base, int plain)
{
    struct bench_case c = {.bytes = OUT_BYTES, .run = run_operation, .base = base};

    c.arena = arena_new(kernel, ARENA_BENCH * 2);
    for (c.entry = operations; c.entry->name; c.entry++) {
        c.plain = strncmp(c.entry->name, "mxfp4_", 6) == 0 ? plain : -1;
        for (const struct row *row = c.entry->operation->rows; row->name; row++)
            add_row(c, row);
    }
    c = (struct bench_case){.arena = c.arena, .base = big_base, .plain = -1};
    add_expert(c);
}

/* Adds the plain loops, one per output type, on the input of mxfp4_blocks. Returns the first. */
static int add_plain(int base)
{
    struct bench_case c = {.bytes = OUT_BYTES, .run = run_plain, .base = base};

    c.arena = arena_new(mxfs_kernel_select(0), ARENA_BENCH * 2);
    for (c.entry = operations; strcmp(c.entry->name, "mxfp4_blocks") != 0; c.entry++)
        continue;
    for (c.out = 0; c.out < MXFS_OUT_COUNT; c.out++) {
        snprintf(c.name, sizeof(c.name), "plain loop %s", out_names[c.out]);
        c.plain = case_count;
        add_case(c);
    }
    return case_count - MXFS_OUT_COUNT;
}

static void add_cases(void)
{
    size_t big = (size_t)ROWS * COLS * 4;
    uint32_t cpu = mxfs_cpu_detect();
    int base = add_case(
        (struct bench_case){.name = "memcpy", .run = run_memcpy, .bytes = OUT_BYTES, .plain = -1});
    int big_base = add_case((struct bench_case){
        .name = "RAM memcpy", .run = run_big_memcpy, .bytes = big, .base = 1, .plain = -1});
    int plain = add_plain(base);

    for (size_t i = 0; mxfs_kernels[i]; i++) {
        if (mxfs_kernels[i]->requires & ~cpu)
            printf("skipped: %s (the processor lacks it)\n", mxfs_kernels[i]->name);
        else
            add_variant(mxfs_kernels[i], base, big_base, plain);
    }
}

static void make_buffers(void)
{
    b.src = buffer(OUT_BYTES);
    b.dst = buffer(OUT_BYTES);
    b.experts = buffer((size_t)EXPERTS * ROWS * COLS);
    b.expert_scales = scales((size_t)EXPERTS * ROWS * GROUPS);
    b.packed = buffer((size_t)ROWS * COLS);
    b.packed_scales = buffer((size_t)ROWS * GROUPS);
    b.big_dst = buffer((size_t)ROWS * COLS * 4);
    b.big_src = buffer((size_t)ROWS * COLS * 4);
}

/*
 * Seconds per run. The first run is not timed: it loads code, tables and buffers into the caches.
 */
static double measure(const struct bench_case *c)
{
    unsigned runs = 0;
    double start, end;

    if (c->entry)
        draw(c);
    if (c->bytes == OUT_BYTES)
        c->run(c);
    start = now();
    do {
        c->run(c);
        runs++;
        end = now();
    } while (end - start < MIN_NS * 1e-9);
    return (end - start) / runs;
}

static int compare(const void *a, const void *z)
{
    double x = *(const double *)a, y = *(const double *)z;
    return (x > y) - (x < y);
}

/*
 * The median over the rounds of bytes per second, divided by that of `base` in the same round
 * unless `base` is NULL.
 */
static double median(const struct bench_case *c, const struct bench_case *base, int rounds)
{
    double v[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++) {
        v[i] = (double)c->bytes / c->seconds[i];
        if (base)
            v[i] /= (double)base->bytes / base->seconds[i];
    }
    qsort(v, (size_t)rounds, sizeof(v[0]), compare);
    return v[rounds / 2];
}

static void print_case(const struct bench_case *c, int rounds)
{
    printf("%-54s %8.2f %8.2f", c->name, median(c, NULL, rounds) * 1e-9,
           median(c, &cases[c->base], rounds));
    if (c->plain >= 0)
        printf(" %8.2f", median(c, &cases[c->plain], rounds));
    putchar('\n');
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 25;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: kernel_bench [ROUNDS], 1 to %d\n", MAX_ROUNDS);
        return 2;
    }
    make_buffers();
    add_cases();
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < case_count; i++)
            cases[i].seconds[round] = measure(&cases[i]);
    printf("%-54s %8s %8s %8s\n", "of output", "GB/s", "/memcpy", "/plain");
    for (int i = 0; i < case_count; i++)
        print_case(&cases[i], rounds);
    return 0;
}
