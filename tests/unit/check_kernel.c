/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * One harness for every kernel variant and operation. Sources and destination lie between pages
 * that fault, flush with one or the other; the rest of the destination's pages is filled and must
 * stay so.
 *
 * What is expected comes from a second definition written here, over doubles: exact values, then
 * one rounding found by scaling to the spacing of the output type. It shares nothing with the
 * kernels' tables. Random inputs are the same on every run.
 */
#include "mxfs/kernel.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mxfs/cpu.h"

/* The second definition. */

/** What a binary float format is made of. */
struct format {
    unsigned exponent_bits, mantissa_bits;
    uint32_t nan;
};

static const struct format formats[MXFS_OUT_COUNT] = {
    [MXFS_OUT_BF16] = {8, 7, 0x7fc0},
    [MXFS_OUT_F16] = {5, 10, 0x7e00},
    [MXFS_OUT_F32] = {8, 23, 0x7fc00000},
};

/* v, of which only the sign, the magnitude and the format's spacing at that magnitude matter. */
static uint32_t encode(double v, const struct format *f)
{
    uint32_t sign = signbit(v) ? 1u << (f->exponent_bits + f->mantissa_bits) : 0;
    int bias = (1 << (f->exponent_bits - 1)) - 1;
    uint32_t infinity = ((1u << f->exponent_bits) - 1) << f->mantissa_bits;
    if (isnan(v))
        return f->nan;
    if (v == 0 || isinf(v))
        return sign | (v == 0 ? 0 : infinity);
    int exponent = ilogb(v) < 1 - bias ? 1 - bias : ilogb(v);
    double units = nearbyint(ldexp(fabs(v), (int)f->mantissa_bits - exponent));
    /* units includes the leading one of a normal number, hence bias - 1 */
    double bits = units + ldexp(exponent + bias - 1, (int)f->mantissa_bits);
    return sign | (bits >= infinity ? infinity : (uint32_t)bits);
}

static double e2m1(unsigned code)
{
    static const double values[16] = {0.0,  0.5,  1.0,  1.5,  2.0,  3.0,  4.0,  6.0,
                                      -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0};
    return values[code];
}

static uint32_t expect_mxfp4(unsigned scale, unsigned code, enum mxfs_out out)
{
    double value = scale == 255 ? NAN : ldexp(e2m1(code), (int)scale - 127);
    return encode(value, &formats[out]);
}

static double fp8(unsigned code, enum mxfs_fp8 format)
{
    unsigned mantissa_bits = format == MXFS_FP8_E4M3 ? 3 : 2;
    int bias = format == MXFS_FP8_E4M3 ? 7 : 15;
    double sign = code & 0x80 ? -1 : 1;
    unsigned magnitude = code & 0x7f;
    if (format == MXFS_FP8_E4M3 && magnitude == 0x7f)
        return NAN;
    if (format == MXFS_FP8_E5M2 && magnitude >= 0x7c)
        return magnitude == 0x7c ? sign * INFINITY : NAN;
    double fraction = ldexp(magnitude & ((1u << mantissa_bits) - 1), -(int)mantissa_bits);
    int exponent = (int)(magnitude >> mantissa_bits);
    return sign * (exponent ? ldexp(1 + fraction, exponent - bias) : ldexp(fraction, 1 - bias));
}

/* The product of two floats is exact in a double; the conversion is the first rounding. */
static uint32_t expect_fp8(unsigned code, enum mxfs_fp8 format, float scale, enum mxfs_out out)
{
    float product = (float)(fp8(code, format) * (double)scale);
    return encode(product, &formats[out]);
}

/* Buffers between guard pages. */

enum {
    MARGIN = 4096, /* filled bytes that must stay as they are, at least; keeps alignment classes */
    FILL = 0xa5,
};

/** Where the usable bytes lie in their pages. */
enum placement {
    AT_START, /**< the byte before is unmapped */
    AT_END,   /**< the byte after is unmapped */
    PLACEMENTS,
};

/** A range of bytes in pages of its own, guarded at both ends. */
struct guarded {
    uint8_t *map;    /**< with the guard pages */
    size_t map_size; /**< bytes */
    uint8_t *pages;  /**< without */
    size_t size;     /**< bytes in pages */
    uint8_t *data;   /**< the range */
    size_t len;      /**< its bytes */
};

