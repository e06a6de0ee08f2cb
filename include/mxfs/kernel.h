/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Kernels: the inner loops of decoding, one object for each instruction set.
 *
 * Every variant gives the same bits. Values are those of OCP Microscaling Formats v1.0: an E2M1
 * code times 2^(scale-127), computed exactly and rounded once (to nearest even) to the output type.
 * Scale 255 is NaN for the whole block, NaN is always written as 0x7FC0 / 0x7E00 / 0x7FC00000, code
 * 8 is -0, results too large become +-Inf, subnormal results are kept.
 *
 * No pointer needs alignment; sources and destinations do not overlap unless said; a length of 0 is
 * allowed; nothing is read or written outside the stated ranges. No kernel allocates, locks, logs
 * or does I/O. Thread safety: immutable after start.
 */
#ifndef MXFS_KERNEL_H
#define MXFS_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"

/** Output types of decoding. */
enum mxfs_out {
    MXFS_OUT_BF16,
    MXFS_OUT_F16,
    MXFS_OUT_F32,
    MXFS_OUT_COUNT,
};

/** Elements of an MX block, and bytes of one block of E2M1 codes. */
enum {
    MXFS_MX_BLOCK = 32,
    MXFS_MXFP4_BYTES = 16,
};

/** Elements of an NVFP4 block, and bytes of its codes. */
enum {
    MXFS_NVFP4_BLOCK = 16,
    MXFS_NVFP4_BYTES = 8,
};

/**
 * Every output of an (E8M0 scale, E2M1 code) pair, filled once from the exact scalar definition.
 * The 16-bit tables are split in bytes, ready for byte shuffles.
 */
struct mxfs_mxfp4_tables {
    _Alignas(64) uint8_t half[2][256][2][16]; /**< [BF16, F16][scale][low byte, high byte][code] */
    _Alignas(64) uint16_t half16[2][256][16]; /**< [BF16, F16][scale][code], whole */
    _Alignas(64) uint32_t f32[256][16];       /**< [scale][code], bits of the float */
};

/** FP8 element formats (F8_E4M3 "FN" and F8_E5M2). */
enum mxfs_fp8 {
    MXFS_FP8_E4M3,
    MXFS_FP8_E5M2,
    MXFS_FP8_COUNT,
};

/** Constant data that kernels read. */
struct mxfs_tables {
    struct mxfs_mxfp4_tables mxfp4;
    _Alignas(64) float fp8[MXFS_FP8_COUNT][256]; /**< every code as float32, NaN included */
};

/**
 * dst[32*i + 2*j] and dst[32*i + 2*j + 1] = the low and the high nibble of codes[16*i + j], scaled
 * by scales[i]; `blocks` blocks. codes: 16*blocks bytes, scales: blocks bytes, dst: 32*blocks
 * elements.
 */
typedef void mxfs_mxfp4_blocks_fn(const struct mxfs_tables *tables, void *dst, const uint8_t *codes,
                                  const uint8_t *scales, size_t blocks);

/**
 * dst[i] = nibble ((codes[i] >> shift) & 15) scaled by scales[i], for i < n. shift is 0 or 4.
 * This is one row of a transposed tensor: the scale varies from lane to lane.
 */
typedef void mxfs_mxfp4_lanes_fn(const struct mxfs_tables *tables, void *dst, const uint8_t *codes,
                                 const uint8_t *scales, size_t n, unsigned shift);

/**
 * dst[i] = codes[i] as `format`, times `scale` (one float32 multiplication, rounded once), rounded
 * once more to the output type; i < n.
 */
typedef void mxfs_fp8_run_fn(const struct mxfs_tables *tables, void *dst, const uint8_t *codes,
                             size_t n, enum mxfs_fp8 format, float scale);

/**
 * dst[i] = codes[i] as `format`, times scales[i / block], rounded as fp8_run does; i < n. The last
 * block may be short; block is not 0.
 */
typedef void mxfs_fp8_blocks_fn(const struct mxfs_tables *tables, void *dst, const uint8_t *codes,
                                size_t n, enum mxfs_fp8 format, const float *scales, size_t block);

