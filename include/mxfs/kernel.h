/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Kernels: the inner loops of decoding, one object per instruction set.
 *
 * All variants produce the same bits. MXFP4 values follow OCP Microscaling Formats v1.0: an E2M1
 * code times 2^(scale-127), computed exactly and rounded once (to nearest even) to the output type.
 * Scale 255 makes the whole block NaN. NaN is always written as 0x7FC0 / 0x7E00 / 0x7FC00000, code
 * 8 is -0, overflow gives +-Inf, and subnormal results are kept.
 *
 * An operation takes a destination and one object that describes its input. Only pointers to float
 * and uint16_t need to be aligned. Sources and destinations do not overlap unless stated; a length
 * of 0 is allowed; nothing outside the stated ranges is read or written. Kernels do not allocate,
 * lock, log or do I/O. Thread safety: immutable after start.
 */
#ifndef MXFS_KERNEL_H
#define MXFS_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"

/**
 * The operations, in the order of the declarations below. outs(name, x) stands for one function per
 * output type, single(name, x) for one function whose output has a type of its own; x is passed on.
 * The members of struct mxfs_kernel and the declarations of each variant come from this list, and
 * the tests and the benchmark must cover all of it.
 */
/* clang-format off */
#define MXFS_KERNEL_OPERATIONS(outs, single, x) \
    outs(mxfp4_blocks, x) outs(mxfp4_lanes, x) \
    outs(fp8_run, x) outs(fp8_blocks, x) outs(mxfp8_blocks, x) \
    outs(nvfp4_blocks, x) outs(nvfp4_lanes, x) \
    outs(code4_run, x) outs(code4_pick, x) outs(code8_run, x) \
    outs(narrow, x) \
    single(unpack, x) single(e2m3, x) \
    single(transpose, x) single(transpose_words, x) single(widen_bf16, x)
/* clang-format on */

/** Output types of decoding. */
enum mxfs_out {
    MXFS_OUT_BF16,  /**< bfloat16 */
    MXFS_OUT_F16,   /**< IEEE 754 binary16 */
    MXFS_OUT_F32,   /**< IEEE 754 binary32 */
    MXFS_OUT_COUNT, /**< number of output types */
};

enum {
    MXFS_MX_BLOCK = 32,    /**< elements of an MX block */
    MXFS_MXFP4_BYTES = 16, /**< bytes of E2M1 codes in an MX block */
    MXFS_NVFP4_BLOCK = 16, /**< elements of an NVFP4 block */
    MXFS_NVFP4_BYTES = 8,  /**< bytes of E2M1 codes in an NVFP4 block */
};

/**
 * The output for every (E8M0 scale, E2M1 code) pair, filled once from the exact scalar definition.
 * The 16-bit tables also exist split into bytes, ready for byte shuffles.
 */
struct mxfs_mxfp4_tables {
    _Alignas(64) uint8_t half[2][256][2][16]; /**< [BF16, F16][scale][low byte, high byte][code] */
    _Alignas(64) uint16_t half16[2][256][16]; /**< [BF16, F16][scale][code], whole elements */
    _Alignas(64) uint32_t f32[256][16];       /**< [scale][code], bits of the float */
};

/** FP8 element formats. */
enum mxfs_fp8 {
    MXFS_FP8_E4M3,  /**< F8_E4M3, the "FN" variant: no infinities, two NaN codes */
    MXFS_FP8_E5M2,  /**< F8_E5M2, IEEE-like */
    MXFS_FP8_COUNT, /**< number of formats */
};

/** Constant tables that kernels read. */
struct mxfs_tables {
    struct mxfs_mxfp4_tables mxfp4;              /**< for the MXFP4 operations */
    _Alignas(64) float fp8[MXFS_FP8_COUNT][256]; /**< every code as float32, NaN included */
};

/**
 * Blocks of MXFP4. dst[32*i + 2*j] and dst[32*i + 2*j + 1] = the low and the high nibble of
 * codes[16*i + j], scaled by scales[i]; i < blocks, j < 16.
 */
