/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Walks a matrix in tiles of equal size.
 */
#ifndef MXFS_KERNEL_TILES_H
#define MXFS_KERNEL_TILES_H

#include <stddef.h>

/**
 * The start of the tile after the one at `at`. The last tile moves back so that it ends at `end`.
 */
static inline size_t kernel_next_tile(size_t at, size_t tile, size_t end)
{
    return at + tile < end && at + 2 * tile > end ? end - tile : at + tile;
}

/**
 * Interleaving register i with i + 8 of 16 rotates the index bits (row, column) by one; doing it
 * four times swaps rows and columns. The steps are written out because a loop that the compiler
 * does not unroll keeps the registers in memory, which was four times as slow with AVX2.
 */
#define KERNEL_EACH_8(step) step(0) step(1) step(2) step(3) step(4) step(5) step(6) step(7)
#define KERNEL_EACH_16(step) \
    KERNEL_EACH_8(step) step(8) step(9) step(10) step(11) step(12) step(13) step(14) step(15)

#endif
