/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Kernels: the list and its choice; MXFP4 and moving of bytes, for every variant.
 */
#include "mxfs/kernel.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/cpu.h"
#include "support/harness.h"
#include "support/oracle.h"
#include "support/suite.h"

enum {
    MAX_BLOCKS = ARENA_ELEMENTS / MXFS_MX_BLOCK,
    MAX_LANES = 300,
};

/* MXFP4. */

/** How scales are drawn: vectors must meet ordinary ones only, and extremes beside ordinary ones.
 */
enum draw {
    ANY,
    ORDINARY, /**< adding to the exponent is exact in every output type */
    EDGES,    /**< around each bound, and the special ones */
    RARE,     /**< ordinary with an extreme now and then */
    DRAWS,
};

static uint8_t draw_scale(enum draw draw)
{
    static const uint8_t edges[] = {0,   1,   2,   3,   98,  99,  100, 101, 102, 103, 112,
                                    113, 114, 115, 139, 140, 141, 142, 143, 250, 251, 252,
                                    253, 254, 255, 255, 0,   1,   254, 253, 127, 127};
    if (draw == ANY)
        return (uint8_t)test_random();
    if (draw == EDGES || (draw == RARE && test_random() % 40 == 0))
        return edges[test_random() % sizeof(edges)];
    return (uint8_t)(114 + test_random() % 27);
}

static void draw_scales(uint8_t *p, size_t n, enum draw draw)
{
    for (size_t i = 0; i < n; i++)
        p[i] = draw_scale(draw);
}

static uint8_t *place_mxfp4(struct arena *a, size_t n, size_t codes, size_t scales,
                            enum mxfs_out out, enum placement p)
{
    arena_place(a, n * mxfs_out_size(out), codes, p);
    guarded_place(&a->scales, scales, p);
    return a->scales.data;
}

static void check_blocks(struct arena *a, enum mxfs_out out)
{
    size_t blocks = a->scales.len;
    for (size_t i = 0; i < blocks * MXFS_MX_BLOCK; i++) {
        unsigned code = a->codes.data[i / 2] >> (i % 2 * 4) & 15;
        arena_expect(a, i, oracle_mxfp4(a->scales.data[i / MXFS_MX_BLOCK], code, out), out);
    }
    a->kernel->mxfp4_blocks[out](&a->tables, a->dst.data, a->codes.data, a->scales.data, blocks);
    arena_check(a, blocks);
}

static uint8_t *place_blocks(struct arena *a, size_t blocks, enum mxfs_out out, enum placement p)
{
    return place_mxfp4(a, blocks * MXFS_MX_BLOCK, blocks * MXFS_MXFP4_BYTES, blocks, out, p);
}

static void every_number_of_blocks(struct arena *a, enum mxfs_out out)
{
    for (size_t blocks = 0; blocks <= MAX_BLOCKS; blocks++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            draw_scales(place_blocks(a, blocks, out, p), blocks, blocks % 2 ? ANY : EDGES);
            check_blocks(a, out);
        }
}

/* One block of all 16 codes, in both nibbles, for each of the 256 scales. */
static void every_scale_and_code_in_blocks(struct arena *a, enum mxfs_out out)
{
    for (unsigned scale = 0; scale < 256; scale++) {
        *place_blocks(a, 1, out, AT_END) = (uint8_t)scale;
        for (unsigned code = 0; code < 16; code++)
            a->codes.data[code] = (uint8_t)(code | (15 - code) << 4);
        check_blocks(a, out);
    }
}

static void check_lanes(struct arena *a, enum mxfs_out out, unsigned shift)
{
    size_t n = a->codes.len;
    for (size_t i = 0; i < n; i++)
        arena_expect(a, i, oracle_mxfp4(a->scales.data[i], a->codes.data[i] >> shift & 15, out),
                     out);
    a->kernel->mxfp4_lanes[out](&a->tables, a->dst.data, a->codes.data, a->scales.data, n, shift);
    arena_check(a, n);
}

static void every_number_of_lanes(struct arena *a, enum mxfs_out out)
{
    for (size_t n = 0; n <= MAX_LANES; n++)
        for (unsigned which = 0; which < DRAWS * PLACEMENTS; which++) {
            draw_scales(place_mxfp4(a, n, n, n, out, which / DRAWS), n, which % DRAWS);
            check_lanes(a, out, (n + which) % 2 * 4);
        }
}

