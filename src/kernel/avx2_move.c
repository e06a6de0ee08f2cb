/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Transposing and widening with AVX2.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx2_round.h"
#include "tiles.h"

/* Lane 0 holds rows 0-15 and lane 1 rows 16-31 of a tile of 32 rows by 16 columns. */
AVX2_INLINE __m256i load_rows(const uint8_t *row, size_t stride)
{
    __m128i low = _mm_loadu_si128((const __m128i *)row);
    return _mm256_setr_m128i(low, _mm_loadu_si128((const __m128i *)(row + 16 * stride)));
}

AVX2_INLINE void interleave(__m256i out[16], const __m256i in[16])
{
#define INTERLEAVE(i)                                        \
    out[2 * (i)] = _mm256_unpacklo_epi8(in[i], in[(i) + 8]); \
    out[2 * (i) + 1] = _mm256_unpackhi_epi8(in[i], in[(i) + 8]);
    KERNEL_EACH_8(INTERLEAVE)
}

AVX2_INLINE void transpose_tile(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                                size_t src_stride)
{
    __m256i a[16], b[16];
#define LOAD(i) a[i] = load_rows(src + (i)*src_stride, src_stride);
    KERNEL_EACH_16(LOAD)
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
#define STORE(i) store(dst + (i)*dst_stride, a[i]);
    KERNEL_EACH_16(STORE)
}

enum {
    TILE_ROWS = 32,
    TILE_COLS = 16,
    LINE = 64, /* size of a cache line in bytes */
};

/*
 * Fetches one line of each row of the strip below. Rows are far apart, so the hardware prefetcher
 * sees no stream in them; from memory this made transposing a whole matrix nearly twice as fast.
 */
AVX2_INLINE void prefetch_rows(const uint8_t *src, size_t src_stride, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        _mm_prefetch((const char *)(src + i * src_stride), _MM_HINT_T0);
}

/* Transposes the strip of tiles that starts at `row`. */
AVX2_INLINE void transpose_strip(uint8_t *dst, struct mxfs_transpose m, size_t row)
{
    const uint8_t *src = m.src + row * m.src_stride;
    size_t below = m.rows - row - TILE_ROWS;

    if (below > TILE_ROWS)
        below = TILE_ROWS;
    for (size_t c = 0; c < m.cols; c = kernel_next_tile(c, TILE_COLS, m.cols)) {
        if (c % LINE == 0)
            prefetch_rows(src + TILE_ROWS * m.src_stride + c, m.src_stride, below);
        transpose_tile(dst + row + c * m.dst_stride, m.dst_stride, src + c, m.src_stride);
    }
}

/*
 * Strip by strip. Two tiles, one below the other, complete a destination line; going down 64 rows
 * before going right, and using 64-byte registers for that, was slower from memory.
 */
AVX2 void kernel_avx2_transpose(void *dst, const struct mxfs_transpose *in)
{
    const struct mxfs_transpose m = *in;

    if (m.rows < TILE_ROWS || m.cols < TILE_COLS) {
        kernel_scalar.transpose(dst, in);
        return;
    }
    for (size_t r = 0; r < m.rows; r = kernel_next_tile(r, TILE_ROWS, m.rows))
        transpose_strip(dst, m, r);
}

/*
 * Each register holds a row of a tile of 8 by 8 words: columns 0-3 in lane 0 and 4-7 in lane 1.
 * Pairs of rows are interleaved by words, then by pairs of words; finally the lanes are swapped.
 */
enum { WORDS = 8, WORD = 4 };

AVX2_INLINE void transpose_words_tile(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                                      size_t src_stride)
{
    __m256i a[8], b[8];
#define LOAD_ROW(i) a[i] = _mm256_loadu_si256((const __m256i *)(src + (i)*src_stride));
    KERNEL_EACH_8(LOAD_ROW)
#define BY_WORDS(i)                                                 \
    b[2 * (i)] = _mm256_unpacklo_epi32(a[2 * (i)], a[2 * (i) + 1]); \
    b[2 * (i) + 1] = _mm256_unpackhi_epi32(a[2 * (i)], a[2 * (i) + 1]);
    BY_WORDS(0)
    BY_WORDS(1)
    BY_WORDS(2)
    BY_WORDS(3)
    /* a[i] and a[4 + i]: column i, and column 4 + i in lane 1, of rows 0-3 and of rows 4-7. */
#define BY_PAIRS(h)                                                         \
    a[4 * (h)] = _mm256_unpacklo_epi64(b[4 * (h)], b[4 * (h) + 2]);         \
    a[4 * (h) + 1] = _mm256_unpackhi_epi64(b[4 * (h)], b[4 * (h) + 2]);     \
    a[4 * (h) + 2] = _mm256_unpacklo_epi64(b[4 * (h) + 1], b[4 * (h) + 3]); \
    a[4 * (h) + 3] = _mm256_unpackhi_epi64(b[4 * (h) + 1], b[4 * (h) + 3]);
    BY_PAIRS(0)
    BY_PAIRS(1)
#define STORE_COLUMN(i)                                                             \
    store(dst + (i)*dst_stride, _mm256_permute2x128_si256(a[i], a[(i) + 4], 0x20)); \
    store(dst + ((i) + 4) * dst_stride, _mm256_permute2x128_si256(a[i], a[(i) + 4], 0x31));
    STORE_COLUMN(0) STORE_COLUMN(1) STORE_COLUMN(2) STORE_COLUMN(3)
}

/* Two tiles, one below the other, complete a destination line. */
AVX2 void kernel_avx2_transpose_words(void *out, const struct mxfs_transpose *in)
{
    const struct mxfs_transpose m = *in;
    size_t rows = m.rows / WORDS * WORDS, cols = m.cols / WORDS * WORDS;
    uint8_t *dst = out;

    for (size_t r0 = 0; r0 < rows; r0 += 2 * WORDS)
        for (size_t c = 0; c < cols; c += WORDS)
            for (size_t r = r0; r < rows && r < r0 + 2 * WORDS; r += WORDS)
                transpose_words_tile(dst + c * m.dst_stride + r * WORD, m.dst_stride,
                                     m.src + r * m.src_stride + c * WORD, m.src_stride);
    if (cols < m.cols)
        kernel_scalar.transpose_words(dst + cols * m.dst_stride,
                                      &(struct mxfs_transpose){m.src + cols * WORD, m.src_stride,
                                                               m.dst_stride, m.rows,
                                                               m.cols - cols});
    if (rows < m.rows)
        kernel_scalar.transpose_words(
            dst + rows * WORD, &(struct mxfs_transpose){m.src + rows * m.src_stride, m.src_stride,
                                                        m.dst_stride, m.rows - rows, cols});
}

/* Ascending, and each vector is read before it is written: right in place, too (see scalar.c). */
AVX2 void kernel_avx2_widen_bf16(void *dst, const struct mxfs_widen_bf16 *in)
{
    const uint8_t *from = in->src;
    uint8_t *to = dst;
    size_t n = in->n, i = 0;

    for (; i + 8 <= n; i += 8) {
        __m256i v = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(from + 2 * i)));
        store(to + 4 * i, _mm256_slli_epi32(v, 16));
    }
    kernel_scalar.widen_bf16(to + 4 * i, &(struct mxfs_widen_bf16){from + 2 * i, n - i});
}

#else
typedef int kernel_avx2_move_is_for_x86_64; /* ISO C requires a declaration */
#endif
