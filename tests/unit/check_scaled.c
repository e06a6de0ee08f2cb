/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The kernel operations whose scales are float32, for every variant. What is expected is computed
 * here over doubles: the product of two floats is exact in a double, so each conversion is one
 * rounding. Buffers end where a page that faults begins.
 */
#include "mxfs/kernel.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mxfs/cpu.h"

/* A second definition of the output types: v, exact, rounded to nearest even. */

struct format {
    int exponent_bits, mantissa_bits;
    uint32_t nan;
};

static const struct format formats[MXFS_OUT_COUNT] = {
    [MXFS_OUT_BF16] = {8, 7, 0x7fc0},
    [MXFS_OUT_F16] = {5, 10, 0x7e00},
    [MXFS_OUT_F32] = {8, 23, 0x7fc00000},
};

static double rounded(double v, const struct format *f)
{
    int bias = (1 << (f->exponent_bits - 1)) - 1;
    if (v == 0 || isinf(v) || isnan(v))
        return v;
    int exponent = ilogb(v) < 1 - bias ? 1 - bias : ilogb(v);
    double spacing = ldexp(1, exponent - f->mantissa_bits);
    double result = nearbyint(v / spacing) * spacing;
    return fabs(result) >= ldexp(1, bias + 1) ? copysign(INFINITY, v) : result;
}

static uint32_t encode(double v, const struct format *f)
{
    uint32_t sign = signbit(v) ? 1u << (f->exponent_bits + f->mantissa_bits) : 0;
    int bias = (1 << (f->exponent_bits - 1)) - 1;
    if (isnan(v))
        return f->nan;
    v = fabs(rounded(v, f));
    if (isinf(v))
        return sign | ((1u << f->exponent_bits) - 1) << f->mantissa_bits;
    if (v < ldexp(1, 1 - bias))
        return sign | (uint32_t)ldexp(v, bias - 1 + f->mantissa_bits);
    int exponent = ilogb(v);
    return sign | (uint32_t)(exponent + bias) << f->mantissa_bits |
           (uint32_t)(ldexp(v, f->mantissa_bits - exponent) - ldexp(1, f->mantissa_bits));
}

static double e2m1(unsigned code)
{
    double magnitude =
        code & 6 ? ldexp(1 + (code & 1) * 0.5, (int)(code >> 1 & 3) - 1) : (code & 1) * 0.5;
    return code & 8 ? -magnitude : magnitude;
}

static double fp8(unsigned code, enum mxfs_fp8 format)
{
    int bits = format == MXFS_FP8_E4M3 ? 3 : 2, bias = format == MXFS_FP8_E4M3 ? 7 : 15;
    int mantissa = (int)code & ((1 << bits) - 1), exponent = (int)(code & 0x7f) >> bits;
    double sign = code & 0x80 ? -1 : 1;
    if (format == MXFS_FP8_E4M3 && (code & 0x7f) == 0x7f)
        return NAN;
    if (format == MXFS_FP8_E5M2 && exponent == 31)
        return mantissa ? NAN : sign * INFINITY;
    return sign *
           ldexp(mantissa + (exponent ? 1 << bits : 0), (exponent ? exponent : 1) - bias - bits);
}

/* Buffers. */

enum { MAX = 700, FILL = 0xa5 };

struct guarded {
    uint8_t *map;
    size_t size;
};

static struct guarded guarded_new(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g = {.size = (size + page - 1) / page * page};
    g.map = mmap(NULL, g.size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(g.map, MAP_FAILED);
    ck_assert_int_eq(mprotect(g.map + g.size, page, PROT_NONE), 0);
    return g;
}

static void guarded_free(struct guarded *g)
{
    munmap(g->map, g->size + (size_t)sysconf(_SC_PAGESIZE));
}

static void *last(const struct guarded *g, size_t bytes)
{
    return g->map + g->size - bytes;
}

static const struct mxfs_kernel *kernel;
static struct mxfs_tables tables;
static struct guarded dst, codes, scales, factors;
static uint64_t random_state;

static uint32_t random_u32(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32);
}

/* Mostly of ordinary size; `wild` mixes in any bits at all, infinities, NaN and zeros included. */
static void draw_floats(float *p, size_t n, int wild)
{
    static const uint32_t odd[] = {0x7f800000, 0xff800000, 0x7fc00001, 0xffc00000, 0x00000000,
                                   0x80000000, 0x00000001, 0x00400000, 0x7f7fffff, 0x7f000000};
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0x38000000 + random_u32() % 0x10000000;
        if (wild && random_u32() % 4 == 0)
            bits = random_u32() % 2 ? random_u32() : odd[random_u32() % MXFS_COUNT(odd)];
        memcpy(p + i, &bits, sizeof(bits));
    }
}

static void set_up(void)
{
    mxfs_tables_init(&tables);
    dst = guarded_new(MAX * 4 + 64);
    codes = guarded_new(MAX);
    scales = guarded_new(MAX * 4);
    factors = guarded_new(MAX * 4);
}

static void tear_down(void)
{
    guarded_free(&dst);
    guarded_free(&codes);
    guarded_free(&scales);
    guarded_free(&factors);
}

static void use_kernel(int index)
{
    kernel = mxfs_kernels[index];
    random_state = 88172645463325252ull;
    for (size_t i = 0; i < codes.size; i++)
        codes.map[i] = (uint8_t)random_u32();
}

