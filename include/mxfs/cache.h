/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A cache of blocks of memory, bounded in bytes, that hands out pinned blocks.
 *
 * acquire -> (block->ready ? use : fill, then publish or abandon) -> release. Filling happens
 * outside the lock; a second reader of the same key waits for the first instead of filling again. A
 * thread that acquires holds no block yet, so waiting for room cannot deadlock; any number may be
 * reserved, which never waits. Thread safety: internally locked; a pinned ready block is immutable.
 */
#ifndef MXFS_CACHE_H
#define MXFS_CACHE_H

#include <stdatomic.h>
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
    uint8_t *data;         /**< uninitialised until filled; 64-byte aligned */
    size_t size;           /**< as asked for */
    bool ready;            /**< false: the caller fills it, then publishes or abandons */
    _Atomic uint64_t used; /**< 0 when new; users count in it how much they made of the block */
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

/**
 * Pins a block that nobody has asked for yet, to be filled ahead. Blocks that still wait for their
 * first user take at most five eighths of the cache: looking further ahead would drop what was
 * loaded before it is used. Fails at once with -EEXIST when the block is there or being filled,
 * with -EAGAIN when there is no room, or with -ENOMEM.
 */
int mxfs_cache_reserve(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_block **out);

/** What a cache did, and holds. */
struct mxfs_cache_stats {
    uint64_t hits;   /**< blocks acquired that were there, or being filled by another */
    uint64_t misses; /**< and that the caller had to fill */
    uint64_t bytes;  /**< that count against the bound now */
    uint64_t limit;  /**< the bound */
};

/** Takes a look. */
void mxfs_cache_stats(struct mxfs_cache *cache, struct mxfs_cache_stats *out);

/** Bytes that may be reserved before reserving fails. */
size_t mxfs_cache_spare(struct mxfs_cache *cache);

/** What users counted of the block of `key`; 0 when it is not there or not ready. */
uint64_t mxfs_cache_used(struct mxfs_cache *cache, struct mxfs_cache_key key);

/** The block is filled: other readers may have it. It stays pinned. */
void mxfs_cache_publish(struct mxfs_cache *cache, struct mxfs_block *block);

/** Filling failed: forgets the block; readers that wait try for themselves. Releases it too. */
void mxfs_cache_abandon(struct mxfs_cache *cache, struct mxfs_block *block);

/** Unpins. The block may be dropped from now on. */
void mxfs_cache_release(struct mxfs_cache *cache, struct mxfs_block *block);

/**
 * Unpins a block that was read to its end: the first to be dropped, unless it is asked for again.
 * Its memory is the likeliest to lie in the processor's cache still, and who reads more than fits,
 * again and again, finds a part of it.
 */
void mxfs_cache_retire(struct mxfs_cache *cache, struct mxfs_block *block);

#endif
