/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations without an output type: unpacking streams of narrow codes, transposing, widening.
 * Expected outputs are computed code by code.
 */
#include <math.h>
#include <string.h>

#include "kernel/arena.h"
#include "kernel/known.h"
#include "mxfs/dtype.h"

enum { MAX = 300 };

static unsigned code_at(const uint8_t *src, size_t i, unsigned bits)
{
    unsigned code = 0;
    for (unsigned b = 0; b < bits; b++)
        code |= ((unsigned)src[(i * bits + b) / 8] >> ((i * bits + b) % 8) & 1u) << b;
    return code;
}

/* Unpacking. */

static void place_unpack(struct arena *a, size_t n, unsigned bits, uint8_t offset, enum placement p)
{
    arena_place(a, n, (n * bits + 7) / 8, p);
    a->in.unpack = (struct mxfs_unpack){a->codes.data, n, bits, offset};
}

static void expect_unpack(struct arena *a)
{
    const struct mxfs_unpack *in = &a->in.unpack;

    for (size_t i = 0; i < in->n; i++)
        a->expected[i] = (uint8_t)(code_at(in->src, i, in->bits) - in->offset);
}

static void every_width(struct arena *a)
{
    static const uint8_t offsets[] = {0, 1, 4, 128, 255};
    for (unsigned bits = 1; bits <= 8; bits++)
        for (size_t n = 0; n < MAX; n++)
            for (enum placement p = 0; p < PLACEMENTS; p++) {
                place_unpack(a, n, bits, offsets[test_random() % MXFS_COUNT(offsets)], p);
                arena_check(a);
            }
}

static void known_unpacking(struct arena *a)
{
    a->in.unpack = (struct mxfs_unpack){known_codes, 51, 5, 3};
    arena_check_known_bytes(a, known_unpack, sizeof(known_unpack));
}

static void draw_unpack(struct arena *a, size_t size, unsigned argument)
{
    place_unpack(a, size, argument, 0, AT_START);
}

const struct operation operation_unpack = {
    .checks = {every_width},
    .known = known_unpacking,
    .expect = expect_unpack,
    .draw = draw_unpack,
    .rows = {{", 3 bits", 3}, {", 6 bits", 6}},
};

/* E2M3 as E4M3. */

static double e2m3_value(unsigned code)
{
    double magnitude =
        code & 24 ? ldexp(8 + (code & 7), (int)(code >> 3 & 3) - 4) : (code & 7) / 8.0;
    return code & 32 ? -magnitude : magnitude;
}

/* Finds the E4M3 code of a value by trying all of them. */
static uint8_t find_e4m3(double value)
{
    unsigned code = 0;
    while (code < 255 && (oracle_byte_value(MXFS_F8_E4M3, (uint8_t)code) != value ||
                          !signbit(value) != !(code & 128)))
        code++;
    return (uint8_t)code;
}

static void place_e2m3(struct arena *a, size_t n, enum placement p)
{
    arena_place(a, n, (n * 6 + 7) / 8, p);
    a->in.e2m3 = (struct mxfs_e2m3){a->codes.data, n};
}

static void expect_e2m3(struct arena *a)
{
    uint8_t same[64];

    for (unsigned code = 0; code < 64; code++)
        same[code] = find_e4m3(e2m3_value(code));
    for (size_t i = 0; i < a->in.e2m3.n; i++)
        a->expected[i] = same[code_at(a->in.e2m3.src, i, 6)];
}

static void every_length_of_e2m3(struct arena *a)
{
    for (size_t n = 0; n < MAX; n++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            place_e2m3(a, n, p);
            arena_check(a);
        }
}

static void known_e2m3_codes(struct arena *a)
{
    a->in.e2m3 = (struct mxfs_e2m3){known_codes, 42};
    arena_check_known_bytes(a, known_e2m3, sizeof(known_e2m3));
}

static void draw_e2m3(struct arena *a, size_t size, unsigned argument)
{
    (void)argument;
    place_e2m3(a, size, AT_START);
}

const struct operation operation_e2m3 = {
    .checks = {every_length_of_e2m3},
    .known = known_e2m3_codes,
    .expect = expect_e2m3,
    .draw = draw_e2m3,
    .rows = {{"", 0}},
};

/* Transposition. */

/*
 * m has rows and cols; each stride is longer than its rows by `gap` and a random number of bytes.
 */
static void place_matrix(struct arena *a, struct mxfs_transpose m, size_t size, enum placement p)
{
    size_t rows = m.rows, cols = m.cols;

    m.src_stride += cols * size;
    m.dst_stride += rows * size;
    arena_place(a, rows && cols ? (cols - 1) * m.dst_stride + rows * size : 0,
                rows && cols ? (rows - 1) * m.src_stride + cols * size : 0, p);
    m.src = a->codes.data;
    a->in.transpose = m;
}

static void expect_matrix(struct arena *a, size_t size)
{
    const struct mxfs_transpose *m = &a->in.transpose;

    for (size_t r = 0; r < m->rows; r++)
        for (size_t c = 0; c < m->cols; c++)
            memcpy(a->expected + c * m->dst_stride + size * r,
                   m->src + r * m->src_stride + size * c, size);
}

