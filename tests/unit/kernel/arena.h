/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations of kernels as the unit tests and the benchmark see them. Every operation of
 * MXFS_KERNEL_OPERATIONS has a struct operation, which draws inputs, computes the expected output
 * and names the rows of the benchmark. Without one, the program does not link.
 *
 * Sources and destination lie between pages that fault, at either end of their own pages or at any
 * alignment; the rest of the destination's pages is filled and must not change. Random inputs are
 * the same on every run.
 */
#ifndef MXFS_TEST_KERNEL_ARENA_H
#define MXFS_TEST_KERNEL_ARENA_H

#include <stdbool.h>

#include "mxfs/compiler.h"
#include "mxfs/kernel.h"
#include "support/oracle.h"
#include "support/suite.h"

enum {
    ARENA_TEST = 4200,      /**< elements of the largest destination in tests */
    ARENA_BENCH = 64 << 10, /**< the same for the benchmark: fits L2 */
    OPERATION_CHECKS = 4,   /**< most checks per operation */
    OPERATION_ROWS = 4,     /**< most rows per operation */
};

/** Where a range lies in its pages. */
enum placement {
    AT_START,   /**< the byte before it is unmapped */
    AT_END,     /**< the byte after it is unmapped */
    UNALIGNED,  /**< 1 to 64 elements from the start */
    PLACEMENTS, /**< number of placements */
};

/** A range of bytes in pages of its own, guarded at both ends. */
struct guarded {
    uint8_t *map;    /**< all pages, guard pages included */
    size_t map_size; /**< bytes of these */
    uint8_t *pages;  /**< pages between the guard pages */
    size_t size;     /**< bytes of these */
    uint8_t *data;   /**< the range */
    size_t len;      /**< bytes of it */
};

/** Places a range of `len` bytes in its pages, all of which it fills. */
void guarded_place(struct guarded *g, size_t len, enum placement placement);

/** The same for n floats; they stay aligned. */
float *guarded_floats(struct guarded *g, size_t n, enum placement placement);

/** Fills the range with random bytes. */
void guarded_randomize(struct guarded *g);

/** The input of every operation, under the operation's name. */
union input {
    struct mxfs_mxfp4_blocks mxfp4_blocks;
    struct mxfs_mxfp4_lanes mxfp4_lanes;
    struct mxfs_fp8_run fp8_run;
    struct mxfs_fp8_blocks fp8_blocks;
    struct mxfs_mxfp8_blocks mxfp8_blocks;
    struct mxfs_nvfp4_blocks nvfp4_blocks;
    struct mxfs_nvfp4_lanes nvfp4_lanes;
    struct mxfs_code4_run code4_run;
    struct mxfs_code4_pick code4_pick;
    struct mxfs_code8_run code8_run;
    struct mxfs_narrow narrow;
    struct mxfs_unpack unpack;
    struct mxfs_e2m3 e2m3;
    struct mxfs_transpose transpose, transpose_words;
    struct mxfs_widen_bf16 widen_bf16;
};

/** The arrays for the inputs of affine operations. */
struct entries {
    struct mxfs_affine affine;      /**< points to the arrays below */
    float values[16];               /**< for 4-bit codes */
    float scales[ARENA_BENCH];      /**< one per group */
    float zeros[ARENA_BENCH];       /**< one per group */
    float biases[ARENA_BENCH];      /**< one per group */
    uint16_t group_of[ARENA_BENCH]; /**< one per code */
};

struct operation;

/** One call of a kernel: a variant, an operation, and its input and output. */
struct arena {
    const struct mxfs_kernel *kernel;           /**< the variant */
    const struct operation *operation;          /**< the operation to call */
    enum mxfs_out out;                          /**< output type; BF16 for single operations */
    struct mxfs_tables tables;                  /**< filled */
    union input in;                             /**< points to the ranges below */
    struct guarded dst, codes, scales, factors; /**< ranges */
    struct entries entries;                     /**< for affine operations */
    uint8_t expected[ARENA_BENCH * 4];          /**< contents of dst */
};

/** A row of the benchmark. */
struct row {
    const char *name;  /**< follows the operation's name, or "" */
    unsigned argument; /**< for the operation's draw() */
};

/** One operation. `size` counts elements of the output and is a multiple of 32. */
struct operation {
    /** Each runs calls of one kind through arena_check(), with all lengths and placements. */
    void (*checks[OPERATION_CHECKS])(struct arena *a);
    /** Runs a call whose answer is in known.h. */
    void (*known)(struct arena *a);
    /** Computes a->expected from a->in, sharing nothing with the kernels. */
    void (*expect)(struct arena *a);
    /** Draws ordinary input for a row, at the start of its pages. */
    void (*draw)(struct arena *a, size_t size, unsigned argument);
    struct row rows[OPERATION_ROWS]; /**< at least one; a NULL name ends them */
};

/** An operation and its name. */
struct operation_entry {
    const char *name;                  /**< as in MXFS_KERNEL_OPERATIONS; NULL ends the list */
    const struct operation *operation; /**< operation_NAME */
    void (*run)(const struct arena *); /**< calls the variant */
    unsigned outs;                     /**< number of output types: all, or 1 */
};

#define COUNT_ONE(name, x) +1
enum { OPERATIONS = 0 MXFS_KERNEL_OPERATIONS(COUNT_ONE, COUNT_ONE, ) }; /**< number of operations */
#undef COUNT_ONE

/** All operations, generated from MXFS_KERNEL_OPERATIONS. */
extern const struct operation_entry operations[];

/** Makes an arena for a variant and at most `elements` elements. Release it with arena_free(). */
struct arena *arena_new(const struct mxfs_kernel *kernel, size_t elements);

/** Frees an arena. */
void arena_free(struct arena *a);

/**
 * Places the destination, n elements of the output type (or bytes if there is none), and `codes`
 * random bytes of codes.
 */
void arena_place(struct arena *a, size_t n, size_t codes, enum placement placement);

/** Sets the bits that are expected for element i of the destination. */
void arena_expect(struct arena *a, size_t i, uint32_t bits);

/**
 * Calls the variant with a->in. The output must match expect(), and nothing around it may change;
 * otherwise prints where they differ and aborts.
 */
void arena_check(struct arena *a);

/**
 * Places the destination and calls the variant with a->in; its n elements must have these bits,
 * which were computed elsewhere.
 */
void arena_check_known(struct arena *a, const uint32_t *bits, size_t n);

/** The same for operations whose output does not depend on an output type. */
void arena_check_known_bytes(struct arena *a, const uint8_t *bytes, size_t n);

#endif