static struct guarded guarded_new(size_t capacity)
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

static void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_size);
}

/* Puts a range of `len` bytes flush with one end, and fills all pages. */
static void guarded_place(struct guarded *g, size_t len, enum placement placement)
{
    ck_assert_uint_le(len, g->size);
    g->len = len;
    g->data = placement == AT_START ? g->pages : g->pages + g->size - len;
    memset(g->pages, FILL, g->size);
}

static size_t count_changed(const uint8_t *p, size_t n)
{
    size_t changed = 0;
    for (size_t i = 0; i < n; i++)
        changed += p[i] != FILL;
    return changed;
}

/* The range holds what is expected, and nothing around it was written. */
static void guarded_check(const struct guarded *g, const void *expected, const char *what, size_t n)
{
    size_t before = (size_t)(g->data - g->pages);
    for (size_t i = 0; i < g->len; i++)
        if (g->data[i] != ((const uint8_t *)expected)[i])
            ck_abort_msg("%s, length %zu: byte %zu is %02x, not %02x", what, n, i, g->data[i],
                         ((const uint8_t *)expected)[i]);
    ck_assert_msg(count_changed(g->pages, before) == 0, "%s, length %zu: wrote before", what, n);
    ck_assert_msg(count_changed(g->data + g->len, g->size - before - g->len) == 0,
                  "%s, length %zu: wrote behind", what, n);
}

/* Random numbers: xorshift64*, the same on every run. */

static uint64_t random_state;

static uint32_t random_u32(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32);
}

static void random_bytes(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)random_u32();
}

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
        return (uint8_t)random_u32();
    if (draw == EDGES || (draw == RARE && random_u32() % 40 == 0))
        return edges[random_u32() % sizeof(edges)];
    return (uint8_t)(114 + random_u32() % 27);
}

static void draw_scales(uint8_t *p, size_t n, enum draw draw)
{
    for (size_t i = 0; i < n; i++)
        p[i] = draw_scale(draw);
}

static void put(uint8_t *expected, size_t i, uint32_t bits, enum mxfs_out out)
{
    memcpy(expected + i * mxfs_out_size(out), &bits, mxfs_out_size(out));
}

/* The variants. */

static const struct mxfs_kernel *kernel;
static struct mxfs_tables tables;

static void use_kernel(int index)
{
    kernel = mxfs_kernels[index];
    random_state = 88172645463325252ull;
}

static void set_up_tables(void)
{
    mxfs_tables_init(&tables);
}

/* Operations. */

enum {
    MAX_BLOCKS = 131,
    MAX_LANES = 300,
    MAX_OUT = MAX_BLOCKS * MXFS_MX_BLOCK * 4,
};

/** Guarded sources and destination, and what is expected in the latter. */
struct arena {
    struct guarded dst, codes, scales;
    uint8_t expected[MAX_OUT];
};

static struct arena *arena_new(void)
{
    struct arena *a = calloc(1, sizeof(*a));
    ck_assert_ptr_nonnull(a);
    a->dst = guarded_new(MAX_OUT);
    a->codes = guarded_new(MAX_BLOCKS * MXFS_MXFP4_BYTES);
    a->scales = guarded_new(MAX_LANES);
    return a;
}

static void arena_free(struct arena *a)
{
    guarded_free(&a->dst);
    guarded_free(&a->codes);
    guarded_free(&a->scales);
    free(a);
}

static void arena_place(struct arena *a, size_t dst, size_t codes, size_t scales,
                        enum placement placement)
{
    guarded_place(&a->dst, dst, placement);
    guarded_place(&a->codes, codes, placement);
    guarded_place(&a->scales, scales, placement);
    random_bytes(a->codes.data, codes);
}

static void check_blocks(struct arena *a, enum mxfs_out out, size_t blocks)
{
    for (size_t i = 0; i < 2 * a->codes.len; i++) {
        unsigned code = a->codes.data[i / 2] >> (i % 2 * 4) & 15;
        put(a->expected, i, expect_mxfp4(a->scales.data[i / MXFS_MX_BLOCK], code, out), out);
    }
    kernel->mxfp4_blocks[out](&tables, a->dst.data, a->codes.data, a->scales.data, blocks);
    guarded_check(&a->dst, a->expected, kernel->name, blocks);
}