/**
 * dst[32*i + j] = codes[32*i + j] as `format`, times 2^(scales[i] - 127), rounded as fp8_run does;
 * `blocks` blocks of 32 elements.
 */
typedef void mxfs_mxfp8_blocks_fn(const struct mxfs_tables *tables, void *dst, const uint8_t *codes,
                                  const uint8_t *scales, size_t blocks, enum mxfs_fp8 format);

/**
 * dst[16*i + 2*j] and dst[16*i + 2*j + 1] = the low and the high nibble of codes[8*i + j] as E2M1,
 * times scales[i] (one float32 multiplication, rounded once), rounded once more to the output type;
 * `blocks` blocks of 16 elements.
 */
typedef void mxfs_nvfp4_blocks_fn(void *dst, const uint8_t *codes, const float *scales,
                                  size_t blocks);

/** dst[i] = nibble ((codes[i] >> shift) & 15) times scales[i], rounded likewise; i < n; shift is 0
 * or 4. */
typedef void mxfs_nvfp4_lanes_fn(void *dst, const uint8_t *codes, const float *scales, size_t n,
                                 unsigned shift);

/** What an octet stands for. */
enum mxfs_octets {
    MXFS_OCTETS_SIGNED,   /**< a number in two's complement */
    MXFS_OCTETS_OFFSET,   /**< one that 128 was added to */
    MXFS_OCTETS_UNSIGNED, /**< itself */
};

/**
 * What becomes of the value v of a code in group g: v - zeros[g], times scales[g], rounded to
 * `via`, plus biases[g], rounded to `via` again, then to the output type. Each is one float32
 * operation, rounded once. Code i of a run is in group (skip + i) / group.
 */
struct mxfs_affine {
    const float *scales;     /**< one a group */
    const float *zeros;      /**< one a group, or NULL for none */
    const float *biases;     /**< one a group, or NULL for none */
    size_t group;            /**< codes in a group; not 0 */
    size_t skip;             /**< codes of the first group in front of the run */
    enum mxfs_out via;       /**< the type that products and sums are rounded to; F32 for none */
    enum mxfs_octets octets; /**< what codes of 8 bits stand for */
};

/** Where 4-bit codes lie in octets. */
enum mxfs_nibbles {
    MXFS_NIBBLES_LOW_FIRST,  /**< two an octet, the even code in the low half */
    MXFS_NIBBLES_HIGH_FIRST, /**< two an octet, the even code in the high half */
    MXFS_NIBBLES_LOW,        /**< one an octet, in the low half */
    MXFS_NIBBLES_HIGH,       /**< one an octet, in the high half */
};

/**
 * dst[i] = values[code first + i], made affine; i < n. first is 0 or 1, and 0 for codes that lie
 * one an octet. values has 16 entries.
 */
typedef void mxfs_code4_run_fn(void *dst, const uint8_t *codes, size_t first, size_t n,
                               enum mxfs_nibbles nibbles, const float *values,
                               const struct mxfs_affine *affine);

/**
 * dst[i] = values[code first + i], made affine with the entries of group group_of[i], which is
 * below `groups`; i < n. Codes lie two an octet, the even one in the low half; first is 0 or 1. The
 * affine's `group` and `skip` do not matter.
 */
typedef void mxfs_code4_pick_fn(void *dst, const uint8_t *codes, size_t first, size_t n,
                                const float *values, const struct mxfs_affine *affine,
                                const uint16_t *group_of, size_t groups);

/** dst[i] = the number that codes[i] stands for by affine->octets, made affine; i < n. */
typedef void mxfs_code8_run_fn(void *dst, const uint8_t *codes, size_t n,
                               const struct mxfs_affine *affine);

/**
 * dst[i] = code i less `offset`, modulo 256; i < n. Codes are a stream without gaps, the first in
 * the lowest bits: code i is the `bits` bits from bit i * bits % 8 of src[i * bits / 8] on, 1 <=
 * bits <= 8. Octets behind that in which the last code ends are not read.
 */
typedef void mxfs_unpack_fn(uint8_t *dst, const uint8_t *src, size_t n, unsigned bits,
                            uint8_t offset);