struct mxfs_mxfp4_blocks {
    const struct mxfs_tables *tables; /**< filled by mxfs_tables_init() */
    const uint8_t *codes;             /**< 16*blocks bytes, two E2M1 codes each */
    const uint8_t *scales;            /**< blocks E8M0 scales */
    size_t blocks;                    /**< number of blocks, 32 elements each */
};
typedef void mxfs_mxfp4_blocks_fn(void *dst, const struct mxfs_mxfp4_blocks *in);

/**
 * A row of transposed MXFP4: each lane has its own scale. dst[i] = the nibble
 * ((codes[i] >> shift) & 15), scaled by scales[i]; i < n.
 */
struct mxfs_mxfp4_lanes {
    const struct mxfs_tables *tables; /**< filled by mxfs_tables_init() */
    const uint8_t *codes;             /**< n bytes, one nibble of each is used */
    const uint8_t *scales;            /**< n E8M0 scales */
    size_t n;                         /**< elements */
    unsigned shift;                   /**< 0 for the low nibbles, 4 for the high ones */
};
typedef void mxfs_mxfp4_lanes_fn(void *dst, const struct mxfs_mxfp4_lanes *in);

/**
 * FP8 codes under one scale. dst[i] = codes[i] times scale (one float32 multiplication, rounded
 * once), rounded once more to the output type; i < n.
 */
struct mxfs_fp8_run {
    const struct mxfs_tables *tables; /**< filled by mxfs_tables_init() */
    const uint8_t *codes;             /**< n codes */
    size_t n;                         /**< elements */
    enum mxfs_fp8 format;             /**< format of the codes */
    float scale;                      /**< any float, NaN and infinities included */
};
typedef void mxfs_fp8_run_fn(void *dst, const struct mxfs_fp8_run *in);

/** FP8 codes in blocks. dst[i] = codes[i] times scales[i / block], rounded as by fp8_run; i < n. */
struct mxfs_fp8_blocks {
    const struct mxfs_tables *tables; /**< filled by mxfs_tables_init() */
    const uint8_t *codes;             /**< n codes */
    size_t n;                         /**< elements */
    enum mxfs_fp8 format;             /**< format of the codes */
    const float *scales;              /**< one per block */
    size_t block; /**< elements in a block, not 0; the last block may be shorter */
};
typedef void mxfs_fp8_blocks_fn(void *dst, const struct mxfs_fp8_blocks *in);

/**
 * Blocks of MXFP8. dst[32*i + j] = codes[32*i + j] times 2^(scales[i] - 127), rounded as by
 * fp8_run; i < blocks, j < 32.
 */
struct mxfs_mxfp8_blocks {
    const struct mxfs_tables *tables; /**< filled by mxfs_tables_init() */
    const uint8_t *codes;             /**< 32*blocks codes */
    const uint8_t *scales;            /**< blocks E8M0 scales */
    size_t blocks;                    /**< number of blocks, 32 elements each */
    enum mxfs_fp8 format;             /**< format of the codes */
};
typedef void mxfs_mxfp8_blocks_fn(void *dst, const struct mxfs_mxfp8_blocks *in);

/**
 * Blocks of NVFP4. dst[16*i + 2*j] and dst[16*i + 2*j + 1] = the low and the high nibble of
 * codes[8*i + j] as E2M1, times scales[i] (one float32 multiplication, rounded once), rounded once
 * more to the output type; i < blocks, j < 8.
 */
struct mxfs_nvfp4_blocks {
    const uint8_t *codes; /**< 8*blocks bytes, two E2M1 codes each */
    const float *scales;  /**< one per block */
    size_t blocks;        /**< number of blocks, 16 elements each */
};
typedef void mxfs_nvfp4_blocks_fn(void *dst, const struct mxfs_nvfp4_blocks *in);

/**
 * A row of NVFP4 stored in pairs of rows. dst[i] = the nibble ((codes[i] >> shift) & 15) as E2M1,
 * times scales[i], rounded as by nvfp4_blocks; i < n.
 */