START_TEST(every_number_of_blocks)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (size_t blocks = 0; blocks <= MAX_BLOCKS; blocks++)
            for (enum placement p = 0; p < PLACEMENTS; p++) {
                arena_place(a, blocks * MXFS_MX_BLOCK * mxfs_out_size(out), 16 * blocks, blocks, p);
                draw_scales(a->scales.data, blocks, ANY);
                check_blocks(a, out, blocks);
            }
    arena_free(a);
}
END_TEST

/* Ranges that begin one byte further each time, in the middle of their pages. */
START_TEST(blocks_at_any_alignment)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (size_t shift = 0; shift < 64; shift++) {
            arena_place(a, 5 * MXFS_MX_BLOCK * mxfs_out_size(out), 5 * 16, 5, AT_START);
            a->dst.data += shift;
            a->codes.data += shift * 7 % 64;
            a->scales.data += shift * 5 % 64;
            random_bytes(a->codes.data, a->codes.len);
            draw_scales(a->scales.data, 5, EDGES);
            check_blocks(a, out, 5);
        }
    arena_free(a);
}
END_TEST

/* One block of all 16 codes, in both nibbles, for each of the 256 scales. */
START_TEST(every_scale_and_code_in_blocks)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (unsigned scale = 0; scale < 256; scale++) {
            arena_place(a, MXFS_MX_BLOCK * mxfs_out_size(out), 16, 1, AT_END);
            for (unsigned code = 0; code < 16; code++)
                a->codes.data[code] = (uint8_t)(code | (15 - code) << 4);
            a->scales.data[0] = (uint8_t)scale;
            check_blocks(a, out, 1);
        }
    arena_free(a);
}
END_TEST

static void check_lanes(struct arena *a, enum mxfs_out out, size_t n, unsigned shift)
{
    for (size_t i = 0; i < n; i++)
        put(a->expected, i, expect_mxfp4(a->scales.data[i], a->codes.data[i] >> shift & 15, out),
            out);
    kernel->mxfp4_lanes[out](&tables, a->dst.data, a->codes.data, a->scales.data, n, shift);
    guarded_check(&a->dst, a->expected, kernel->name, n);
}

START_TEST(every_number_of_lanes)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (size_t n = 0; n <= MAX_LANES; n++)
            for (int which = 0; which < DRAWS * PLACEMENTS * 2; which++) {
                arena_place(a, n * mxfs_out_size(out), n, n, which / 2 % 2 ? AT_END : AT_START);
                draw_scales(a->scales.data, n, which / 4);
                check_lanes(a, out, n, which % 2 * 4);
            }
    arena_free(a);
}
END_TEST

START_TEST(lanes_at_any_alignment)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (size_t shift = 0; shift < 64; shift++) {
            arena_place(a, 200 * mxfs_out_size(out), 200, 200, AT_START);
            a->dst.data += shift;
            a->codes.data += shift * 7 % 64;
            a->scales.data += shift * 5 % 64;
            random_bytes(a->codes.data, a->codes.len);
            draw_scales(a->scales.data, 200, RARE);
            check_lanes(a, out, 200, shift % 2 * 4);
        }
    arena_free(a);
}
END_TEST

/* A whole row of one scale for each of the 256, all codes in both nibbles. */
START_TEST(every_scale_and_code_in_lanes)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (unsigned scale = 0; scale < 256; scale++)
            for (unsigned shift = 0; shift <= 4; shift += 4) {
                arena_place(a, 256 * mxfs_out_size(out), 256, 256, AT_END);
                for (unsigned i = 0; i < 256; i++)
                    a->codes.data[i] = (uint8_t)i;
                memset(a->scales.data, (int)scale, 256);
                check_lanes(a, out, 256, shift);
            }
    arena_free(a);
}
END_TEST

