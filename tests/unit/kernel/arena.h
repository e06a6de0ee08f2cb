/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The operations of kernels as the unit tests and the benchmark see them. Every operation of
 * MXFS_KERNEL_OPERATIONS has a struct operation: it draws inputs, says what has to come out, and
 * names the rows of the benchmark. Leaving one out is an error of the linker.
 *
 * Sources and destination lie between pages that fault, flush with one or the other or at any
 * alignment; the rest of the destination's pages is filled and must stay so. Random inputs are the
 * same on every run.
 */
#ifndef MXFS_TEST_KERNEL_ARENA_H
#define MXFS_TEST_KERNEL_ARENA_H

#include <stdbool.h>

#include "mxfs/compiler.h"
#include "mxfs/kernel.h"
#include "support/oracle.h"
#include "support/suite.h"

enum {
    ARENA_TEST = 4200,      /**< elements of the largest destination of the tests */
    ARENA_BENCH = 64 << 10, /**< and of the benchmark: what fits L2 */
    OPERATION_CHECKS = 4,   /**< checks of an operation, at most */
    OPERATION_ROWS = 4,     /**< rows of an operation, at most */
};

/** The place of a range in its pages. */
enum placement {
    AT_START,   /**< the byte before it is unmapped */
    AT_END,     /**< the byte after it is unmapped */
    UNALIGNED,  /**< 1 to 64 elements after the start */
    PLACEMENTS, /**< how many there are */
};

/** A range of bytes in pages of its own, guarded at both ends. */
struct guarded {
    uint8_t *map;    /**< with the guard pages */
    size_t map_size; /**< bytes */
    uint8_t *pages;  /**< without them */
    size_t size;     /**< bytes in pages */
    uint8_t *data;   /**< the range */
    size_t len;      /**< its bytes */
};

/** Puts a range of `len` bytes in its place, and fills all pages. */
void guarded_place(struct guarded *g, size_t len, enum placement placement);

/** The same for n floats, which keep their alignment. */
float *guarded_floats(struct guarded *g, size_t n, enum placement placement);

/** Fills the range with random bytes. */
void guarded_randomize(struct guarded *g);

/** The input of an operation, each under the name of the operation. */
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

/** The arrays that affine inputs point to. */
struct entries {
    struct mxfs_affine affine;      /**< with the arrays below */
    float values[16];               /**< of 4-bit codes */
    float scales[ARENA_BENCH];      /**< one per group */
    float zeros[ARENA_BENCH];       /**< one per group */
    float biases[ARENA_BENCH];      /**< one per group */
    uint16_t group_of[ARENA_BENCH]; /**< one per code */
};

struct operation;

/** One call of a kernel: a variant, an operation, and its input and output. */
struct arena {
    const struct mxfs_kernel *kernel;           /**< the variant */
    const struct operation *operation;          /**< what is called */
    enum mxfs_out out;                          /**< output type; BF16 for single operations */
    struct mxfs_tables tables;                  /**< filled */
    union input in;                             /**< points to the ranges below */
    struct guarded dst, codes, scales, factors; /**< ranges */
    struct entries entries;                     /**< of affine operations */
    uint8_t expected[ARENA_BENCH * 4];          /**< in dst */
};

/** A row of the benchmark. */
struct row {
    const char *name;  /**< after the operation's, or "" */
    unsigned argument; /**< of the operation's draw() */
};

/** One operation. `size` is in elements of the output, a multiple of 32. */
struct operation {
    /** Each runs calls of one kind through arena_check(), with every length and placement. */
    void (*checks[OPERATION_CHECKS])(struct arena *a);
    /** A call whose answer is in known.h. */
    void (*known)(struct arena *a);
    /** Computes a->expected from a->in, sharing nothing with the kernels. */
    void (*expect)(struct arena *a);
    /** Draws the input of a row, with ordinary values and at the start of pages. */
    void (*draw)(struct arena *a, size_t size, unsigned argument);
    struct row rows[OPERATION_ROWS]; /**< at least one; ends with a NULL name */
};

/** An operation under its name. */
struct operation_entry {
    const char *name;                  /**< as in MXFS_KERNEL_OPERATIONS; NULL ends the list */
    const struct operation *operation; /**< operation_NAME */
    void (*run)(const struct arena *); /**< calls the variant */
    unsigned outs;                     /**< output types: all, or 1 */
};

#define COUNT_ONE(name, x) +1
enum { OPERATIONS = 0 MXFS_KERNEL_OPERATIONS(COUNT_ONE, COUNT_ONE, ) }; /**< how many there are */
#undef COUNT_ONE

/** All operations; made from MXFS_KERNEL_OPERATIONS. */
extern const struct operation_entry operations[];

/** An arena for a variant; `elements` at most. arena_free() releases it. */
struct arena *arena_new(const struct mxfs_kernel *kernel, size_t elements);

/** Frees an arena. */
void arena_free(struct arena *a);

/** Places the destination, n elements of the output type (bytes where there is none), and `codes`
 * random bytes of codes. */
void arena_place(struct arena *a, size_t n, size_t codes, enum placement placement);

/** Element i of the destination is expected to have these bits. */
void arena_expect(struct arena *a, size_t i, uint32_t bits);

/** Calls the variant with a->in. The output has to be what expect() says, and nothing around it may
 * change; otherwise a message says where they differ and the process aborts. */
void arena_check(struct arena *a);

/** Places the destination and calls the variant with a->in; its n elements have to have these bits,
 * which were computed elsewhere. */
void arena_check_known(struct arena *a, const uint32_t *bits, size_t n);

/** The same for operations whose output does not depend on a type. */
void arena_check_known_bytes(struct arena *a, const uint8_t *bytes, size_t n);

#endif
