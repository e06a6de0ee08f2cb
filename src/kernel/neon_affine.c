/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes and codes of 16 values with NEON.
 *
 * A group of 4-bit codes has 16 possible results: they are computed once, and decoding is one table
 * look-up for each octet of the output type.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "affine.h"
#include "define.h"
#include "neon_round.h"

/* The entries of a group, in every lane or (groups of one code) of the lanes themselves. */
struct entries {
    float32x4_t scale, zero, bias;
};

MXFS_INLINE float32x4_t broadcast(const float *entries, size_t group)
{
    return entries ? vdupq_n_f32(entries[group]) : vdupq_n_f32(0);
}

MXFS_INLINE struct entries entries_of_group(const struct mxfs_affine *a, size_t group)
{
    return (struct entries){broadcast(a->scales, group), broadcast(a->zeros, group),
                            broadcast(a->biases, group)};
}

MXFS_INLINE float32x4_t four(const float *entries, size_t at)
{
    return entries ? vld1q_f32(entries + at) : vdupq_n_f32(0);
}

MXFS_INLINE struct entries entries_at(const struct mxfs_affine *a, size_t at)
{
    return (struct entries){four(a->scales, at), four(a->zeros, at), four(a->biases, at)};
}

/* As mxfs_affine_value. */
MXFS_INLINE float32x4_t made_affine(float32x4_t v, const struct entries *e,
                                    const struct mxfs_affine *a)
{
    if (a->zeros)
        v = vsubq_f32(v, e->zero);
    v = through(vmulq_f32(v, e->scale), a->via);
    if (a->biases)
        v = through(vaddq_f32(v, e->bias), a->via);
    return v;
}

/* The 16 results of a group: whole, and one vector for each octet of them. */
struct results {
    uint8_t bits[64]; /* elements of the output type */
    uint8x16_t octets[4];
};

MXFS_INLINE struct results results_of(const float *values, size_t group,
                                      const struct mxfs_affine *a, enum mxfs_out out)
{
    struct entries e = entries_of_group(a, group);
    struct results r;
    for (size_t i = 0; i < 16; i += 8)
        store_rounded(r.bits + i * mxfs_out_size(out), made_affine(vld1q_f32(values + i), &e, a),
                      made_affine(vld1q_f32(values + i + 4), &e, a), out);
    if (out == MXFS_OUT_F32) {
        uint8x16x4_t planes = vld4q_u8(r.bits);
        memcpy(r.octets, planes.val, sizeof(r.octets));
    } else {
        uint8x16x2_t planes = vld2q_u8(r.bits);
        memcpy(r.octets, planes.val, sizeof(planes.val));
    }
    return r;
}

/* The results of 16 codes, an octet each. */
MXFS_INLINE void store_results(uint8_t *dst, const struct results *r, uint8x16_t codes,
                               enum mxfs_out out)
{
    uint8x16x4_t four = {{vqtbl1q_u8(r->octets[0], codes), vqtbl1q_u8(r->octets[1], codes)}};
    uint8x16x2_t two = {{four.val[0], four.val[1]}};
    if (out == MXFS_OUT_F32) {
        four.val[2] = vqtbl1q_u8(r->octets[2], codes);
        four.val[3] = vqtbl1q_u8(r->octets[3], codes);
        vst4q_u8(dst, four);
    } else {
        vst2q_u8(dst, two);
    }
}

/* 32 codes that are two an octet, or 16 that are one. */
MXFS_INLINE void code4_step(uint8_t *dst, const uint8_t *codes, enum mxfs_nibbles nibbles,
                            const struct results *r, enum mxfs_out out)
{
    uint8x16_t octets = vld1q_u8(codes);
    uint8x16_t low = vandq_u8(octets, vdupq_n_u8(15)), high = vshrq_n_u8(octets, 4);
    if (!mxfs_nibbles_paired(nibbles)) {
        store_results(dst, r, nibbles == MXFS_NIBBLES_LOW ? low : high, out);
        return;
    }
    uint8x16_t even = nibbles == MXFS_NIBBLES_LOW_FIRST ? low : high;
    uint8x16_t odd = nibbles == MXFS_NIBBLES_LOW_FIRST ? high : low;
    store_results(dst, r, vzip1q_u8(even, odd), out);
    store_results(dst + 16 * mxfs_out_size(out), r, vzip2q_u8(even, odd), out);
}

