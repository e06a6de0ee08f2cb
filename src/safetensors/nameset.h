/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A set of names, with their indices in a list. Private to safetensors/.
 *
 * The names come from a file that may be hostile. The hash has a random seed, so that no one can
 * prepare a file whose names all collide. Thread safety: per call.
 */
#ifndef MXFS_SAFETENSORS_NAMESET_H
#define MXFS_SAFETENSORS_NAMESET_H

#include <stddef.h>
#include <stdint.h>

/** A name: any bytes, not terminated. */
struct safetensors_name {
    const char *text; /**< borrowed */
    size_t len;       /**< bytes */
};

/** Returns the name at `index` in the caller's list. */
typedef struct safetensors_name safetensors_nameset_at(const void *list, uint32_t index);

/** A set. Zero-initialised is empty; call safetensors_nameset_init() before adding names. */
struct safetensors_nameset {
    struct safetensors_nameset_slot *slots; /**< open addressing, `mask + 1` slots; owned */
    size_t mask;      /**< number of slots - 1; the number is a power of two */
    uint64_t seed[2]; /**< seed of the hash */
};

/** Makes room for `count` names. Returns 0 or -ENOMEM. */
int safetensors_nameset_init(struct safetensors_nameset *set, size_t count);

/**
 * Adds the name at `index` of the list, unless it is in the set already. Returns the index of the
 * earlier one, or `index`. `at` is called only for names added before.
 */
uint32_t safetensors_nameset_add(struct safetensors_nameset *set, struct safetensors_name name,
                                 uint32_t index, safetensors_nameset_at *at, const void *list);

/** Frees the slots. */
void safetensors_nameset_fini(struct safetensors_nameset *set);

#endif
