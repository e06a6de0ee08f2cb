/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A set of names with their positions in a list: which name was seen before, and where.
 *
 * Made for names that a stranger chose: the hash is seeded at random, so that no file can be
 * written whose names all collide. Thread safety: per call.
 */
#ifndef MXFS_SAFETENSORS_NAMESET_H
#define MXFS_SAFETENSORS_NAMESET_H

#include <stddef.h>
#include <stdint.h>

/** A name: any bytes, not terminated. */
struct mxfs_name {
    const char *text;
    size_t len;
};

/** Returns the name at a position in the caller's list. */
typedef struct mxfs_name mxfs_nameset_at(const void *list, uint32_t index);

/** The set. Zero-initialised is a valid object that holds nothing. */
struct mxfs_nameset {
    struct mxfs_nameset_slot *slots; /**< open addressing, `mask + 1` of them */
    size_t mask;                     /**< number of slots less 1; that number is a power of two */
    uint64_t seed[2];                /**< of the hash */
};

/** Makes room for `count` names; returns 0 or -ENOMEM. */
int mxfs_nameset_init(struct mxfs_nameset *set, size_t count);

/**
 * Adds the name that is, or is about to be, at `index` of the list, unless the set has it. Returns
 * the position at which it was seen before, or `index`. `at` is asked for earlier positions only.
 */
uint32_t mxfs_nameset_add(struct mxfs_nameset *set, struct mxfs_name name, uint32_t index,
                          mxfs_nameset_at *at, const void *list);

/** Frees the slots. */
void mxfs_nameset_fini(struct mxfs_nameset *set);

#endif
