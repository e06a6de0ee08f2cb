/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A cache of memory blocks, bounded in bytes, that hands out pinned blocks.
 *
 * acquire -> (block->ready ? use : fill, then publish or abandon) -> release. Blocks are filled
 * outside the lock; a second reader of the same key waits for the first one to fill it. A thread
 * holds no block when it acquires one, so waiting for room cannot deadlock; reserving never waits,
 * so a thread may reserve any number. Thread safety: internally locked; a ready block is immutable
 * while pinned.
 */
#ifndef MXFS_CACHE_H
#define MXFS_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mxfs_cache;

/** Identifies a block; any two values are a key. */
struct mxfs_cache_key {
    uintptr_t owner; /**< usually the address of an object that outlives the cache's use of it */
    uint64_t index;  /**< number within the owner */
};

/** A pinned block. */
struct mxfs_cache_block {
    uint8_t *data;         /**< page-aligned; contents undefined until filled */
    size_t size;           /**< bytes, as asked for */
    bool ready;            /**< false: the caller fills it, then publishes or abandons it */
    _Atomic uint64_t used; /**< 0 at first; for users to count how much of it they have read */
};

/**
 * Makes a cache of at most `max_bytes`, of which at most `max_ahead` may hold blocks that were
 * reserved and have not been acquired yet. *out is NULL on failure (-ENOMEM).
 */
int mxfs_cache_new(struct mxfs_cache **out, size_t max_bytes, size_t max_ahead);

/** Frees; no block may be pinned. Accepts NULL. */
void mxfs_cache_free(struct mxfs_cache *cache);

/**
 * Pins the block of `key`, which has `size` bytes. Waits while another thread fills it, or while
 * pinned blocks leave no room. Fails with -ENOMEM, or with -E2BIG when size exceeds the bound.
 */
int mxfs_cache_acquire(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_cache_block **out);

/**
 * Pins a new block that is to be filled before it is asked for. Never waits: fails with -EEXIST
 * when the block is there or being filled, with -EAGAIN when there is no room or `max_ahead` would
 * be exceeded, or with -ENOMEM.
 */
int mxfs_cache_reserve(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_cache_block **out);

/** Bytes that can be reserved before `max_ahead` is reached. */
size_t mxfs_cache_spare(struct mxfs_cache *cache);

/** The `used` counter of the block of `key`; 0 when it is not there or not ready. */
uint64_t mxfs_cache_used(struct mxfs_cache *cache, struct mxfs_cache_key key);

/** The block has been filled and is ready for other readers. It stays pinned. */
void mxfs_cache_publish(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/** Filling failed: unpins and forgets the block. Readers that wait for it fill it themselves. */
void mxfs_cache_abandon(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/** Unpins. The block may be dropped from now on. */
void mxfs_cache_release(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/**
 * Unpins a block that has been read to its end: it is dropped before all others unless it is
 * acquired again. Its memory is the most likely to be in the processor's cache still. And of a file
 * that is larger than the cache and read over and over, a part stays.
 */
void mxfs_cache_retire(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/** Statistics of a cache. */
struct mxfs_cache_stats {
    uint64_t hits;   /**< blocks acquired that were there, or being filled by another thread */
    uint64_t misses; /**< blocks acquired that the caller had to fill */
    uint64_t bytes;  /**< bytes that count against the bound now */
    uint64_t limit;  /**< the bound */
};

/** Takes a consistent snapshot of the statistics. */
void mxfs_cache_stats(struct mxfs_cache *cache, struct mxfs_cache_stats *out);

#endif
