/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Arrays that grow. Thread safety: per call.
 */
#ifndef MXFS_ARRAY_H
#define MXFS_ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * Makes room for `count` elements of `size` bytes. `array` is a heap array with room for *capacity
 * elements, or NULL with *capacity 0. Returns the array, which may have moved; when it grows, its
 * capacity at least doubles. Returns NULL when out of memory: `array` is then still valid and
 * *capacity unchanged.
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
