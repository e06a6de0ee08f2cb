/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The AVX-512 variant, for processors with VBMI.
 *
 * A table row is a register (16 entries of 16 or 32 bits), so decoding is one permute an element
 * (VPERMW, VPERMD), and these look only at the low bits of an index: 4 for a row of 16 entries,
 * 5 for a row of 16-bit entries written twice, whose fifth bit then does not matter. So nibbles
 * need no masking: it is enough that one begins at bit 0 of each index, whatever lies above.
 * VPMULTISHIFTQB does that: each result byte is any 8 consecutive bits of its 64-bit lane.
 *
 * Tails use masked loads and stores, which touch no byte that is masked away.
 */
#if defined(__x86_64__)

#include "variants.h"

#include "avx512_round.h"
#include "define.h"
#include "float.h"
#include "mxfp4_lanes.h"
#include "mxfs/cpu.h"

/* 16 entries of 16 bits, twice. */
AVX512_INLINE __m512i load_row(const uint16_t *row)
{
    return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)row));
}

/*
 * Contiguous blocks, 16-bit outputs: eight code bytes in every 64-bit lane, of which lane q takes
 * the elements 4q..4q+3, from bits 16q on. Half a block at a time: with 64-byte registers (a whole
 * block after VPMOVZXWQ, or two broadcasts) this was 0.85 times as fast on Zen 4, with shifts for
 * indices 0.77, and with one constant row and the scale added 0.65.
 */
AVX512_INLINE __m256i index_16(const uint8_t *codes)
{
    const __m256i starts = _mm256_setr_epi64x(0x000c000800040000, 0x001c001800140010,
                                              0x002c002800240020, 0x003c003800340030);
    __m128i packed = _mm_loadl_epi64((const __m128i *)codes);
    return _mm256_multishift_epi64_epi8(starts, _mm256_broadcastq_epi64(packed));
}

AVX512_INLINE void blocks_16(const uint16_t rows[256][16], uint8_t *dst, const uint8_t *codes,
                             const uint8_t *scales, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        __m256i row = _mm256_loadu_si256((const __m256i *)rows[scales[i]]);
        __m256i low = _mm256_permutexvar_epi16(index_16(codes + 16 * i), row);
        __m256i high = _mm256_permutexvar_epi16(index_16(codes + 16 * i + 8), row);
        _mm256_storeu_si256((__m256i *)(dst + 64 * i), low);
        _mm256_storeu_si256((__m256i *)(dst + 64 * i + 32), high);
    }
}

AVX512 static void blocks_bf16(const struct mxfs_tables *t, void *dst, const uint8_t *codes,
                               const uint8_t *scales, size_t count)
{
    blocks_16(t->mxfp4.half16[MXFS_OUT_BF16], dst, codes, scales, count);
}

AVX512 static void blocks_f16(const struct mxfs_tables *t, void *dst, const uint8_t *codes,
                              const uint8_t *scales, size_t count)
{
    blocks_16(t->mxfp4.half16[MXFS_OUT_F16], dst, codes, scales, count);
}

/* 32-bit outputs: lane q takes the elements 2q and 2q + 1, from bits 8q and 8q + 4. */
AVX512_INLINE __m512i index_32(const uint8_t *codes)
{
    const __m512i starts =
        _mm512_set_epi32(60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4, 0);
    __m128i packed = _mm_loadl_epi64((const __m128i *)codes);
    return _mm512_multishift_epi64_epi8(starts, _mm512_broadcastq_epi64(packed));
}

AVX512 static void blocks_f32(const struct mxfs_tables *t, void *dst, const uint8_t *codes,
                              const uint8_t *scales, size_t count)
{
    uint8_t *bytes = dst;
    for (size_t i = 0; i < count; i++) {
        __m512i row = _mm512_loadu_si512(t->mxfp4.f32[scales[i]]);
        __m512i low = _mm512_permutexvar_epi32(index_32(codes + 16 * i), row);
        __m512i high = _mm512_permutexvar_epi32(index_32(codes + 16 * i + 8), row);
        _mm512_storeu_si512(bytes + 128 * i, low);
        _mm512_storeu_si512(bytes + 128 * i + 64, high);
    }
}

/* Lanes, by addition as in mxfp4_lanes.h, but with whole words. */
static const uint16_t bf16_row[16] = {
    0x0000, 0xff80, 0x0000, 0x0040, 0x0080, 0x00c0, 0x0100, 0x0140,
    0x8000, 0x7f80, 0x8000, 0x8040, 0x8080, 0x80c0, 0x8100, 0x8140,
};
static const uint16_t f16_row[16] = {
    0x0000, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4600, 0x4800, 0x4a00,
    0x8000, 0xbc00, 0xc000, 0xc200, 0xc400, 0xc600, 0xc800, 0xca00,
};

