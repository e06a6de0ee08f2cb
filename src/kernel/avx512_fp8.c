/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FP8 with AVX-512: float32 products of F16, as in the AVX2 variant, and tables for BF16.
 */
#if defined(__x86_64__)

#include "variants.h"

#include <stdbool.h>

#include "avx512_round.h"
#include "float.h"
#include "fp8.h"

enum { CODES = 32 }; /* per step */

/* The state of a walk over codes. */
struct step {
    uint8_t *dst;
    const uint8_t *codes;
    __mmask32 live; /* codes to process: all except in tails */
    __m512 scale;
};

/* 32 codes as F16, E4M3 divided by 2^8, NaN canonical (see avx2_fp8.c). */
AVX512_INLINE __m512i codes_as_f16(__m256i codes, enum mxfs_fp8 format)
{
    const __m512i nan = _mm512_set1_epi16(KERNEL_NAN_F16);
    __m256i magnitude = _mm256_and_si256(codes, _mm256_set1_epi8(0x7f));
    if (format == MXFS_FP8_E5M2) {
        __mmask32 is_nan = _mm256_cmpgt_epu8_mask(magnitude, _mm256_set1_epi8(0x7c));
        __m512i half = _mm512_slli_epi16(_mm512_cvtepu8_epi16(codes), 8);
        return _mm512_mask_mov_epi16(half, is_nan, nan);
    }
    __mmask32 is_nan = _mm256_cmpeq_epi8_mask(magnitude, _mm256_set1_epi8(0x7f));
    __m512i half = _mm512_slli_epi16(_mm512_cvtepi8_epi16(codes), 7);
    half = _mm512_and_si512(half, _mm512_set1_epi16((short)0xbf80));
    return _mm512_mask_mov_epi16(half, is_nan, nan);
}

AVX512_INLINE void store_step(const struct step *s, __m512 a, __m512 b, enum mxfs_out out)
{
    if (out == MXFS_OUT_F32) {
        _mm512_mask_storeu_ps(s->dst, (__mmask16)s->live, a);
        _mm512_mask_storeu_ps(s->dst + 64, (__mmask16)(s->live >> 16), b);
    } else {
        _mm512_mask_storeu_epi16(s->dst, s->live, words_of(a, b, out));
    }
}

AVX512_INLINE void fp8_step(const struct step *s, enum mxfs_fp8 format, enum mxfs_out out)
{
    __m512i halves = codes_as_f16(_mm256_maskz_loadu_epi8(s->live, s->codes), format);
    __m512 a = _mm512_cvtph_ps(_mm512_castsi512_si256(halves));
    __m512 b = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(halves, 1));
    store_step(s, _mm512_mul_ps(a, s->scale), _mm512_mul_ps(b, s->scale), out);
}

AVX512_INLINE void fp8_walk(struct step s, size_t n, enum mxfs_fp8 format, enum mxfs_out out)
{
    for (; n >= CODES; n -= CODES) {
        s.live = UINT32_MAX; /* a constant, so that the compiler drops the masks */
        fp8_step(&s, format, out);
        s.dst += CODES * mxfs_out_size(out);
        s.codes += CODES;
    }
    s.live = (1u << n) - 1;
    if (n)
        fp8_step(&s, format, out);
}

/* Applies the signs of the codes, the highest bit of each byte, to the words. */
AVX512_INLINE __m512i signs_of(__m512i words, __m512i magnitudes)
{
    const __m512i sign = _mm512_set1_epi16((short)0x8000);
    enum { B_AND_C_XOR_A = 0x78 };
    return _mm512_ternarylogic_epi32(magnitudes, _mm512_slli_epi16(words, 8), sign, B_AND_C_XOR_A);
}

AVX512_INLINE __m512i put_nan(__m512i v, __m256i codes)
{
    const __m256i sign = _mm256_set1_epi8((char)0x80);
    __mmask32 is_nan =
        _mm256_cmpeq_epi8_mask(_mm256_or_si256(codes, sign), _mm256_set1_epi8((char)0xff));
    return _mm512_mask_mov_epi16(v, is_nan, _mm512_set1_epi16(KERNEL_NAN_BF16));
}