/**
 * dst[i] = the E4M3 code of the same value as code i of such a stream of E2M3 codes (6 bits: sign 5
 * | exponent 4..3, bias 1 | mantissa 2..0), of which every value is an E4M3 value; i < n.
 */
typedef void mxfs_e2m3_fn(uint8_t *dst, const uint8_t *src, size_t n);

/**
 * dst[i] = src[i], times factors[i] where factors is not NULL (rounded to float32), then rounded to
 * `via`, then to the output type; i < n.
 */
typedef void mxfs_narrow_fn(void *dst, const float *src, const float *factors, size_t n,
                            enum mxfs_out via);

/**
 * The 4 bytes at dst[c * dst_stride + 4 * r] = those at src[r * src_stride + 4 * c] for r < rows, c
 * < cols: a matrix of words transposed. Strides in bytes.
 */
typedef void mxfs_transpose_words_fn(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                                     size_t src_stride, size_t rows, size_t cols);

/**
 * dst[c * dst_stride + r] = src[r * src_stride + c] for r < rows, c < cols: a matrix of bytes
 * transposed. Strides in bytes.
 */
typedef void mxfs_transpose_fn(uint8_t *dst, size_t dst_stride, const uint8_t *src,
                               size_t src_stride, size_t rows, size_t cols);

/**
 * dst[i] = src[i] widened to float32 (exact), i < n; NaN payloads are kept. src may lie in the last
 * 2*n bytes of dst's 4*n bytes: elements are read before their bytes are overwritten.
 */
typedef void mxfs_widen_bf16_fn(void *dst, const void *src, size_t n);

/** One variant. */
struct mxfs_kernel {
    const char *name;  /**< as in --kernel=NAME */
    uint32_t requires; /**< MXFS_CPU_* bits, all needed */
    mxfs_mxfp4_blocks_fn *mxfp4_blocks[MXFS_OUT_COUNT];
    mxfs_mxfp4_lanes_fn *mxfp4_lanes[MXFS_OUT_COUNT];
    mxfs_fp8_run_fn *fp8_run[MXFS_OUT_COUNT];
    mxfs_fp8_blocks_fn *fp8_blocks[MXFS_OUT_COUNT];
    mxfs_mxfp8_blocks_fn *mxfp8_blocks[MXFS_OUT_COUNT];
    mxfs_nvfp4_blocks_fn *nvfp4_blocks[MXFS_OUT_COUNT];
    mxfs_nvfp4_lanes_fn *nvfp4_lanes[MXFS_OUT_COUNT];
    mxfs_code4_run_fn *code4_run[MXFS_OUT_COUNT];
    mxfs_code4_pick_fn *code4_pick[MXFS_OUT_COUNT];
    mxfs_code8_run_fn *code8_run[MXFS_OUT_COUNT];
    mxfs_narrow_fn *narrow[MXFS_OUT_COUNT];
    mxfs_unpack_fn *unpack;
    mxfs_e2m3_fn *e2m3;
    mxfs_transpose_fn *transpose;
    mxfs_transpose_words_fn *transpose_words;
    mxfs_widen_bf16_fn *widen_bf16;
};

/** All variants compiled in, best first; ends with NULL. The last one, "scalar", runs anywhere. */
extern const struct mxfs_kernel *const mxfs_kernels[];

/** The first variant that needs only `cpu` bits (of mxfs_cpu_detect()). Pure. */
const struct mxfs_kernel *mxfs_kernel_select(uint32_t cpu);

/**
 * The variant called `name`. An unknown name, or one that needs more than `cpu`, is wrong usage
 * (err filled, NULL returned).
 */
const struct mxfs_kernel *mxfs_kernel_named(const char *name, uint32_t cpu, struct mxfs_error *err);

/** Fills the constant tables (some 64 KiB); before threads start. */
void mxfs_tables_init(struct mxfs_tables *tables);

/** Bytes of an output element: 2, 2 or 4. */
static inline unsigned mxfs_out_size(enum mxfs_out out)
{
    return out == MXFS_OUT_F32 ? 4 : 2;
}

#endif