static void check_fp8(struct arena *a, enum mxfs_out out, enum mxfs_fp8 format, float scale)
{
    size_t n = a->codes.len;
    for (size_t i = 0; i < n; i++)
        put(a->expected, i, expect_fp8(a->codes.data[i], format, scale, out), out);
    kernel->fp8_run[out](&tables, a->dst.data, a->codes.data, n, format, scale);
    guarded_check(&a->dst, a->expected, kernel->name, n);
}

static float float_from(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

START_TEST(every_length_of_fp8)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (size_t n = 0; n <= MAX_LANES; n++)
            for (int which = 0; which < 4; which++) {
                arena_place(a, n * mxfs_out_size(out), n, 0, which / 2 ? AT_END : AT_START);
                check_fp8(a, out, which % 2, ldexpf(1 + random_u32() % 1000 / 999.0f, -7));
            }
    arena_free(a);
}
END_TEST

/* All codes under scales of any bits at all, and under those where something overflows or vanishes.
 */
START_TEST(fp8_with_any_scale)
{
    static const uint32_t edges[] = {
        0x00000000, 0x80000000, 0x00000001, 0x007fffff, 0x00800000, 0x7f7fffff, 0xff7fffff,
        0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 0x7f800001, 0x3f800000, 0xbf800000,
        0x7b7fffff, 0x7b800000, 0x7b800001, 0x7c000000, 0x3f800001, 0x33800000, 0x34000000,
        0x43800000, 0x42a2999a, 0x3c4985f0, 0x00400000, 0x7f000000, 0x7e800000, 0x37800000,
    };
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (unsigned i = 0; i < 2 * 1500; i++) {
            unsigned edge = i / 2;
            arena_place(a, 256 * mxfs_out_size(out), 256, 0, AT_END);
            for (unsigned code = 0; code < 256; code++)
                a->codes.data[code] = (uint8_t)code;
            uint32_t bits = edge < MXFS_COUNT(edges) ? edges[edge] : random_u32();
            check_fp8(a, out, i % 2, float_from(bits));
        }
    arena_free(a);
}
END_TEST

/* Every f16 boundary: scales that put the products at and between the halves of F16 and BF16. */
START_TEST(fp8_rounds_to_even)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (enum mxfs_out out = 0; out < MXFS_OUT_COUNT; out++)
        for (unsigned i = 0; i < 2 * 2000; i++) {
            uint32_t low = (uint32_t[]){0x8000, 0x18000, 0x1000, 0x3000, 0x7fff, 0x8001}[i / 2 % 6];
            uint32_t bits = (90 + i % 80) << 23 | (random_u32() & 0x7e0000) | low;
            arena_place(a, 256 * mxfs_out_size(out), 256, 0, AT_START);
            check_fp8(a, out, i % 2, float_from(bits));
        }
    arena_free(a);
}
END_TEST

/** A transposition: shape, and bytes between the rows beyond their length. */
struct shape {
    size_t rows, cols, src_gap, dst_gap;
};

static void check_transpose(struct shape s, enum placement placement)
{
    size_t src_stride = s.cols + s.src_gap, dst_stride = s.rows + s.dst_gap;
    size_t src_len = s.rows && s.cols ? (s.rows - 1) * src_stride + s.cols : 0;
    size_t dst_len = s.rows && s.cols ? (s.cols - 1) * dst_stride + s.rows : 0;
    struct guarded src = guarded_new(src_len), dst = guarded_new(dst_len);
    uint8_t *expected = malloc(dst_len + 1);
    ck_assert_ptr_nonnull(expected);
    guarded_place(&src, src_len, placement);
    guarded_place(&dst, dst_len, placement);
    random_bytes(src.data, src_len);
    memset(expected, FILL, dst_len);
    for (size_t r = 0; r < s.rows; r++)
        for (size_t c = 0; c < s.cols; c++)
            expected[c * dst_stride + r] = src.data[r * src_stride + c];
    kernel->transpose(dst.data, dst_stride, src.data, src_stride, s.rows, s.cols);
    guarded_check(&dst, expected, kernel->name, s.rows * 10000 + s.cols);
    free(expected);
    guarded_free(&src);
    guarded_free(&dst);
}

START_TEST(every_small_transposition)
{
    use_kernel(_i);
    for (size_t rows = 0; rows <= 70; rows++)
        for (size_t cols = 0; cols <= 70; cols++)
            check_transpose((struct shape){rows, cols, random_u32() % 3, random_u32() % 3},
                            random_u32() % PLACEMENTS);
}
END_TEST