/*
 * E4M3 as BF16 with one scale, for longer runs. The exponent of a normal number affects only the
 * exponent of its product, as long as that is normal, too. So results are computed for the codes
 * 0x40..0x5f, less 8 in the exponent, and for the subnormals; looking a code up adds the two upper
 * bits of its exponent.
 */
struct table {
    __m512i normal;    /* by the lowest five bits of a code */
    __m512i subnormal; /* by the same bits */
};

AVX512_INLINE struct table table_of(const float values[256], float scale)
{
    const __m512 s = _mm512_set1_ps(scale);
    __m512 low = _mm512_mul_ps(_mm512_loadu_ps(values), s);
    __m512 a = _mm512_mul_ps(_mm512_loadu_ps(values + 0x40), s);
    __m512 b = _mm512_mul_ps(_mm512_loadu_ps(values + 0x50), s);
    return (struct table){
        .normal = _mm512_sub_epi16(words_of(a, b, MXFS_OUT_BF16), _mm512_set1_epi16(8 << 7)),
        .subnormal = words_of(low, low, MXFS_OUT_BF16),
    };
}

AVX512_INLINE __m512i table_words(const struct table *t, __m256i codes)
{
    __m512i words = _mm512_cvtepu8_epi16(codes);
    __m512i upper = _mm512_slli_epi16(_mm512_and_si512(words, _mm512_set1_epi16(0x60)), 4);
    __m512i v = _mm512_add_epi16(_mm512_permutexvar_epi16(words, t->normal), upper);
    __mmask32 is_subnormal = _mm512_testn_epi16_mask(words, _mm512_set1_epi16(0x78));
    v = _mm512_mask_permutexvar_epi16(v, is_subnormal, words, t->subnormal);
    return put_nan(signs_of(words, v), codes);
}

/*
 * Whether scale times each normal number, 2^-6 to 448, is normal, and a table pays off for n codes.
 */
static inline bool wants_table(float scale, size_t n)
{
    float magnitude = fabsf(scale);
    return n >= 128 && magnitude > 0x1p-119f && magnitude < 0x1p117f;
}

AVX512_INLINE void table_run(uint8_t *dst, const struct mxfs_fp8_run *in)
{
    const struct table table = table_of(in->tables->fp8[MXFS_FP8_E4M3], in->scale);
    const uint8_t *codes = in->codes;
    size_t n = in->n;

    for (; n >= CODES; n -= CODES, codes += CODES, dst += 2 * CODES)
        _mm512_storeu_si512(dst, table_words(&table, _mm256_loadu_si256((const __m256i *)codes)));
    if (n) {
        __mmask32 live = (1u << n) - 1;
        _mm512_mask_storeu_epi16(dst, live,
                                 table_words(&table, _mm256_maskz_loadu_epi8(live, codes)));
    }
}

/*
 * E4M3's factor 2^8 moves to the scale. That is exact unless the scale overflows; scalar code
 * handles that case, too.
 */
AVX512_INLINE void fp8_run(uint8_t *dst, const struct mxfs_fp8_run *in, enum mxfs_out out)
{
    float factor = in->format == MXFS_FP8_E4M3 ? in->scale * 256 : in->scale;
    struct step s = {dst, in->codes, 0, _mm512_set1_ps(factor)};

    if (out == MXFS_OUT_BF16 && in->format == MXFS_FP8_E4M3 && wants_table(in->scale, in->n))
        table_run(dst, in);
    else if (!kernel_fp8_nan_from_codes(in->format, factor))
        kernel_fp8_scalar(dst, *in, out);
    else if (in->format == MXFS_FP8_E4M3)
        fp8_walk(s, in->n, MXFS_FP8_E4M3, out);
    else
        fp8_walk(s, in->n, MXFS_FP8_E5M2, out);
}

KERNEL_FP8_BLOCKS(AVX512_INLINE)

/*
 * E4M3 times a power of two as BF16: every value is a normal BF16, so it is looked up, and unless
 * it is 0 or NaN the exponent of the scale is added. VPERMI2B uses the lowest seven bits of a code,
 * all except the sign; low and high bytes have separate tables.
 */
struct magnitudes {
    __m512i low[2], high[2];
};

enum {
    /*
     * The scales s that make every result except 0 a normal BF16: 2^-9 to 2^8, times 2^(s - 127).
     */
    FIRST_SCALE = 10,
    LAST_SCALE = 246,
};

