/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Kernels: the inner loops of decoding, one object per instruction set.
 *
 * Every variant gives the same bits. MXFP4 values are those of OCP Microscaling Formats v1.0: an
 * E2M1 code times 2^(scale-127), computed exactly and rounded once (to nearest even) to the output
 * type. Scale 255 makes the whole block NaN. NaN is always written as 0x7FC0 / 0x7E00 / 0x7FC00000,
 * code 8 is -0, overflow gives +-Inf, and subnormal results are kept.
 *
 * An operation is a function of a destination and one object that describes its input. Pointers
 * need no alignment except those to float and uint16_t. Sources and destinations do not overlap
 * unless stated; a length of 0 is allowed; nothing outside the stated ranges is read or written.
 * Kernels do not allocate, lock, log or do I/O. Thread safety: immutable after start.
 */
#ifndef MXFS_KERNEL_H
#define MXFS_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"

/**
 * The operations, in the order of the declarations below. outs(name, x) declares one function per
 * output type, single(name, x) one function whose output has a type of its own; x is passed on.
 * This list gives struct mxfs_kernel its members, every variant its declarations, and the tests and
 * the benchmark the operations that they must cover.
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
    MXFS_OUT_COUNT, /**< how many there are */
};

enum {
    MXFS_MX_BLOCK = 32,    /**< elements of an MX block */
    MXFS_MXFP4_BYTES = 16, /**< bytes of the E2M1 codes of an MX block */
    MXFS_NVFP4_BLOCK = 16, /**< elements of an NVFP4 block */
    MXFS_NVFP4_BYTES = 8,  /**< bytes of the E2M1 codes of an NVFP4 block */
};

/**
 * Every output of an (E8M0 scale, E2M1 code) pair, filled once from the exact scalar definition.
 * The 16-bit tables also exist as separate bytes, ready for byte shuffles.
 */
struct mxfs_mxfp4_tables {
    _Alignas(64) uint8_t half[2][256][2][16]; /**< [BF16, F16][scale][low byte, high byte][code] */
    _Alignas(64) uint16_t half16[2][256][16]; /**< [BF16, F16][scale][code], both bytes */
    _Alignas(64) uint32_t f32[256][16];       /**< [scale][code], bits of the float */
};

/** FP8 element formats. */
enum mxfs_fp8 {
    MXFS_FP8_E4M3,  /**< F8_E4M3, the "FN" kind: no infinities, two NaN codes */
    MXFS_FP8_E5M2,  /**< F8_E5M2, IEEE-like */
    MXFS_FP8_COUNT, /**< how many there are */
};

/** Constant data that kernels read. */
struct mxfs_tables {
    struct mxfs_mxfp4_tables mxfp4;              /**< of the MXFP4 operations */
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
    size_t blocks;                    /**< of 32 elements */
};
typedef void mxfs_mxfp4_blocks_fn(void *dst, const struct mxfs_mxfp4_blocks *in);

/**
 * A row of transposed MXFP4: each lane has its own scale. dst[i] = the nibble
 * ((codes[i] >> shift) & 15), scaled by scales[i]; i < n.
 */
struct mxfs_mxfp4_lanes {
    const struct mxfs_tables *tables; /**< filled by mxfs_tables_init() */
    const uint8_t *codes;             /**< n bytes, of which one nibble is used */
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
    enum mxfs_fp8 format;             /**< of the codes */
    float scale;                      /**< any float, NaN and infinities included */
};
typedef void mxfs_fp8_run_fn(void *dst, const struct mxfs_fp8_run *in);