enum { LANES = 32 }; /* of one step */

/* Where a step reads and writes; `live` has a bit for each of its lanes, all of them but in tails.
 */
struct step {
    const struct mxfs_tables *tables;
    uint8_t *dst;
    const uint8_t *codes, *scales;
    __mmask32 live;
    unsigned shift;
};

/* `whole` is a constant: plain loads and stores are faster than masked ones with all bits set. */
AVX512_INLINE __m256i load_bytes(const uint8_t *p, const struct step *s, int whole)
{
    return whole ? _mm256_loadu_si256((const __m256i *)p) : _mm256_maskz_loadu_epi8(s->live, p);
}

AVX512_INLINE void store_words(const struct step *s, __m512i v, int whole)
{
    if (whole)
        _mm512_storeu_si512(s->dst, v);
    else
        _mm512_mask_storeu_epi16(s->dst, s->live, v);
}

AVX512_INLINE __m512i index_of(__m256i codes, unsigned shift)
{
    __m512i index = _mm512_cvtepu8_epi16(codes);
    return shift ? _mm512_srli_epi16(index, 4) : index;
}

/* The subtraction wraps, so that what is below the range lands above it. */
AVX512_INLINE int in_range(const struct step *s, const struct mxfs_lane_rule *rule, __m256i scales)
{
    __m256i above = _mm256_sub_epi8(scales, _mm256_set1_epi8((char)rule->first));
    __m256i limit = _mm256_set1_epi8((char)(rule->last - rule->first));
    return !(_mm256_cmpgt_epu8_mask(above, limit) & s->live);
}

/* Constant row plus scale << position. */
AVX512_INLINE __m512i add_scales_16(const uint16_t *row, __m512i index, __m512i scales,
                                    unsigned position)
{
    __m512i base = _mm512_permutexvar_epi16(index, load_row(row));
    __mmask32 nonzero = _mm512_test_epi16_mask(index, _mm512_set1_epi16(7));
    return _mm512_mask_add_epi16(base, nonzero, base, _mm512_slli_epi16(scales, position));
}

/* The BF16 words of a step. */
AVX512_INLINE __m512i bf16_words(const struct step *s, int whole)
{
    __m512i index = index_of(load_bytes(s->codes, s, whole), s->shift);
    __m256i bytes = load_bytes(s->scales, s, whole);
    __m512i scales = _mm512_cvtepu8_epi16(bytes);
    __m512i v = add_scales_16(bf16_row, index, scales, 7);
    if (MXFS_UNLIKELY(!in_range(s, &mxfs_bf16_rule, bytes))) {
        for (size_t i = 0; i < sizeof(mxfs_bf16_extremes); i++) {
            __mmask32 is =
                _mm512_cmpeq_epi16_mask(scales, _mm512_set1_epi16(mxfs_bf16_extremes[i]));
            __m512i row = load_row(s->tables->mxfp4.half16[MXFS_OUT_BF16][mxfs_bf16_extremes[i]]);
            v = _mm512_mask_permutexvar_epi16(v, is, index, row);
        }
    }
    return v;
}

AVX512_INLINE void bf16_step(const struct step *s, int whole)
{
    store_words(s, bf16_words(s, whole), whole);
}