struct mxfs_nvfp4_lanes {
    const uint8_t *codes; /**< n bytes, one nibble of each is used */
    const float *scales;  /**< n scales */
    size_t n;             /**< elements */
    unsigned shift;       /**< 0 for the low nibbles, 4 for the high ones */
};
typedef void mxfs_nvfp4_lanes_fn(void *dst, const struct mxfs_nvfp4_lanes *in);

/**
 * Maps the value v of a code in group g to a result: subtract zeros[g], multiply by scales[g],
 * round to `via`, add biases[g], round to `via` again, then round to the output type. Each step is
 * one float32 operation, rounded once.
 */
struct mxfs_affine {
    const float *scales; /**< one per group */
    const float *zeros;  /**< one per group, or NULL for none */
    const float *biases; /**< one per group, or NULL for none */
    size_t group;        /**< codes in a group, not 0: code i of a run is in (skip + i) / group */
    size_t skip;         /**< codes of the first group that come before the run; below `group` */
    enum mxfs_out via;   /**< type that products and sums are rounded to; F32 for no rounding */
};

/** How 4-bit codes are stored in bytes. */
enum mxfs_nibbles {
    MXFS_NIBBLES_LOW_FIRST,  /**< two per byte, the even code in the low half */
    MXFS_NIBBLES_HIGH_FIRST, /**< two per byte, the even code in the high half */
    MXFS_NIBBLES_LOW,        /**< one per byte, in the low half */
    MXFS_NIBBLES_HIGH,       /**< one per byte, in the high half */
};

/** 4-bit codes in groups. dst[i] = values[code first + i], mapped by `affine`; i < n. */
struct mxfs_code4_run {
    const uint8_t *codes;             /**< (first + n + 1) / 2 bytes, or n with one per byte */
    size_t first;                     /**< 0 or 1; 0 with one code per byte */
    size_t n;                         /**< elements */
    enum mxfs_nibbles nibbles;        /**< how the codes are stored */
    const float *values;              /**< the values of the 16 codes */
    const struct mxfs_affine *affine; /**< maps values to results */
};
typedef void mxfs_code4_run_fn(void *dst, const struct mxfs_code4_run *in);

/**
 * 4-bit codes whose columns are reordered. dst[i] = values[code first + i], mapped by `affine` with
 * the entries of group group_of[i]; i < n. Each byte holds two codes, the even one in its low half.
 */
struct mxfs_code4_pick {
    const uint8_t *codes;             /**< (first + n + 1) / 2 bytes */
    size_t first;                     /**< 0 or 1 */
    size_t n;                         /**< elements */
    const float *values;              /**< the values of the 16 codes */
    const struct mxfs_affine *affine; /**< without its `group` and `skip` */
    const uint16_t *group_of;         /**< n groups, each below `groups` */
    size_t groups;                    /**< length of each array in `affine` */
};
typedef void mxfs_code4_pick_fn(void *dst, const struct mxfs_code4_pick *in);

/** The number that a byte stands for. */
enum mxfs_code8 {
    MXFS_CODE8_SIGNED,   /**< two's complement */
    MXFS_CODE8_OFFSET,   /**< unsigned, minus 128 */
    MXFS_CODE8_UNSIGNED, /**< unsigned */
};

/**
 * 8-bit codes in groups. dst[i] = the number that codes[i] stands for, mapped by `affine`; i < n.
 */
struct mxfs_code8_run {
    const uint8_t *codes;             /**< n codes */
    size_t n;                         /**< elements */
    enum mxfs_code8 meaning;          /**< the number that a code stands for */
    const struct mxfs_affine *affine; /**< maps numbers to results */
};
typedef void mxfs_code8_run_fn(void *dst, const struct mxfs_code8_run *in);

/**
 * Float32 to the output type. dst[i] = src[i], times factors[i] (rounded to float32) unless factors
 * is NULL, then rounded to `via`, then to the output type; i < n.
 */
struct mxfs_narrow {
    const float *src;     /**< n values */
    const float *factors; /**< n factors, or NULL for none */
    size_t n;             /**< elements */
    enum mxfs_out via;    /**< type of the first rounding; F32 for none */
};
typedef void mxfs_narrow_fn(void *dst, const struct mxfs_narrow *in);