/** FP8 codes in blocks. dst[i] = codes[i] times scales[i / block], rounded as by fp8_run; i < n. */
struct mxfs_fp8_blocks {
    const struct mxfs_tables *tables; /**< filled by mxfs_tables_init() */
    const uint8_t *codes;             /**< n codes */
    size_t n;                         /**< elements */
    enum mxfs_fp8 format;             /**< of the codes */
    const float *scales;              /**< one per block */
    size_t block;                     /**< elements of a block, not 0; the last may be short */
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
    size_t blocks;                    /**< of 32 elements */
    enum mxfs_fp8 format;             /**< of the codes */
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
    size_t blocks;        /**< of 16 elements */
};
typedef void mxfs_nvfp4_blocks_fn(void *dst, const struct mxfs_nvfp4_blocks *in);

/**
 * A row of NVFP4 stored in pairs of rows. dst[i] = the nibble ((codes[i] >> shift) & 15) as E2M1,
 * times scales[i], rounded as by nvfp4_blocks; i < n.
 */
struct mxfs_nvfp4_lanes {
    const uint8_t *codes; /**< n bytes, of which one nibble is used */
    const float *scales;  /**< n scales */
    size_t n;             /**< elements */
    unsigned shift;       /**< 0 for the low nibbles, 4 for the high ones */
};
typedef void mxfs_nvfp4_lanes_fn(void *dst, const struct mxfs_nvfp4_lanes *in);

/**
 * How the value v of a code in group g becomes a result: v - zeros[g], times scales[g], rounded to
 * `via`, plus biases[g], rounded to `via` again, then to the output type. Each step is one float32
 * operation, rounded once.
 */
struct mxfs_affine {
    const float *scales; /**< one per group */
    const float *zeros;  /**< one per group, or NULL for none */
    const float *biases; /**< one per group, or NULL for none */
    size_t group;        /**< codes in a group, not 0: code i of a run is in (skip + i) / group */
    size_t skip;         /**< codes of the first group that precede the run; below `group` */
    enum mxfs_out via;   /**< the type that products and sums are rounded to; F32 for no rounding */
};

/** The place of 4-bit codes in bytes. */
enum mxfs_nibbles {
    MXFS_NIBBLES_LOW_FIRST,  /**< two per byte, the even code in the low half */
    MXFS_NIBBLES_HIGH_FIRST, /**< two per byte, the even code in the high half */
    MXFS_NIBBLES_LOW,        /**< one per byte, in the low half */
    MXFS_NIBBLES_HIGH,       /**< one per byte, in the high half */
};

/** 4-bit codes in groups. dst[i] = values[code first + i], made affine; i < n. */
struct mxfs_code4_run {
    const uint8_t *codes;             /**< (first + n + 1) / 2 bytes, or n with one per byte */
    size_t first;                     /**< 0 or 1; 0 with one code per byte */
    size_t n;                         /**< elements */
    enum mxfs_nibbles nibbles;        /**< where the codes lie */
    const float *values;              /**< the values of the 16 codes */
    const struct mxfs_affine *affine; /**< what becomes of a value */
};
typedef void mxfs_code4_run_fn(void *dst, const struct mxfs_code4_run *in);

/**
 * 4-bit codes whose columns are reordered. dst[i] = values[code first + i], made affine with the
 * entries of group group_of[i]; i < n. Codes lie two per byte, the even one in the low half.
 */
struct mxfs_code4_pick {
    const uint8_t *codes;             /**< (first + n + 1) / 2 bytes */
    size_t first;                     /**< 0 or 1 */
    size_t n;                         /**< elements */
    const float *values;              /**< the values of the 16 codes */
    const struct mxfs_affine *affine; /**< its `group` and `skip` are not used */
    const uint16_t *group_of;         /**< n groups, each below `groups` */
    size_t groups;                    /**< entries of each array of `affine` */
};
typedef void mxfs_code4_pick_fn(void *dst, const struct mxfs_code4_pick *in);

/** The meaning of a byte as a number. */
enum mxfs_code8 {
    MXFS_CODE8_SIGNED,   /**< two's complement */
    MXFS_CODE8_OFFSET,   /**< unsigned, less 128 */
    MXFS_CODE8_UNSIGNED, /**< unsigned */
};

