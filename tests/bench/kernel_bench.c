/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How fast the kernels are, as ratios measured side by side: to memcpy of the same number of output
 * bytes, and to the plain loop that a compiler makes of the definition. Every round times every
 * case once, so that what disturbs the machine disturbs all alike; medians of the rounds are
 * printed.
 *
 *   kernel_bench [ROUNDS]
 */
#include "mxfs/kernel.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mxfs/cpu.h"

#if defined(__GNUC__) && !defined(__clang__)
#define OPTIMIZED __attribute__((noinline, optimize("O3")))
#else
#define OPTIMIZED __attribute__((noinline))
#endif

enum {
    OUT_BYTES = 128 << 10, /* of the cases in cache */
    MIN_NS = 400000,       /* a measurement repeats until it took that long */
    MAX_CASES = 320,
    MAX_ROUNDS = 999,
    /* an expert's gate_up_proj of gpt-oss: rows, columns of source bytes, columns of scales */
    ROWS = 5760,
    COLS = 1440,
    GROUPS = 90,
    EXPERTS = 4, /* sources used in turn, so that none is in cache when its turn comes */
};

/** The buffers of all cases; each is large enough for any. */
static struct {
    uint8_t *codes, *scales, *dst, *src;
    uint8_t *experts, *expert_scales, *packed, *packed_scales, *big_dst, *big_src;
    float entries[OUT_BYTES]; /* plausible scales, zeros or biases */
    uint16_t group_of[OUT_BYTES];
    struct mxfs_tables tables;
} b;

/** One thing to time. */
struct bench_case {
    char name[64];
    const struct mxfs_kernel *kernel; /**< NULL for memcpy and the plain loop */
    void (*run)(const struct bench_case *c);
    enum mxfs_out out;
    size_t bytes;      /**< of output, a run */
    int base;          /**< the case that this one is compared with */
    int plain;         /**< the plain loop, or -1 */
    unsigned argument; /**< shift, format, stripe, bits, or codes of a group */
    double seconds[MAX_ROUNDS];
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
    memset(p, 1, size); /* touched before anything is timed */
    return p;
}

static void fill_random(uint8_t *p, size_t n)
{
    uint32_t x = 2463534242u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        p[i] = (uint8_t)x;
    }
}

