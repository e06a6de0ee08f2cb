/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Arrays that grow.
 */
#ifndef MXFS_ARRAY_H
#define MXFS_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * Makes room for `count` elements of `size` bytes. `array` is a heap array with room for *capacity
 * of them, or NULL with *capacity 0. Returns the array, moved or not, whose capacity at least
 * doubles when it grows; or NULL when memory is out: array and *capacity are then as they were.
 */
static inline void *mxfs_array_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    size_t wanted = *capacity > SIZE_MAX / 2 ? SIZE_MAX : *capacity * 2;

    if (count <= *capacity && array)
        return array;
    if (wanted < count)
        wanted = count;
    if (wanted < 8)
        wanted = 8;
    if (wanted > SIZE_MAX / size)
        return NULL;
    void *grown = realloc(array, wanted * size);
    if (grown)
        *capacity = wanted;
    return grown;
}

#endif