/** 8-bit codes in groups. dst[i] = the number that codes[i] means, made affine; i < n. */
struct mxfs_code8_run {
    const uint8_t *codes;             /**< n codes */
    size_t n;                         /**< elements */
    enum mxfs_code8 meaning;          /**< of the codes */
    const struct mxfs_affine *affine; /**< what becomes of a number */
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
    enum mxfs_out via;    /**< the first rounding; F32 for none */
};
typedef void mxfs_narrow_fn(void *dst, const struct mxfs_narrow *in);

/**
 * A stream of narrow codes as bytes: uint8_t dst[i] = code i less `offset`, modulo 256; i < n. The
 * stream has no gaps and starts in the lowest bits: code i is the `bits` bits from bit
 * i * bits % 8 of src[i * bits / 8] on.
 */
struct mxfs_unpack {
    const uint8_t *src; /**< (n * bits + 7) / 8 bytes */
    size_t n;           /**< codes */
    unsigned bits;      /**< of a code, 1 to 8 */
    uint8_t offset;     /**< subtracted from every code */
};
typedef void mxfs_unpack_fn(void *dst, const struct mxfs_unpack *in);

/**
 * A stream of E2M3 codes (6 bits: sign 5 | exponent 4..3, bias 1 | mantissa 2..0), packed as for
 * unpack, as E4M3: uint8_t dst[i] = the E4M3 code of the same value, which always exists; i < n.
 */
struct mxfs_e2m3 {
    const uint8_t *src; /**< (n * 6 + 7) / 8 bytes */
    size_t n;           /**< codes */
};
typedef void mxfs_e2m3_fn(void *dst, const struct mxfs_e2m3 *in);

/**
 * A matrix to transpose. The element in row c, column r of dst is the one in row r, column c of
 * src; r < rows, c < cols. Bytes between the rows of dst are left as they are.
 */
struct mxfs_transpose {
    const uint8_t *src; /**< rows rows of cols elements */
    size_t src_stride;  /**< bytes from a row of src to the next */
    size_t dst_stride;  /**< bytes from a row of dst to the next */
    size_t rows, cols;  /**< of src, in elements */
};
/** Elements of one byte. */
typedef void mxfs_transpose_fn(void *dst, const struct mxfs_transpose *in);
/** Elements of four bytes. */
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

/** Members of struct mxfs_kernel. */
#define MXFS_KERNEL_OUTS(name, x) mxfs_##name##_fn *name[MXFS_OUT_COUNT];
#define MXFS_KERNEL_SINGLE(name, x) mxfs_##name##_fn *name;

/** One variant: its name, and a function per operation (and output type), none of them NULL. */
struct mxfs_kernel {
    const char *name;  /**< as in --kernel=NAME */
    uint32_t requires; /**< MXFS_CPU_* bits, all needed */
    MXFS_KERNEL_OPERATIONS(MXFS_KERNEL_OUTS, MXFS_KERNEL_SINGLE, )
};

#undef MXFS_KERNEL_OUTS
#undef MXFS_KERNEL_SINGLE

/** All variants compiled in, best first; ends with NULL. The last one, "scalar", runs anywhere. */
extern const struct mxfs_kernel *const mxfs_kernels[];

/** The first variant that needs only `cpu` bits (of mxfs_cpu_detect()). Pure. */
const struct mxfs_kernel *mxfs_kernel_select(uint32_t cpu);

/**
 * The variant called `name`. An unknown name, or one that needs more than `cpu`, is wrong usage
 * (err filled, NULL returned).
 */
const struct mxfs_kernel *mxfs_kernel_named(const char *name, uint32_t cpu, struct mxfs_error *err);

/** Fills the constant tables (some 64 KiB). Call it before threads start. */
void mxfs_tables_init(struct mxfs_tables *tables);

/** Bytes of an output element: 2, 2 or 4. */
static inline unsigned mxfs_out_size(enum mxfs_out out)
{
    return out == MXFS_OUT_F32 ? 4 : 2;
}

#endif