/* BF16 words first..first+15 as float32: each in the upper half of its lane, zero below. */
AVX512_INLINE __m512i widen(__m512i words, int first)
{
    const __m512i upper = _mm512_set_epi16(15, 0, 14, 0, 13, 0, 12, 0, 11, 0, 10, 0, 9, 0, 8, 0, 7,
                                           0, 6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
    __m512i index = _mm512_add_epi16(upper, _mm512_set1_epi16((short)first));
    return _mm512_maskz_permutexvar_epi16(0xaaaaaaaa, index, words);
}

AVX512_INLINE void f32_step(const struct step *s, int whole)
{
    __m512i words = bf16_words(s, whole);
    __m512i low = widen(words, 0), high = widen(words, 16);
    if (whole) {
        _mm512_storeu_si512(s->dst, low);
        _mm512_storeu_si512(s->dst + 64, high);
    } else {
        _mm512_mask_storeu_epi32(s->dst, (__mmask16)s->live, low);
        _mm512_mask_storeu_epi32(s->dst + 64, (__mmask16)(s->live >> 16), high);
    }
}

AVX512_INLINE __m256i to_f16(__m512i floats)
{
    return _mm512_cvtps_ph(_mm512_castsi512_ps(floats), _MM_FROUND_TO_NEAREST_INT);
}

AVX512_INLINE __m512i f16_any_scale(__m512i index, __m512i scales)
{
    __mmask32 is_nan = _mm512_cmpeq_epi16_mask(scales, _mm512_set1_epi16(255));
    __m512i clamped = _mm512_max_epu16(scales, _mm512_set1_epi16(MXFS_F16_CLAMP_LOW));
    clamped = _mm512_min_epu16(clamped, _mm512_set1_epi16(MXFS_F16_CLAMP_HIGH));
    __m512i bf16 = add_scales_16(bf16_row, index, clamped, 7);
    __m256i low = to_f16(widen(bf16, 0)), high = to_f16(widen(bf16, 16));
    __m512i v = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    return _mm512_mask_mov_epi16(v, is_nan, _mm512_set1_epi16(MXFS_NAN_F16));
}

AVX512_INLINE void f16_step(const struct step *s, int whole)
{
    __m512i index = index_of(load_bytes(s->codes, s, whole), s->shift);
    __m256i bytes = load_bytes(s->scales, s, whole);
    __m512i scales = _mm512_cvtepu8_epi16(bytes);
    if (MXFS_UNLIKELY(!in_range(s, &mxfs_f16_rule, bytes)))
        store_words(s, f16_any_scale(index, scales), whole);
    else
        store_words(s, add_scales_16(f16_row, index, scales, 10), whole);
}

/* The bits of the lanes that are left, fewer than 32. */
static inline uint32_t first_lanes(size_t n)
{
    return (1u << n) - 1;
}

#define DEFINE_LANES(name, out)                                                                   \
    AVX512_INLINE void walk_##name(struct step s, size_t n)                                       \
    {                                                                                             \
        for (; n >= LANES; n -= LANES) {                                                          \
            name##_step(&s, 1);                                                                   \
            s.dst += LANES * mxfs_out_size(out);                                                  \
            s.codes += LANES;                                                                     \
            s.scales += LANES;                                                                    \
        }                                                                                         \
        s.live = first_lanes(n);                                                                  \
        if (n)                                                                                    \
            name##_step(&s, 0);                                                                   \
    }                                                                                             \
    AVX512 static void lanes_##name(const struct mxfs_tables *t, void *dst, const uint8_t *codes, \
                                    const uint8_t *scales, size_t n, unsigned shift)              \
    {                                                                                             \
        struct step s = {t, dst, codes, scales, UINT32_MAX, 0};                                   \
        if (shift) {                                                                              \
            s.shift = 4;                                                                          \
            walk_##name(s, n);                                                                    \
        } else {                                                                                  \
            walk_##name(s, n);                                                                    \
        }                                                                                         \
    }

DEFINE_LANES(bf16, MXFS_OUT_BF16)
DEFINE_LANES(f16, MXFS_OUT_F16)
DEFINE_LANES(f32, MXFS_OUT_F32)

/* What both AVX-512 variants have. */
#define OPERATIONS                                                                              \
    .mxfp4_blocks = MXFS_OUTS(blocks), .mxfp4_lanes = MXFS_OUTS(lanes),                         \
    .fp8_run = MXFS_OUTS(mxfs_avx512_fp8_run), .fp8_blocks = MXFS_OUTS(mxfs_avx512_fp8_blocks), \
    .mxfp8_blocks = MXFS_OUTS(mxfs_avx512_mxfp8),                                               \
    .nvfp4_blocks = MXFS_OUTS(mxfs_avx512_nvfp4_blocks),                                        \
    .nvfp4_lanes = MXFS_OUTS(mxfs_avx2_nvfp4_lanes), .code4_run = MXFS_OUTS(mxfs_avx512_code4), \
    .code4_pick = MXFS_OUTS(mxfs_avx512_code4_pick), .narrow = MXFS_OUTS(mxfs_avx2_narrow),     \
    .unpack = mxfs_avx512_unpack, .e2m3 = mxfs_avx512_e2m3, .transpose = mxfs_avx2_transpose,   \
    .transpose_words = mxfs_avx2_transpose_words, .widen_bf16 = mxfs_avx2_widen_bf16

const struct mxfs_kernel mxfs_kernel_avx512vbmi = {
    .name = "avx512vbmi",
    .requires = MXFS_CPU_AVX2 | MXFS_CPU_AVX512VBMI,
    OPERATIONS,
    .code8_run = MXFS_OUTS(mxfs_avx512_code8),
};

const struct mxfs_kernel mxfs_kernel_avx512bf16 = {
    .name = "avx512bf16",
    .requires = MXFS_CPU_AVX2 | MXFS_CPU_AVX512VBMI | MXFS_CPU_AVX512BF16,
    OPERATIONS,
    .code8_run = {mxfs_avx512_bf16_code8, mxfs_avx512_code8_f16, mxfs_avx512_code8_f32},
};

#else
typedef int mxfs_kernel_avx512_is_for_x86_64; /* ISO C wants a declaration */
#endif
