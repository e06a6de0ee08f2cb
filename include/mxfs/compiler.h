/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Compiler attributes under short names. Nothing here has a run-time effect.
 */
#ifndef MXFS_COMPILER_H
#define MXFS_COMPILER_H

/** The function takes a printf format at argument `fmt` and its values from argument `args`. */
#define MXFS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/** Compiles one function for the named instruction sets, e.g. MXFS_TARGET("avx2"). */
#define MXFS_TARGET(isa) __attribute__((target(isa)))

/** Forces a helper into its caller, so that it inherits the caller's target. */
#define MXFS_INLINE static inline __attribute__((always_inline))

/** A branch that is not expected to be taken. */
#define MXFS_UNLIKELY(x) __builtin_expect(!!(x), 0)

/** The number of elements of an array (not of a pointer). */
#define MXFS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