START_TEST(larger_transpositions)
{
    static const struct shape shapes[] = {
        {128, 128, 0, 0},   {129, 131, 0, 0},    {192, 64, 1440, 5760}, {200, 16, 1424, 3},
        {1000, 45, 0, 7},   {33, 1440, 0, 5727}, {256, 256, 256, 256},  {1, 5000, 0, 0},
        {5000, 1, 0, 0},    {31, 1000, 5, 0},    {1000, 15, 1, 1},      {15, 31, 0, 0},
        {255, 127, 1, 257}, {95, 95, 33, 0},
    };
    use_kernel(_i);
    for (size_t i = 0; i < MXFS_COUNT(shapes); i++)
        for (enum placement p = 0; p < PLACEMENTS; p++)
            check_transpose(shapes[i], p);
}
END_TEST

/* Apart, and in place: the source in the last 2n bytes of the destination. */
START_TEST(every_length_of_widening)
{
    use_kernel(_i);
    struct arena *a = arena_new();
    for (size_t n = 0; n <= MAX_LANES; n++)
        for (int which = 0; which < 4; which++) {
            arena_place(a, 4 * n, 2 * n, 0, which / 2 ? AT_END : AT_START);
            for (size_t i = 0; i < n; i++) {
                uint8_t wide[4] = {0, 0, a->codes.data[2 * i], a->codes.data[2 * i + 1]};
                memcpy(a->expected + 4 * i, wide, 4);
            }
            if (which % 2)
                memcpy(a->dst.data + 2 * n, a->codes.data, 2 * n);
            kernel->widen_bf16(a->dst.data, which % 2 ? a->dst.data + 2 * n : a->codes.data, n);
            guarded_check(&a->dst, a->expected, kernel->name, n);
        }
    arena_free(a);
}
END_TEST

/* Affine codes. */

/** Entries of a few groups, and a run of codes that begins anywhere. */
struct affine_case {
    float scales[MAX_LANES], zeros[MAX_LANES], biases[MAX_LANES], values[16];
    struct mxfs_affine affine;
    enum mxfs_nibbles nibbles;
    size_t first, n;
};

/* Bits of a 16-bit type, or of a float, as a number. */
static double decode(uint32_t bits, enum mxfs_out out)
{
    const struct format *f = &formats[out];
    uint32_t mantissa = bits & ((1u << f->mantissa_bits) - 1);
    int exponent = (int)(bits >> f->mantissa_bits & ((1u << f->exponent_bits) - 1));
    int bias = (1 << (f->exponent_bits - 1)) - 1;
    double sign = bits >> (f->exponent_bits + f->mantissa_bits) & 1 ? -1 : 1;
    if (exponent == (1 << f->exponent_bits) - 1)
        return mantissa ? NAN : sign * INFINITY;
    double units = mantissa + (exponent ? ldexp(1, (int)f->mantissa_bits) : 0);
    return sign * ldexp(units, (exponent ? exponent : 1) - bias - (int)f->mantissa_bits);
}

/* In doubles every difference and product of floats here is exact, and a sum rounds to the same
 * float; what is stored to a float has been rounded once. */
static uint32_t expect_affine(const struct mxfs_affine *a, double v, size_t i, enum mxfs_out out)
{
    size_t group = (a->skip + i) / a->group;
    float difference = (float)(v - (a->zeros ? a->zeros[group] : 0));
    float product = (float)((double)difference * a->scales[group]);
    double result = decode(encode(product, &formats[a->via]), a->via);
    if (a->biases) {
        float sum = (float)(result + a->biases[group]);
        result = decode(encode(sum, &formats[a->via]), a->via);
    }
    return encode(result, &formats[out]);
}

static float random_scale(void)
{
    static const float special[] = {0.0f, -0.0f, INFINITY,  -INFINITY,
                                    NAN,  1.0f,  0x1p-149f, 0x1p127f};
    if (random_u32() % 8 == 0)
        return special[random_u32() % MXFS_COUNT(special)];
    return ldexpf((float)(int32_t)random_u32(), (int)(random_u32() % 40) - 50);
}

