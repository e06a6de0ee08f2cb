/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes and codes of 16 values with NEON.
 *
 * A group of 4-bit codes has 16 possible results. They are computed once; decoding is then one
 * table look-up for each byte of the output type.
 */
#if defined(__aarch64__)

#include "variants.h"

#include "affine.h"
#include "neon_round.h"

/* The entries of one group in all lanes or, if groups have one code, those of each lane. */
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

/* As kernel_affine_value(). */
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

/* The 16 results of a group. */
struct results {
    uint8_t bits[64];    /* elements of the output type */
    uint8x16_t bytes[4]; /* one vector for each byte of an element */
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
        memcpy(r.bytes, planes.val, sizeof(r.bytes));
    } else {
        uint8x16x2_t planes = vld2q_u8(r.bits);
        memcpy(r.bytes, planes.val, sizeof(planes.val));
    }
    return r;
}

/* Stores the results of 16 codes, one per byte. */
MXFS_INLINE void store_results(uint8_t *dst, const struct results *r, uint8x16_t codes,
                               enum mxfs_out out)
{
    uint8x16x4_t four = {{vqtbl1q_u8(r->bytes[0], codes), vqtbl1q_u8(r->bytes[1], codes)}};
    uint8x16x2_t two = {{four.val[0], four.val[1]}};
    if (out == MXFS_OUT_F32) {
        four.val[2] = vqtbl1q_u8(r->bytes[2], codes);
        four.val[3] = vqtbl1q_u8(r->bytes[3], codes);
        vst4q_u8(dst, four);
    } else {
        vst2q_u8(dst, two);
    }
}

/* Decodes 16 bytes: 32 codes if there are two per byte, else 16. */
MXFS_INLINE void code4_step(uint8_t *dst, const uint8_t *codes, enum mxfs_nibbles nibbles,
                            const struct results *r, enum mxfs_out out)
{
    uint8x16_t bytes = vld1q_u8(codes);
    uint8x16_t low = vandq_u8(bytes, vdupq_n_u8(15)), high = vshrq_n_u8(bytes, 4);
    if (!kernel_nibbles_paired(nibbles)) {
        store_results(dst, r, nibbles == MXFS_NIBBLES_LOW ? low : high, out);
        return;
    }
    uint8x16_t even = nibbles == MXFS_NIBBLES_LOW_FIRST ? low : high;
    uint8x16_t odd = nibbles == MXFS_NIBBLES_LOW_FIRST ? high : low;
    store_results(dst, r, vzip1q_u8(even, odd), out);
    store_results(dst + 16 * mxfs_out_size(out), r, vzip2q_u8(even, odd), out);
}

#define INLINED MXFS_INLINE
#define STEP_BYTES(nibbles) 16u
#include "code4.h"

/* Decodes eight 8-bit codes; `first` and `last` are the entries of the first and the last four. */
MXFS_INLINE void code8_step(uint8_t *dst, const uint8_t *codes, const struct mxfs_code8_run *in,
                            const struct entries *first, const struct entries *last,
                            enum mxfs_out out)
{
    uint8x8_t bytes = veor_u8(vld1_u8(codes), vdup_n_u8(kernel_code8_flip(in->meaning)));
    int16x8_t words = vmovl_s8(vreinterpret_s8_u8(bytes));
    words = vaddq_s16(words, vdupq_n_s16((int16_t)kernel_code8_less(in->meaning)));
    float32x4_t v = vcvtq_f32_s32(vmovl_s16(vget_low_s16(words)));
    float32x4_t w = vcvtq_f32_s32(vmovl_high_s16(words));
    store_rounded(dst, made_affine(v, first, in->affine), made_affine(w, last, in->affine), out);
}

/* Code `at` of the run, which is in `group`. */
MXFS_INLINE void code8_one(uint8_t *dst, const struct mxfs_code8_run *in, size_t at, size_t group,
                           enum mxfs_out out)
{
    float v = kernel_code8_value(in->codes[at], in->meaning);
    kernel_put(dst, at, kernel_affine_value(in->affine, group, v), out);
}

MXFS_INLINE void code8_run(uint8_t *dst, const struct mxfs_code8_run *in, enum mxfs_out out)
{
    const struct mxfs_code8_run run = *in;
    const struct mxfs_affine *a = run.affine;
    size_t size = mxfs_out_size(out), left = a->group - a->skip, at = 0;

    for (; a->group == 1 && run.n - at >= 8; at += 8) {
        struct entries first = entries_at(a, at), last = entries_at(a, at + 4);
        code8_step(dst + at * size, run.codes + at, &run, &first, &last, out);
    }
    for (size_t group = at; at < run.n; group++) {
        struct entries e = entries_of_group(a, group);
        size_t end = kernel_group_end(at, left, run.n);
        for (; end - at >= 8; at += 8)
            code8_step(dst + at * size, run.codes + at, &run, &e, &e, out);
        for (; at < end; at++)
            code8_one(dst, &run, at, group, out);
        left = a->group;
    }
}

KERNEL_DEFINE(, neon, code4_run)
KERNEL_DEFINE(, neon, code8_run)

#else
typedef int kernel_neon_affine_is_for_arm64; /* ISO C requires a declaration */
#endif
