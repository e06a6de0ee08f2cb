/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A cache of blocks of memory, bounded in bytes, that hands out pinned blocks.
 *
 * acquire -> (block->ready ? use : fill, then publish or abandon) -> release. Filling happens
 * outside the lock; a second reader of the same key waits for the first instead of filling again. A
 * thread holds at most one block at a time, so waiting for room cannot deadlock. Thread safety:
 * internally locked; a pinned ready block is immutable.
 */
#ifndef MXFS_CACHE_H
#define MXFS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mxfs_cache;

/** What a block is of; any two values are a key. */
struct mxfs_cache_key {
    uintptr_t owner;
    uint64_t index;
};

/** A pinned block. */
struct mxfs_block {
    uint8_t *data; /**< uninitialised until filled; 64-byte aligned */
    size_t size;   /**< as asked for */
    bool ready;    /**< false: the caller fills it, then publishes or abandons */
};

/** A cache of at most `max_bytes`; *out is NULL on failure (-ENOMEM). */
int mxfs_cache_new(struct mxfs_cache **out, size_t max_bytes);

/** Frees; nothing may be pinned. Accepts NULL. */
void mxfs_cache_free(struct mxfs_cache *cache);

/**
 * Pins the block of `key`, which has `size` bytes. Waits while another thread fills it, or while
 * pinned blocks leave no room. Fails with -ENOMEM, or -E2BIG when size is over the bound.
 */
int mxfs_cache_acquire(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_block **out);

/** The block is filled: other readers may have it. It stays pinned. */
void mxfs_cache_publish(struct mxfs_cache *cache, struct mxfs_block *block);

/** Filling failed: forgets the block; readers that wait try for themselves. Releases it too. */
void mxfs_cache_abandon(struct mxfs_cache *cache, struct mxfs_block *block);

/** Unpins. The block may be dropped from now on. */
void mxfs_cache_release(struct mxfs_cache *cache, struct mxfs_block *block);

#endif