/* Element i of the result at `got` is v rounded to float32 and then to the output type. */
static void expect(const uint8_t *got, size_t i, double v, enum mxfs_out out, size_t n)
{
    uint32_t bits = 0, want = encode(rounded(v, &formats[MXFS_OUT_F32]), &formats[out]);
    memcpy(&bits, got + i * mxfs_out_size(out), mxfs_out_size(out));
    if (bits != want) /* an assertion reports its place each time, which is slow */
        ck_abort_msg("%s, out %d, length %zu: element %zu is %x, not %x", kernel->name, out, n, i,
                     bits, want);
}

static uint8_t *place(size_t bytes)
{
    memset(dst.map, FILL, dst.size);
    return last(&dst, bytes);
}

static void expect_untouched(const uint8_t *end)
{
    size_t changed = 0;
    for (const uint8_t *p = dst.map; p < end; p++)
        changed += *p != FILL;
    ck_assert_uint_eq(changed, 0);
}

static void check_fp8_blocks(size_t n, size_t block, enum mxfs_fp8 format, enum mxfs_out out)
{
    const uint8_t *c = last(&codes, n);
    const float *s = last(&scales, (n + block - 1) / block * sizeof(*s));
    uint8_t *d = place(n * mxfs_out_size(out));
    kernel->fp8_blocks[out](&tables, d, c, n, format, s, block);
    for (size_t i = 0; i < n; i++)
        expect(d, i, fp8(c[i], format) * (double)s[i / block], out, n);
    expect_untouched(d);
}

START_TEST(fp8_blocks)
{
    static const size_t widths[] = {1, 3, 16, 31, 32, 33, 64, 128, 1000};
    use_kernel(_i);
    for (int wild = 0; wild < 2; wild++)
        for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
            for (enum mxfs_fp8 format = 0; format < MXFS_FP8_COUNT; format++)
                for (size_t w = 0; w < MXFS_COUNT(widths); w++)
                    for (size_t n = 0; n < MAX; n = n < 140 ? n + 1 : n + 61) {
                        draw_floats((float *)(void *)scales.map, MAX, wild);
                        draw_floats(last(&scales, 64), 16, wild);
                        check_fp8_blocks(n, widths[w], format, out);
                    }
}
END_TEST

START_TEST(nvfp4_blocks)
{
    use_kernel(_i);
    for (int wild = 0; wild < 2; wild++)
        for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
            for (size_t n = 0; n < MAX / MXFS_NVFP4_BLOCK; n++) {
                const uint8_t *c = last(&codes, n * MXFS_NVFP4_BYTES);
                float *s = last(&scales, n * sizeof(*s));
                size_t count = n * MXFS_NVFP4_BLOCK;
                uint8_t *d = place(count * mxfs_out_size(out));
                draw_floats(s, n, wild);
                kernel->nvfp4_blocks[out](d, c, s, n);
                for (size_t i = 0; i < count; i++)
                    expect(d, i, e2m1(c[i / 2] >> (i % 2 * 4) & 15) * s[i / MXFS_NVFP4_BLOCK], out,
                           n);
                expect_untouched(d);
            }
}
END_TEST

START_TEST(nvfp4_lanes)
{
    use_kernel(_i);
    for (int wild = 0; wild < 2; wild++)
        for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
            for (size_t n = 0; n < 140; n++)
                for (unsigned shift = 0; shift < 8; shift += 4) {
                    const uint8_t *c = last(&codes, n);
                    float *s = last(&scales, n * sizeof(*s));
                    uint8_t *d = place(n * mxfs_out_size(out));
                    draw_floats(s, n, wild);
                    kernel->nvfp4_lanes[out](d, c, s, n, shift);
                    for (size_t i = 0; i < n; i++)
                        expect(d, i, e2m1(c[i] >> shift & 15) * s[i], out, n);
                    expect_untouched(d);
                }
}
END_TEST

START_TEST(narrow)
{
    use_kernel(_i);
    for (int with = 0; with < 2; with++)
        for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
            for (enum mxfs_out via = 0; via < MXFS_OUT_COUNT; via++)
                for (size_t n = 0; n < 140; n++) {
                    float *s = last(&scales, n * sizeof(*s)), *f = last(&factors, n * sizeof(*f));
                    uint8_t *d = place(n * mxfs_out_size(out));
                    draw_floats(s, n, 1);
                    draw_floats(f, n, 1);
                    kernel->narrow[out](d, s, with ? f : NULL, n, via);
                    for (size_t i = 0; i < n; i++) {
                        double v =
                            rounded(with ? (double)s[i] * f[i] : s[i], &formats[MXFS_OUT_F32]);
                        expect(d, i, rounded(v, &formats[via]), out, n);
                    }
                    expect_untouched(d);
                }
}
END_TEST

static Suite *scaled_suite(void)
{
    static const TTest *const *const tests[] = {&fp8_blocks, &nvfp4_blocks, &nvfp4_lanes, &narrow};
    Suite *suite = suite_create("scaled");
    uint32_t cpu = mxfs_cpu_detect();
    for (int i = 0; mxfs_kernels[i]; i++) {
        if (mxfs_kernels[i]->requires & ~cpu) {
            printf("skipped: %s (not on this processor)\n", mxfs_kernels[i]->name);
            continue;
        }
        TCase *tcase = tcase_create(mxfs_kernels[i]->name);
        tcase_set_timeout(tcase, 120); /* instrumented builds are slow */
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        for (size_t t = 0; t < MXFS_COUNT(tests); t++)
            tcase_add_loop_test(tcase, *tests[t], i, i + 1);
        suite_add_tcase(suite, tcase);
    }
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(scaled_suite());
    srunner_run_all(runner, CK_NORMAL);
    int bad = srunner_ntests_failed(runner) != 0 || srunner_ntests_run(runner) == 0;
    srunner_free(runner);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