/* Groups of `group` codes of which `skip` are left out; zeros and biases by the bits of `with`. */
static void draw_affine(struct affine_case *c, size_t group, unsigned with, enum mxfs_out via)
{
    for (size_t i = 0; i < MAX_LANES; i++) {
        c->scales[i] = random_scale();
        c->zeros[i] = (float)(int)(random_u32() % 512) - 256;
        c->biases[i] = random_scale();
    }
    for (size_t i = 0; i < 16; i++)
        c->values[i] = random_u32() % 2 ? (float)i - 8 : ldexpf((float)(int32_t)random_u32(), -31);
    c->affine = (struct mxfs_affine){
        .scales = c->scales,
        .zeros = with & 1 ? c->zeros : NULL,
        .biases = with & 2 ? c->biases : NULL,
        .group = group,
        .skip = random_u32() % group,
        .via = via,
    };
}

static void check_code4(struct arena *a, struct affine_case *c, enum mxfs_out out, enum placement p)
{
    bool paired = c->nibbles <= MXFS_NIBBLES_HIGH_FIRST;
    size_t octets = paired ? (c->first + c->n + 1) / 2 : c->n;
    arena_place(a, c->n * mxfs_out_size(out), octets, 0, p);
    for (size_t i = 0; i < c->n; i++) {
        size_t at = c->first + i;
        uint8_t octet = a->codes.data[paired ? at / 2 : at];
        bool high = c->nibbles == MXFS_NIBBLES_HIGH ||
                    (paired && at % 2 == (c->nibbles == MXFS_NIBBLES_LOW_FIRST));
        float v = c->values[high ? octet >> 4 : octet & 15];
        /* values may be fractions; zeros only come with whole numbers */
        put(a->expected, i, expect_affine(&c->affine, v, i, out), out);
    }
    kernel->code4_run[out](a->dst.data, a->codes.data, c->first, c->n, c->nibbles, c->values,
                           &c->affine);
    guarded_check(&a->dst, a->expected, kernel->name, c->n);
}

static void check_code8(struct arena *a, struct affine_case *c, enum mxfs_out out, enum placement p)
{
    arena_place(a, c->n * mxfs_out_size(out), c->n, 0, p);
    for (size_t i = 0; i < c->n; i++)
        put(a->expected, i, expect_affine(&c->affine, (int8_t)a->codes.data[i], i, out), out);
    kernel->code8_run[out](a->dst.data, a->codes.data, c->n, &c->affine);
    guarded_check(&a->dst, a->expected, kernel->name, c->n);
}

START_TEST(affine_codes)
{
    static const size_t groups[] = {1, 2, 7, 16, 31, 32, 64, 100, 1000};
    use_kernel(_i);
    struct arena *a = arena_new();
    struct affine_case *c = calloc(1, sizeof(*c));
    ck_assert_ptr_nonnull(c);
    for (unsigned i = 0; i < 6000; i++) {
        enum mxfs_out out = i % MXFS_OUT_COUNT, via = i / 3 % MXFS_OUT_COUNT;
        draw_affine(c, groups[i % MXFS_COUNT(groups)], random_u32() % 4, via);
        c->nibbles = random_u32() % 4;
        c->first = c->nibbles <= MXFS_NIBBLES_HIGH_FIRST ? random_u32() % 2 : 0;
        c->n = random_u32() % (MAX_LANES - 1);
        check_code4(a, c, out, random_u32() % PLACEMENTS);
        check_code8(a, c, out, random_u32() % PLACEMENTS);
    }
    free(c);
    arena_free(a);
}
END_TEST

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
static void check_golden_row(const uint16_t *expected, uint8_t scale)
{
    uint8_t codes[16];
    uint16_t got[32];
    for (unsigned j = 0; j < 16; j++)
        codes[j] = (uint8_t)(j * 17);
    kernel->mxfp4_blocks[MXFS_OUT_BF16](&tables, got, codes, &scale, 1);
    for (unsigned j = 0; j < 32; j++) {
        uint16_t sign = j >= 16 && scale != 255 ? 0x8000 : 0;
        ck_assert_uint_eq(got[j], expected[j / 2 % 8] | sign);
    }
}