/* Codes [at, end) of one group; vectors begin at whole octets. */
MXFS_INLINE void code4_group(uint8_t *dst, const uint8_t *codes, size_t first, size_t at,
                             size_t end, enum mxfs_nibbles nibbles, const struct results *r,
                             enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), step = mxfs_nibbles_paired(nibbles) ? 32 : 16;

    while (at < end) {
        if (end - at >= step && (!mxfs_nibbles_paired(nibbles) || (first + at) % 2 == 0)) {
            code4_step(dst + at * size, codes + (first + at) / (step / 16), nibbles, r, out);
            at += step;
        } else {
            memcpy(dst + at * size, r->bits + mxfs_nibble(codes, first + at, nibbles) * size, size);
            at++;
        }
    }
}

MXFS_INLINE void code4_run(uint8_t *dst, const uint8_t *codes, size_t first, size_t n,
                           enum mxfs_nibbles nibbles, const float *values,
                           const struct mxfs_affine *a, enum mxfs_out out)
{
    size_t left = a->group - a->skip;

    for (size_t at = 0, group = 0; at < n; group++) {
        struct results r = results_of(values, group, a, out);
        size_t end = n - at < left ? n : at + left;
        code4_group(dst, codes, first, at, end, nibbles, &r, out);
        at = end;
        left = a->group;
    }
}

/* Codes of 8 bits, eight at a time with the entries of the first and the last four. */
MXFS_INLINE void code8_step(uint8_t *dst, const uint8_t *codes, const struct entries *first,
                            const struct entries *last, const struct mxfs_affine *a,
                            enum mxfs_out out)
{
    uint8x8_t octets = veor_u8(vld1_u8(codes), vdup_n_u8(mxfs_octets_flip(a->octets)));
    int16x8_t words = vmovl_s8(vreinterpret_s8_u8(octets));
    words = vaddq_s16(words, vdupq_n_s16((int16_t)mxfs_octets_less(a->octets)));
    float32x4_t v = vcvtq_f32_s32(vmovl_s16(vget_low_s16(words)));
    float32x4_t w = vcvtq_f32_s32(vmovl_high_s16(words));
    store_rounded(dst, made_affine(v, first, a), made_affine(w, last, a), out);
}

MXFS_INLINE void code8_one(uint8_t *dst, uint8_t code, size_t group, const struct mxfs_affine *a,
                           enum mxfs_out out)
{
    uint32_t bits =
        mxfs_f32_out_bits(mxfs_affine_value(a, group, mxfs_octet_value(code, a->octets)), out);
    memcpy(dst, &bits, mxfs_out_size(out));
}

MXFS_INLINE void code8_run(uint8_t *dst, const uint8_t *codes, size_t n,
                           const struct mxfs_affine *a, enum mxfs_out out)
{
    size_t size = mxfs_out_size(out), left = a->group - a->skip, at = 0;

    for (; a->group == 1 && n - at >= 8; at += 8) {
        struct entries first = entries_at(a, at), last = entries_at(a, at + 4);
        code8_step(dst + at * size, codes + at, &first, &last, a, out);
    }
    for (size_t group = at; at < n; group++) {
        struct entries e = entries_of_group(a, group);
        size_t end = n - at < left ? n : at + left;
        for (; end - at >= 8; at += 8)
            code8_step(dst + at * size, codes + at, &e, &e, a, out);
        for (; at < end; at++)
            code8_one(dst + at * size, codes[at], group, a, out);
        left = a->group;
    }
}

MXFS_DEFINE_CODE4_RUN(, mxfs_neon_code4, code4_run)
MXFS_DEFINE_CODE8_RUN(, mxfs_neon_code8, code8_run)

#else
typedef int mxfs_neon_affine_is_for_arm64; /* ISO C wants a declaration */
#endif
