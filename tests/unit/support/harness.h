/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * One harness for every kernel variant and operation. Sources and destination lie between pages
 * that fault, flush with one or the other or at any alignment; the rest of the destination's pages
 * is filled and must stay so. Random inputs are the same on every run.
 */
#ifndef MXFS_TEST_HARNESS_H
#define MXFS_TEST_HARNESS_H

#include <check.h>
#include <stdbool.h>

#include "mxfs/kernel.h"

enum {
    ARENA_ELEMENTS = 4200, /**< at most, of a destination */
};

/** Where a range lies in its pages. */
enum placement {
    AT_START,  /**< the byte before is unmapped */
    AT_END,    /**< the byte after is unmapped */
    UNALIGNED, /**< 1 to 64 elements behind the start */
    PLACEMENTS,
};

/** A range of bytes in pages of its own, guarded at both ends. */
struct guarded {
    uint8_t *map;    /**< with the guard pages */
    size_t map_size; /**< bytes */
    uint8_t *pages;  /**< without */
    size_t size;     /**< bytes in pages */
    uint8_t *data;   /**< the range */
    size_t len;      /**< its bytes */
};

/** Room for ranges of up to `capacity` bytes; guarded_free() releases it. */
struct guarded guarded_new(size_t capacity);
void guarded_free(struct guarded *g);

/** Puts a range of `len` bytes in its place, and fills all pages. */
void guarded_place(struct guarded *g, size_t len, enum placement placement);

/** The same for n floats, which keep their alignment. */
float *guarded_floats(struct guarded *g, size_t n, enum placement placement);

/** Fills the range with random bytes. */
void guarded_randomize(struct guarded *g);

/** The material of a kernel test: a variant, and guarded ranges to pass to it. */
struct arena {
    const struct mxfs_kernel *kernel;
    struct mxfs_tables tables;
    struct guarded dst, codes, scales, factors;
    uint8_t expected[ARENA_ELEMENTS * 4]; /**< in dst */
    const char *test;                     /**< its name, for messages */
};

/** Places the destination and random codes, lengths in bytes. */
void arena_place(struct arena *a, size_t dst, size_t codes, enum placement placement);

/** Element i of the destination is to have these bits. */
void arena_expect(struct arena *a, size_t i, uint32_t bits, enum mxfs_out out);

/** dst holds `expected`, and nothing around it was written; n is said in messages. */
void arena_check(const struct arena *a, size_t n);

/** The same for another destination. */
void arena_compare(const struct arena *a, const struct guarded *dst, const void *expected,
                   size_t n);

/** A test that runs for every variant, once or for each output type. */
struct kernel_test {
    const char *name;
    void (*run)(struct arena *a, enum mxfs_out out);
    bool once; /**< `out` does not matter */
};

/** Adds the tests for every variant that the processor can run, and says which ones it cannot. To
 * be called once. */
void harness_add(Suite *suite, const struct kernel_test *tests, size_t n);

#endif