/* A whole row of one scale for each of the 256, all codes in both nibbles. */
static void every_scale_and_code_in_lanes(struct arena *a, enum mxfs_out out)
{
    for (unsigned scale = 0; scale < 256; scale++)
        for (unsigned shift = 0; shift <= 4; shift += 4) {
            memset(place_mxfp4(a, 256, 256, 256, out, AT_END), (int)scale, 256);
            for (unsigned i = 0; i < 256; i++)
                a->codes.data[i] = (uint8_t)i;
            check_lanes(a, out, shift);
        }
}

/* Moving of bytes. */

/** A transposition: shape, and bytes between the rows beyond their length. */
struct shape {
    size_t rows, cols, src_gap, dst_gap;
};

static void check_transpose(struct arena *a, struct shape s, enum placement placement)
{
    size_t src_stride = s.cols + s.src_gap, dst_stride = s.rows + s.dst_gap;
    size_t src_len = s.rows && s.cols ? (s.rows - 1) * src_stride + s.cols : 0;
    size_t dst_len = s.rows && s.cols ? (s.cols - 1) * dst_stride + s.rows : 0;
    struct guarded src = guarded_new(src_len), dst = guarded_new(dst_len);
    struct guarded expected = guarded_new(dst_len);
    guarded_place(&src, src_len, placement);
    guarded_place(&dst, dst_len, placement);
    guarded_place(&expected, dst_len, AT_START); /* filled, as the gaps of dst are */
    guarded_randomize(&src);
    for (size_t r = 0; r < s.rows; r++)
        for (size_t c = 0; c < s.cols; c++)
            expected.data[c * dst_stride + r] = src.data[r * src_stride + c];
    a->kernel->transpose(dst.data, dst_stride, src.data, src_stride, s.rows, s.cols);
    arena_compare(a, &dst, expected.data, s.rows * 10000 + s.cols);
    guarded_free(&expected);
    guarded_free(&src);
    guarded_free(&dst);
}

static void every_small_transposition(struct arena *a, enum mxfs_out out)
{
    (void)out;
    for (size_t rows = 0; rows <= 70; rows++)
        for (size_t cols = 0; cols <= 70; cols++)
            check_transpose(a, (struct shape){rows, cols, test_random() % 3, test_random() % 3},
                            test_random() % PLACEMENTS);
}

static void larger_transpositions(struct arena *a, enum mxfs_out out)
{
    static const struct shape shapes[] = {
        {128, 128, 0, 0},   {129, 131, 0, 0},    {192, 64, 1440, 5760}, {200, 16, 1424, 3},
        {1000, 45, 0, 7},   {33, 1440, 0, 5727}, {256, 256, 256, 256},  {1, 5000, 0, 0},
        {5000, 1, 0, 0},    {31, 1000, 5, 0},    {1000, 15, 1, 1},      {15, 31, 0, 0},
        {255, 127, 1, 257}, {95, 95, 33, 0},
    };
    (void)out;
    for (size_t i = 0; i < MXFS_COUNT(shapes); i++)
        for (enum placement p = 0; p < PLACEMENTS; p++)
            check_transpose(a, shapes[i], p);
}

/* In place means: the source in the last 2n bytes of the destination. */
static void check_widening(struct arena *a, size_t n, enum placement p, bool in_place)
{
    arena_place(a, 4 * n, 2 * n, p);
    uint8_t *src = in_place ? a->dst.data + 2 * n : a->codes.data;
    for (size_t i = 0; i < n; i++) {
        uint8_t wide[4] = {0, 0, a->codes.data[2 * i], a->codes.data[2 * i + 1]};
        memcpy(a->expected + 4 * i, wide, 4);
    }
    memmove(src, a->codes.data, 2 * n);
    a->kernel->widen_bf16(a->dst.data, src, n);
    arena_check(a, n);
}

static void every_length_of_widening(struct arena *a, enum mxfs_out out)
{
    (void)out;
    for (size_t n = 0; n <= MAX_LANES; n++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            check_widening(a, n, p, false);
            check_widening(a, n, p, true);
        }
}

/* Known answers, written down elsewhere. */

