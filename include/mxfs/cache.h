/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A cache of memory blocks, bounded in bytes, that hands out pinned blocks.
 *
 * The cycle is: acquire; use the block if it is ready, else fill it and publish or abandon it;
 * release. Blocks are filled outside the lock, and a second reader of the same key waits until the
 * first has filled the block. A thread must hold no block when it acquires one, so that waiting for
 * room cannot deadlock. Reserving never waits, so a thread may reserve any number of blocks. Thread
 * safety: internally locked; a ready block is immutable while pinned.
 */
#ifndef MXFS_CACHE_H
#define MXFS_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A cache. */
struct mxfs_cache;

/** Identifies a block. Any pair of values is a valid key. */
struct mxfs_cache_key {
    uintptr_t owner; /**< usually the address of an object that outlives the block */
    uint64_t index;  /**< number within the owner */
};

/** A pinned block. */
struct mxfs_cache_block {
    uint8_t *data;         /**< page-aligned; contents undefined until filled */
    size_t size;           /**< bytes, as asked for */
    bool ready;            /**< false: the caller fills it, then publishes or abandons it */
    _Atomic uint64_t used; /**< a counter for the users of the block; 0 when the block is new */
};

/**
 * Makes a cache of at most `max_bytes`, of which blocks that were reserved but not acquired yet may
 * take `max_ahead`. Returns 0, or -ENOMEM with *out NULL.
 */
int mxfs_cache_new(struct mxfs_cache **out, size_t max_bytes, size_t max_ahead);

/** Frees; no block may be pinned. Accepts NULL. */
void mxfs_cache_free(struct mxfs_cache *cache);

/**
 * Pins the block of `key`, which has `size` bytes. Waits while another thread fills it, or while
 * pinned blocks leave no room. Returns 0, -ENOMEM, or -E2BIG when `size` exceeds the bound.
 */
int mxfs_cache_acquire(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_cache_block **out);

/**
 * Pins a new block, for the caller to fill before a reader acquires it. Never waits. Returns 0,
 * -EEXIST when the block is cached or being filled, -EAGAIN when there is no room or `max_ahead`
 * would be exceeded, or -ENOMEM.
 */
int mxfs_cache_reserve(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_cache_block **out);

/** Bytes that can be reserved before `max_ahead` is reached. */
size_t mxfs_cache_spare(struct mxfs_cache *cache);

/** The `used` counter of the block of `key`; 0 when it is not cached or not ready. */
uint64_t mxfs_cache_used(struct mxfs_cache *cache, struct mxfs_cache_key key);

/** Marks a block as filled, which lets other readers use it. It stays pinned. */
void mxfs_cache_publish(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/** Removes a block that could not be filled. Readers that wait for it try to fill it themselves. */
void mxfs_cache_abandon(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/** Unpins a block; from then on it may be evicted. */
void mxfs_cache_release(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/**
 * Unpins a block that has been read to its end: unless it is acquired again, it is evicted before
 * all others. Its memory is the most likely to still be in the processor's cache, ready for reuse.
 * And when a file larger than the cache is read over and over, part of it stays cached.
 */
void mxfs_cache_retire(struct mxfs_cache *cache, struct mxfs_cache_block *block);

/** Statistics of a cache. */
struct mxfs_cache_stats {
    uint64_t hits;   /**< acquired blocks that were cached, or being filled by another thread */
    uint64_t misses; /**< acquired blocks that the caller had to fill */
    uint64_t bytes;  /**< bytes that now count against the bound */
    uint64_t limit;  /**< the bound */
};

/** Takes a consistent snapshot of the statistics. */
void mxfs_cache_stats(struct mxfs_cache *cache, struct mxfs_cache_stats *out);

#endif