AVX512_INLINE struct magnitudes magnitudes_of(const float values[256])
{
    struct magnitudes m;
    for (int i = 0; i < 2; i++) {
        __m512i v = upper_halves(_mm512_loadu_si512(values + 64 * i),
                                 _mm512_loadu_si512(values + 64 * i + 16));
        __m512i w = upper_halves(_mm512_loadu_si512(values + 64 * i + 32),
                                 _mm512_loadu_si512(values + 64 * i + 48));
        m.low[i] = even_bytes(v, w);
        m.high[i] = odd_bytes(v, w);
    }
    return m;
}

AVX512_INLINE bool is_exponent(uint8_t scale)
{
    return scale >= FIRST_SCALE && scale <= LAST_SCALE;
}

AVX512_INLINE __m512i add_exponent(__m512i words, uint8_t scale)
{
    __mmask32 moves = _mm512_test_epi16_mask(words, _mm512_set1_epi16(0x7fff));
    moves = _mm512_mask_cmpneq_epi16_mask(moves, words, _mm512_set1_epi16(KERNEL_NAN_BF16));
    return _mm512_mask_add_epi16(words, moves, words,
                                 _mm512_set1_epi16((short)((scale - 127) * 128)));
}

AVX512_INLINE void exponent_blocks(uint8_t *dst, const uint8_t *codes, const uint8_t scales[2],
                                   const struct magnitudes *m)
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    enum { A_OR_B_AND_C = 0xf8 };
    __m512i bytes = unpack_order(_mm512_loadu_si512(codes));
    __mmask64 number = _mm512_cmpneq_epi8_mask(_mm512_or_si512(bytes, sign), _mm512_set1_epi8(-1));
    __m512i low = _mm512_permutex2var_epi8(m->low[0], bytes, m->low[1]);
    __m512i high = _mm512_permutex2var_epi8(m->high[0], bytes, m->high[1]);
    __m512i signs = _mm512_maskz_mov_epi8(number, bytes);
    high = _mm512_ternarylogic_epi64(high, signs, sign, A_OR_B_AND_C);
    _mm512_storeu_si512(dst, add_exponent(_mm512_unpacklo_epi8(low, high), scales[0]));
    _mm512_storeu_si512(dst + 64, add_exponent(_mm512_unpackhi_epi8(low, high), scales[1]));
}

/* Decodes pairs of blocks as long as their scales allow it; returns the number of blocks. */
AVX512_INLINE size_t exponent_run(uint8_t *dst, const uint8_t *codes, const uint8_t *scales,
                                  size_t blocks, const struct magnitudes *m)
{
    size_t i = 0;
    for (; blocks - i >= 2 && is_exponent(scales[i]) && is_exponent(scales[i + 1]); i += 2) {
        exponent_blocks(dst, codes, scales + i, m);
        codes += 2 * MXFS_MX_BLOCK;
        dst += 4 * MXFS_MX_BLOCK;
    }
    return i;
}

AVX512_INLINE void mxfp8_blocks(uint8_t *dst, const struct mxfs_mxfp8_blocks *in, enum mxfs_out out)
{
    const struct magnitudes m = magnitudes_of(in->tables->fp8[MXFS_FP8_E4M3]);
    const struct mxfs_mxfp8_blocks b = *in;
    struct mxfs_fp8_run run = {b.tables, b.codes, MXFS_MX_BLOCK, b.format, 0};
    size_t size = MXFS_MX_BLOCK * mxfs_out_size(out);

    for (size_t i = 0; i < b.blocks; i++) {
        if (out == MXFS_OUT_BF16 && b.format == MXFS_FP8_E4M3)
            i += exponent_run(dst + i * size, b.codes + i * MXFS_MX_BLOCK, b.scales + i,
                              b.blocks - i, &m);
        if (i == b.blocks)
            break;
        run.codes = b.codes + i * MXFS_MX_BLOCK;
        run.scale = mxfs_e8m0_value(b.scales[i]);
        fp8_run(dst + i * size, &run, out);
    }
}

KERNEL_DEFINE(AVX512, avx512, fp8_run)
KERNEL_DEFINE(AVX512, avx512, fp8_blocks)
KERNEL_DEFINE(AVX512, avx512, mxfp8_blocks)

#else
typedef int kernel_avx512_fp8_is_for_x86_64; /* ISO C requires a declaration */
#endif