/** BF16 of codes 0..7 as torch.ldexp gives them. */
static const struct {
    uint8_t scale;
    uint16_t codes[8];
} golden[] = {
    {127, {0x0000, 0x3f00, 0x3f80, 0x3fc0, 0x4000, 0x4040, 0x4080, 0x40c0}},
    {0, {0x0000, 0x0020, 0x0040, 0x0060, 0x0080, 0x00c0, 0x0100, 0x0140}},
    {1, {0x0000, 0x0040, 0x0080, 0x00c0, 0x0100, 0x0140, 0x0180, 0x01c0}},
    {252, {0x0000, 0x7d80, 0x7e00, 0x7e40, 0x7e80, 0x7ec0, 0x7f00, 0x7f40}},
    {253, {0x0000, 0x7e00, 0x7e80, 0x7ec0, 0x7f00, 0x7f40, 0x7f80, 0x7f80}},
    {254, {0x0000, 0x7e80, 0x7f00, 0x7f40, 0x7f80, 0x7f80, 0x7f80, 0x7f80}},
    {255, {0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0, 0x7fc0}},
};

/* Byte j holds code j twice; code 8 + j is code j with the sign, but for NaN. */
static void check_golden_row(struct arena *a, const uint16_t *expected, uint8_t scale)
{
    *place_blocks(a, 1, MXFS_OUT_BF16, AT_END) = scale;
    for (unsigned j = 0; j < 16; j++)
        a->codes.data[j] = (uint8_t)(j * 17);
    for (unsigned j = 0; j < 32; j++) {
        uint16_t sign = j >= 16 && scale != 255 ? 0x8000 : 0;
        arena_expect(a, j, expected[j / 2 % 8] | sign, MXFS_OUT_BF16);
    }
    a->kernel->mxfp4_blocks[MXFS_OUT_BF16](&a->tables, a->dst.data, a->codes.data, a->scales.data,
                                           1);
    arena_check(a, 1);
}

static void golden_mxfp4(struct arena *a, enum mxfs_out out)
{
    (void)out;
    for (size_t i = 0; i < MXFS_COUNT(golden); i++)
        check_golden_row(a, golden[i].codes, golden[i].scale);
}

/* Two columns, so that rows are lanes: bytes 0x21 and 0x43 with scale 1 give (0.5, 1.5) and (1, 2).
 */
static void golden_transposed(struct arena *a, enum mxfs_out out)
{
    uint8_t packed[2][16], columns[16][2], scales[2] = {127, 127};
    uint16_t even[2], odd[2];
    (void)out;
    memset(packed[0], 0x21, 16);
    memset(packed[1], 0x43, 16);
    a->kernel->transpose(columns[0], 2, packed[0], 16, 2, 16);
    a->kernel->mxfp4_lanes[MXFS_OUT_BF16](&a->tables, even, columns[5], scales, 2, 0);
    a->kernel->mxfp4_lanes[MXFS_OUT_BF16](&a->tables, odd, columns[5], scales, 2, 4);
    ck_assert_mem_eq(even, ((uint16_t[]){0x3f00, 0x3fc0}), 4);
    ck_assert_mem_eq(odd, ((uint16_t[]){0x3f80, 0x4000}), 4);
}

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
        return; /* an architecture with the scalar variant alone */
    ck_assert_ptr_null(mxfs_kernel_named(mxfs_kernels[0]->name, 0, &err));
    ck_assert_int_eq(err.code, MXFS_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, mxfs_kernels[0]->name));
}
END_TEST

/* The processor of the test must have what the system's own list says, where there is one. */
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

static const struct kernel_test tests[] = {
    {"every number of blocks", every_number_of_blocks, false},
    {"every scale and code in blocks", every_scale_and_code_in_blocks, false},
    {"every number of lanes", every_number_of_lanes, false},
    {"every scale and code in lanes", every_scale_and_code_in_lanes, false},
    {"every small transposition", every_small_transposition, true},
    {"larger transpositions", larger_transpositions, true},
    {"every length of widening", every_length_of_widening, true},
    {"known answers of MXFP4", golden_mxfp4, true},
    {"known answers of transposed MXFP4", golden_transposed, true},
};

int main(void)
{
    Suite *suite = suite_create("kernel");
    TCase *list = tcase_create("list");
    tcase_add_test(list, list_ends_with_scalar);
    tcase_add_test(list, select_takes_the_first_supported);
    tcase_add_test(list, named_finds_or_refuses);
    tcase_add_test(list, named_refuses_what_the_processor_lacks);
    tcase_add_test(list, detection_agrees_with_the_system);
    suite_add_tcase(suite, list);
    harness_add(suite, tests, MXFS_COUNT(tests));
    return test_run(suite);
}