static void expect_bytes(struct arena *a)
{
    expect_matrix(a, 1);
}

static void expect_words(struct arena *a)
{
    expect_matrix(a, 4);
}

/* A matrix of the given shape, with gaps between the rows of src and of dst. */
#define MATRIX(rows, cols, src_gap, dst_gap) \
    (struct mxfs_transpose)                  \
    {                                        \
        NULL, src_gap, dst_gap, rows, cols   \
    }

static void every_small_transposition(struct arena *a)
{
    for (size_t rows = 0; rows <= 60; rows++)
        for (size_t cols = 0; cols <= 60; cols++) {
            place_matrix(a, MATRIX(rows, cols, test_random() % 3, test_random() % 3), 1,
                         test_random() % PLACEMENTS);
            arena_check(a);
        }
}

static void larger_transpositions(struct arena *a)
{
    static const struct mxfs_transpose shapes[] = {
        {NULL, 0, 0, 128, 128}, {NULL, 0, 0, 129, 131}, {NULL, 100, 0, 64, 64},
        {NULL, 700, 3, 20, 16}, {NULL, 0, 7, 300, 45},  {NULL, 0, 80, 33, 140},
        {NULL, 33, 33, 95, 95}, {NULL, 0, 0, 1, 5000},  {NULL, 0, 0, 5000, 1},
        {NULL, 5, 0, 31, 400},  {NULL, 1, 1, 1000, 15}, {NULL, 0, 0, 15, 31},
        {NULL, 1, 2, 127, 127}, {NULL, 0, 0, 32, 512},
    };
    for (size_t i = 0; i < MXFS_COUNT(shapes); i++)
        for (enum placement p = 0; p < PLACEMENTS; p++) {
            place_matrix(a, shapes[i], 1, p);
            arena_check(a);
        }
}

static void known_bytes_transposed(struct arena *a)
{
    a->in.transpose = (struct mxfs_transpose){known_codes, 8, 4, 4, 8};
    arena_check_known_bytes(a, known_transpose, sizeof(known_transpose));
}

/* Draws `argument` columns. */
static void draw_bytes(struct arena *a, size_t size, unsigned argument)
{
    place_matrix(a, MATRIX(size / argument, argument, 0, 0), 1, AT_START);
}

const struct operation operation_transpose = {
    .checks = {every_small_transposition, larger_transpositions},
    .known = known_bytes_transposed,
    .expect = expect_bytes,
    .draw = draw_bytes,
    .rows = {{", 64 columns", 64}},
};

static void every_small_matrix_of_words(struct arena *a)
{
    for (size_t rows = 0; rows < 26; rows++)
        for (size_t cols = 0; cols < 26; cols++)
            for (enum placement p = 0; p < PLACEMENTS; p++) {
                place_matrix(a, MATRIX(rows, cols, test_random() % 9, test_random() % 9), 4, p);
                arena_check(a);
            }
}

static void known_words_transposed(struct arena *a)
{
    a->in.transpose_words = (struct mxfs_transpose){known_codes, 16, 8, 2, 4};
    arena_check_known_bytes(a, known_transpose_words, sizeof(known_transpose_words));
}

static void draw_words(struct arena *a, size_t size, unsigned argument)
{
    place_matrix(a, MATRIX(size / 4 / argument, argument, 0, 0), 4, AT_START);
}

const struct operation operation_transpose_words = {
    .checks = {every_small_matrix_of_words},
    .known = known_words_transposed,
    .expect = expect_words,
    .draw = draw_words,
    .rows = {{", 64 columns", 64}},
};

/* Widening. In place, the source is the last 2n bytes of the destination. */

static void place_widen(struct arena *a, size_t n, bool in_place, enum placement p)
{
    arena_place(a, 4 * n, 2 * n, p);
    if (in_place)
        memcpy(a->dst.data + 2 * n, a->codes.data, 2 * n);
    a->in.widen_bf16 = (struct mxfs_widen_bf16){in_place ? a->dst.data + 2 * n : a->codes.data, n};
}

static void expect_widen(struct arena *a)
{
    const uint8_t *src = a->in.widen_bf16.src;

    for (size_t i = 0; i < a->in.widen_bf16.n; i++) {
        uint8_t wide[4] = {0, 0, src[2 * i], src[2 * i + 1]};
        memcpy(a->expected + 4 * i, wide, 4);
    }
}

static void every_length_of_widening(struct arena *a)
{
    for (size_t n = 0; n <= MAX; n++)
        for (unsigned which = 0; which < 2 * PLACEMENTS; which++) {
            place_widen(a, n, which % 2, which / 2);
            arena_check(a);
        }
}

static void known_widening(struct arena *a)
{
    a->in.widen_bf16 = (struct mxfs_widen_bf16){known_codes, 16};
    arena_check_known_bytes(a, known_widen_bf16, sizeof(known_widen_bf16));
}

static void draw_widen(struct arena *a, size_t size, unsigned argument)
{
    (void)argument;
    place_widen(a, size / 4, false, AT_START);
}

const struct operation operation_widen_bf16 = {
    .checks = {every_length_of_widening},
    .known = known_widening,
    .expect = expect_widen,
    .draw = draw_widen,
    .rows = {{"", 0}},
};