/* Scales as trained weights have them: a dozen values around 2^-8. */
static void fill_scales(uint8_t *p, size_t n)
{
    fill_random(p, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(114 + p[i] % 12);
}

/* What is timed. */

static void run_memcpy(const struct bench_case *c)
{
    memcpy(b.dst, b.src, c->bytes);
}

static void run_big_memcpy(const struct bench_case *c)
{
    memcpy(b.big_dst, b.big_src, c->bytes);
}

OPTIMIZED static void plain_16(uint16_t *restrict out, const uint16_t (*restrict t)[16],
                               const uint8_t *restrict codes, const uint8_t *restrict scales,
                               size_t blocks)
{
    for (size_t i = 0; i < 16 * blocks; i++) {
        out[2 * i] = t[scales[i / 16]][codes[i] & 15];
        out[2 * i + 1] = t[scales[i / 16]][codes[i] >> 4];
    }
}

OPTIMIZED static void plain_32(uint32_t *restrict out, const uint32_t (*restrict t)[16],
                               const uint8_t *restrict codes, const uint8_t *restrict scales,
                               size_t blocks)
{
    for (size_t i = 0; i < 16 * blocks; i++) {
        out[2 * i] = t[scales[i / 16]][codes[i] & 15];
        out[2 * i + 1] = t[scales[i / 16]][codes[i] >> 4];
    }
}

static void run_plain(const struct bench_case *c)
{
    const struct mxfs_mxfp4_tables *t = &b.tables.mxfp4;
    size_t blocks = c->bytes / mxfs_out_size(c->out) / MXFS_MX_BLOCK;
    if (c->out == MXFS_OUT_F32)
        plain_32((uint32_t *)(void *)b.dst, t->f32, b.codes, b.scales, blocks);
    else
        plain_16((uint16_t *)(void *)b.dst, t->half16[c->out], b.codes, b.scales, blocks);
}

static void run_blocks(const struct bench_case *c)
{
    size_t blocks = c->bytes / mxfs_out_size(c->out) / MXFS_MX_BLOCK;
    c->kernel->mxfp4_blocks[c->out](&b.tables, b.dst, b.codes, b.scales, blocks);
}

static void run_lanes(const struct bench_case *c)
{
    size_t n = c->bytes / mxfs_out_size(c->out);
    c->kernel->mxfp4_lanes[c->out](&b.tables, b.dst, b.codes, b.scales, n, c->argument);
}

static void run_fp8(const struct bench_case *c)
{
    size_t n = c->bytes / mxfs_out_size(c->out);
    c->kernel->fp8_run[c->out](&b.tables, b.dst, b.codes, n, c->argument, 0.0123f);
}

static void run_mxfp8(const struct bench_case *c)
{
    size_t blocks = c->bytes / mxfs_out_size(c->out) / MXFS_MX_BLOCK;
    c->kernel->mxfp8_blocks[c->out](&b.tables, b.dst, b.codes, b.scales, blocks, MXFS_FP8_E4M3);
}

static void run_e2m3(const struct bench_case *c)
{
    c->kernel->e2m3(b.dst, b.codes, c->bytes);
}

static void run_unpack(const struct bench_case *c)
{
    c->kernel->unpack(b.dst, b.codes, c->bytes, c->argument, 0);
}

/* Products are rounded to the output type, as nearly all formats have it. */
static struct mxfs_affine affine_of(const struct bench_case *c)
{
    return (struct mxfs_affine){
        .scales = b.entries, .group = c->argument, .via = c->out, .octets = MXFS_OCTETS_UNSIGNED};
}

static void run_code8(const struct bench_case *c)
{
    struct mxfs_affine affine = affine_of(c);
    c->kernel->code8_run[c->out](b.dst, b.codes, c->bytes / mxfs_out_size(c->out), &affine);
}

static void run_code8_biases(const struct bench_case *c)
{
    struct mxfs_affine affine = affine_of(c);
    affine.biases = b.entries;
    c->kernel->code8_run[c->out](b.dst, b.codes, c->bytes / mxfs_out_size(c->out), &affine);
}

static void run_code4(const struct bench_case *c)
{
    struct mxfs_affine affine = affine_of(c);
    c->kernel->code4_run[c->out](b.dst, b.codes, 0, c->bytes / mxfs_out_size(c->out),
                                 MXFS_NIBBLES_LOW_FIRST, b.entries, &affine);
}

static void run_code4_octets(const struct bench_case *c)
{
    struct mxfs_affine affine = affine_of(c);
    c->kernel->code4_run[c->out](b.dst, b.codes, 0, c->bytes / mxfs_out_size(c->out),
                                 MXFS_NIBBLES_LOW, b.entries, &affine);
}

/* `argument` groups here. */
static void run_pick(const struct bench_case *c)
{
    struct mxfs_affine affine = affine_of(c);
    c->kernel->code4_pick[c->out](b.dst, b.codes, 0, c->bytes / mxfs_out_size(c->out), b.entries,
                                  &affine, b.group_of, c->argument);
}

static void run_widen(const struct bench_case *c)
{
    c->kernel->widen_bf16(b.dst, b.src, c->bytes / 4);
}

static void run_transpose(const struct bench_case *c)
{
    c->kernel->transpose(b.packed, ROWS, b.experts, COLS, 2048, 64);
}

/* The source bytes col..col+n of every row, as rows of the output. */
static void decode_stripe(const struct bench_case *c, const uint8_t *expert, size_t col, size_t n)
{
    mxfs_mxfp4_lanes_fn *lanes = c->kernel->mxfp4_lanes[c->out];
    size_t row_bytes = ROWS * (size_t)mxfs_out_size(c->out);
    c->kernel->transpose(b.packed, ROWS, expert + col, COLS, ROWS, n);
    for (size_t j = 0; j < n; j++) {
        const uint8_t *scales = b.packed_scales + (col + j) / 16 * ROWS;
        uint8_t *dst = b.big_dst + 2 * (col + j) * row_bytes;
        lanes(&b.tables, dst, b.packed + j * ROWS, scales, ROWS, 0);
        lanes(&b.tables, dst + row_bytes, b.packed + j * ROWS, scales, ROWS, 4);
    }
}

/* A whole expert from memory, in stripes of `argument` source columns. */
static void run_expert(const struct bench_case *c)
{
    static unsigned turn;
    size_t which = turn++ % EXPERTS;
    const uint8_t *expert = b.experts + which * ROWS * COLS;
    c->kernel->transpose(b.packed_scales, ROWS, b.expert_scales + which * ROWS * GROUPS, GROUPS,
                         ROWS, GROUPS);
    for (size_t col = 0; col < COLS; col += c->argument)
        decode_stripe(c, expert, col, COLS - col < c->argument ? COLS - col : c->argument);
}

/* The transposition alone. */
static void run_expert_transpose(const struct bench_case *c)
{
    static unsigned turn;
    const uint8_t *expert = b.experts + turn++ % EXPERTS * ROWS * COLS;
    for (size_t col = 0; col < COLS; col += c->argument) {
        size_t n = COLS - col < c->argument ? COLS - col : c->argument;
        c->kernel->transpose(b.packed + col * ROWS, ROWS, expert + col, COLS, ROWS, n);
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

static const char *const out_names[MXFS_OUT_COUNT] = {"bf16", "f16", "f32"};

static void add_variant_case(const struct mxfs_kernel *kernel, const char *what, enum mxfs_out out,
                             struct bench_case c)
{
    c.kernel = kernel;
    c.out = out;
    snprintf(c.name, sizeof(c.name), "%-10s %s %s", kernel->name, what, out_names[out]);
    add_case(c);
}

/* Operations on codes, to BF16 or to octets. */
static void add_codes(const struct mxfs_kernel *k, int base)
{
    static const struct {
        const char *what;
        void (*run)(const struct bench_case *c);
        unsigned argument;
    } rows[] = {
        {"mxfp8", run_mxfp8, 0},
        {"e2m3, octets,", run_e2m3, 0},
        {"unpack 3, octets,", run_unpack, 3},
        {"unpack 6, octets,", run_unpack, 6},
        {"code8, groups of 128", run_code8, 128},
        {"code8 + biases, groups of 64", run_code8_biases, 64},
        {"code4, groups of 64", run_code4, 64},
        {"code4 in octets, groups of 128", run_code4_octets, 128},
        {"code4, 64 groups by column", run_pick, 64},
    };
    for (size_t i = 0; i < MXFS_COUNT(rows); i++) {
        struct bench_case c = {.run = rows[i].run, .bytes = OUT_BYTES, .base = base, .plain = -1};
        c.argument = rows[i].argument;
        add_variant_case(k, rows[i].what, MXFS_OUT_BF16, c);
    }
}

static void add_variant(const struct mxfs_kernel *k, int base, int big_base, const int *plain)
{
    static const unsigned stripes[] = {16, 32, 64, 128, COLS};
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++) {
        struct bench_case c = {.bytes = OUT_BYTES, .base = base, .plain = plain[out]};
        c.run = run_blocks;
        add_variant_case(k, "blocks", out, c);
        c.run = run_lanes;
        add_variant_case(k, "lanes", out, c);
        c.run = run_fp8;
        c.plain = -1;
        add_variant_case(k, "e4m3", out, c);
    }
    add_codes(k, base);
    struct bench_case c = {.run = run_widen, .bytes = OUT_BYTES, .base = base, .plain = -1};
    add_variant_case(k, "widen", MXFS_OUT_F32, c);
    c.run = run_transpose;
    add_variant_case(k, "transpose 2048x64", MXFS_OUT_BF16, c);
    c.base = big_base;
    for (size_t i = 0; i < MXFS_COUNT(stripes); i++) {
        char what[40];
        c.argument = stripes[i];
        c.run = run_expert_transpose;
        c.bytes = (size_t)ROWS * COLS;
        snprintf(what, sizeof(what), "RAM transpose, stripe %u", stripes[i]);
        add_variant_case(k, what, MXFS_OUT_BF16, c);
        c.run = run_expert;
        c.bytes *= 4;
        snprintf(what, sizeof(what), "RAM expert, stripe %u", stripes[i]);
        add_variant_case(k, what, MXFS_OUT_BF16, c);
    }
}

static void add_cases(void)
{
    int plain[MXFS_OUT_COUNT];
    int base = add_case(
        (struct bench_case){.name = "memcpy", .run = run_memcpy, .bytes = OUT_BYTES, .plain = -1});
    int big_base = add_case((struct bench_case){.name = "RAM memcpy",
                                                .run = run_big_memcpy,
                                                .bytes = (size_t)ROWS * COLS * 4,
                                                .base = 1,
                                                .plain = -1});
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++) {
        struct bench_case c = {.run = run_plain, .bytes = OUT_BYTES, .out = out};
        snprintf(c.name, sizeof(c.name), "plain loop %s", out_names[out]);
        plain[out] = add_case(c);
        cases[plain[out]].plain = plain[out];
    }
    uint32_t cpu = mxfs_cpu_detect();
    for (size_t i = 0; mxfs_kernels[i]; i++) {
        if (mxfs_kernels[i]->requires & ~cpu)
            printf("skipped: %s (the cpu lacks it)\n", mxfs_kernels[i]->name);
        else
            add_variant(mxfs_kernels[i], base, big_base, plain);
    }
}

static void make_buffers(void)
{
    mxfs_tables_init(&b.tables);
    b.codes = buffer(OUT_BYTES);
    b.scales = buffer(OUT_BYTES);
    b.dst = buffer(OUT_BYTES);
    b.src = buffer(OUT_BYTES);
    b.experts = buffer((size_t)EXPERTS * ROWS * COLS);
    b.expert_scales = buffer((size_t)EXPERTS * ROWS * GROUPS);
    b.packed = buffer((size_t)ROWS * COLS);
    b.packed_scales = buffer((size_t)ROWS * GROUPS);
    b.big_dst = buffer((size_t)ROWS * COLS * 4);
    b.big_src = buffer((size_t)ROWS * COLS * 4);
    fill_random(b.codes, OUT_BYTES);
    fill_scales(b.scales, OUT_BYTES);
    for (size_t i = 0; i < OUT_BYTES; i++) {
        b.entries[i] = 0.001f + 0.0001f * (float)(i % 89);
        b.group_of[i] = b.codes[i] % 64;
    }
    fill_random(b.experts, (size_t)EXPERTS * ROWS * COLS);
    fill_scales(b.expert_scales, (size_t)EXPERTS * ROWS * GROUPS);
}

/* Seconds a run. The first run is not timed: it brings code, tables and buffers into the caches. */
static double measure(const struct bench_case *c)
{
    unsigned runs = 0;
    double start, end;
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

/* The median over the rounds of bytes per second, relative to that of `base` in the same round if
 * there is one. */
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
    printf("%-42s %8.2f %8.2f", c->name, median(c, NULL, rounds) * 1e-9,
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
    printf("%-42s %8s %8s %8s\n", "of output", "GB/s", "/memcpy", "/plain");
    for (int i = 0; i < case_count; i++)
        print_case(&cases[i], rounds);
    return 0;
}