/**
 * Unpacks a stream of narrow codes into bytes: uint8_t dst[i] = code i minus `offset`, modulo 256;
 * i < n. The stream has no gaps and starts in the lowest bits: code i is the `bits` bits that start
 * at bit i * bits % 8 of src[i * bits / 8].
 */
struct mxfs_unpack {
    const uint8_t *src; /**< (n * bits + 7) / 8 bytes */
    size_t n;           /**< codes */
    unsigned bits;      /**< width of a code, 1 to 8 */
    uint8_t offset;     /**< subtracted from every code */
};
typedef void mxfs_unpack_fn(void *dst, const struct mxfs_unpack *in);

/**
 * Converts a stream of E2M3 codes (6 bits: sign 5 | exponent 4..3, bias 1 | mantissa 2..0), packed
 * as for unpack, to E4M3: uint8_t dst[i] = the E4M3 code of the same value (there always is one);
 * i < n.
 */
struct mxfs_e2m3 {
    const uint8_t *src; /**< (n * 6 + 7) / 8 bytes */
    size_t n;           /**< codes */
};
typedef void mxfs_e2m3_fn(void *dst, const struct mxfs_e2m3 *in);

/**
 * A matrix to transpose. The element in row c, column r of dst is the one in row r, column c of
 * src; r < rows, c < cols. Bytes between the rows of dst keep their contents.
 */
struct mxfs_transpose {
    const uint8_t *src; /**< `rows` rows of `cols` elements */
    size_t src_stride;  /**< bytes from one row of src to the next */
    size_t dst_stride;  /**< bytes from one row of dst to the next */
    size_t rows, cols;  /**< of src, in elements */
};
/** Transposes elements of one byte. */
typedef void mxfs_transpose_fn(void *dst, const struct mxfs_transpose *in);
/** Transposes elements of four bytes. */
typedef void mxfs_transpose_words_fn(void *dst, const struct mxfs_transpose *in);

/**
 * Bfloat16 to float32. dst[i] = src[i], exactly, NaN payloads included; i < n. src may be the last
 * 2*n bytes of dst's 4*n: elements are read before their bytes are overwritten.
 */
struct mxfs_widen_bf16 {
    const void *src; /**< 2*n bytes */
    size_t n;        /**< elements */
};
typedef void mxfs_widen_bf16_fn(void *dst, const struct mxfs_widen_bf16 *in);

/** Declare the members of struct mxfs_kernel. */
#define MXFS_KERNEL_OUTS(name, x) mxfs_##name##_fn *name[MXFS_OUT_COUNT];
#define MXFS_KERNEL_SINGLE(name, x) mxfs_##name##_fn *name;

/** One variant: its name and its operations, none of them NULL. */
struct mxfs_kernel {
    const char *name;  /**< as in --kernel=NAME */
    uint32_t requires; /**< MXFS_CPU_* bits that the processor must have */
    /** Each operation: an array with one function per output type, or one function. */
    MXFS_KERNEL_OPERATIONS(MXFS_KERNEL_OUTS, MXFS_KERNEL_SINGLE, )
};

#undef MXFS_KERNEL_OUTS
#undef MXFS_KERNEL_SINGLE

/**
 * All variants of this build, best first; ends with NULL. The last one, "scalar", runs anywhere.
 */
extern const struct mxfs_kernel *const mxfs_kernels[];

/** The first variant that needs no bits beyond `cpu` (from mxfs_cpu_detect()). Pure. */
const struct mxfs_kernel *mxfs_kernel_select(uint32_t cpu);

/**
 * The variant called `name`. An unknown name, or a variant that needs more than `cpu`, is wrong
 * usage (err filled, NULL returned).
 */
const struct mxfs_kernel *mxfs_kernel_named(const char *name, uint32_t cpu, struct mxfs_error *err);

/** Fills the constant tables (about 64 KiB). Call it before threads start. */
void mxfs_tables_init(struct mxfs_tables *tables);

/** Size of an output element in bytes: 2, 2 or 4. */
static inline unsigned mxfs_out_size(enum mxfs_out out)
{
    return out == MXFS_OUT_F32 ? 4 : 2;
}

#endif