START_TEST(golden_mxfp4)
{
    use_kernel(_i);
    for (size_t i = 0; i < MXFS_COUNT(golden); i++)
        check_golden_row(golden[i].codes, golden[i].scale);
}
END_TEST

START_TEST(golden_fp8)
{
    static const uint8_t codes[16] = {0x00, 0x01, 0x07, 0x08, 0x38, 0x7e, 0x7f, 0x80,
                                      0xfe, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    static const uint16_t expected[16] = {0x0000, 0x3b00, 0x3c60, 0x3c80, 0x3f80, 0x43e0,
                                          0x7fc0, 0x8000, 0xc3e0, 0x7fc0, 0,      0,
                                          0,      0,      0,      0};
    uint16_t got[16];
    use_kernel(_i);
    kernel->fp8_run[MXFS_OUT_BF16](&tables, got, codes, 16, MXFS_FP8_E4M3, 1.0f);
    ck_assert_mem_eq(got, expected, sizeof(got));
}
END_TEST

/* Two columns, so that rows are lanes: bytes 0x21 and 0x43 with scale 1 give (0.5, 1.5) and (1, 2).
 */
START_TEST(golden_transposed)
{
    uint8_t packed[2][16], columns[16][2], scales[2] = {127, 127};
    uint16_t even[2], odd[2];
    use_kernel(_i);
    memset(packed[0], 0x21, 16);
    memset(packed[1], 0x43, 16);
    kernel->transpose(columns[0], 2, packed[0], 16, 2, 16);
    kernel->mxfp4_lanes[MXFS_OUT_BF16](&tables, even, columns[5], scales, 2, 0);
    kernel->mxfp4_lanes[MXFS_OUT_BF16](&tables, odd, columns[5], scales, 2, 4);
    ck_assert_mem_eq(even, ((uint16_t[]){0x3f00, 0x3fc0}), 4);
    ck_assert_mem_eq(odd, ((uint16_t[]){0x3f80, 0x4000}), 4);
}
END_TEST

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
#endif
}
END_TEST

static void add_variant(Suite *suite, int i)
{
    static const TTest *const *const tests[] = {
        &every_number_of_blocks,
        &blocks_at_any_alignment,
        &every_scale_and_code_in_blocks,
        &every_number_of_lanes,
        &lanes_at_any_alignment,
        &every_scale_and_code_in_lanes,
        &every_length_of_fp8,
        &fp8_with_any_scale,
        &fp8_rounds_to_even,
        &every_small_transposition,
        &larger_transpositions,
        &every_length_of_widening,
        &affine_codes,
        &golden_mxfp4,
        &golden_fp8,
        &golden_transposed,
    };
    TCase *tcase = tcase_create(mxfs_kernels[i]->name);
    tcase_set_timeout(tcase, 120); /* instrumented builds are slow */
    tcase_add_unchecked_fixture(tcase, set_up_tables, NULL);
    for (size_t t = 0; t < MXFS_COUNT(tests); t++)
        tcase_add_loop_test(tcase, *tests[t], i, i + 1);
    suite_add_tcase(suite, tcase);
}

static Suite *kernel_suite(void)
{
    Suite *suite = suite_create("kernel");
    TCase *list = tcase_create("list");
    tcase_add_test(list, list_ends_with_scalar);
    tcase_add_test(list, select_takes_the_first_supported);
    tcase_add_test(list, named_finds_or_refuses);
    tcase_add_test(list, named_refuses_what_the_processor_lacks);
    tcase_add_test(list, detection_agrees_with_the_system);
    suite_add_tcase(suite, list);
    uint32_t cpu = mxfs_cpu_detect();
    for (int i = 0; mxfs_kernels[i]; i++) {
        uint32_t missing = mxfs_kernels[i]->requires & ~cpu;
        if (missing)
            printf("skipped: %s (cpu lacks bits 0x%x of enum mxfs_cpu)\n", mxfs_kernels[i]->name,
                   missing);
        else
            add_variant(suite, i);
    }
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(kernel_suite());
    srunner_run_all(runner, CK_NORMAL);
    int bad = srunner_ntests_failed(runner) != 0 || srunner_ntests_run(runner) == 0;
    srunner_free(runner);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
