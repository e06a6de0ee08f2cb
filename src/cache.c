/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The block cache: a hash table of entries, a list of the unpinned ones in order of last use, one
 * lock, two conditions. Blocks are few and large (hundreds of kilobytes): the lock is held for
 * nanoseconds, while filling a block takes a millisecond.
 */
#include "mxfs/cache.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mxfs/bytes.h"

enum {
    BUCKETS = 256, /* twice the 128 units that a cache usually holds */
    PAGE = 4096,   /* granularity in which memory is mapped and charged */
};

enum state {
    FILLING, /* pinned by the thread that fills it */
    READY,   /* filled */
    DEAD,    /* filling failed; no longer in the table */
};

/* A block and its state in the cache; the lock protects all but the contents of the block. */
struct entry {
    struct mxfs_cache_block block; /* first, so that a block and its entry have the same address */
    struct mxfs_cache_key key;
    size_t charged; /* bytes that count against the bound: whole pages */
    unsigned pins;  /* readers that hold it; 0: it is in the list of unpinned entries */
    bool ahead;     /* reserved, but not acquired yet */
    bool retired;   /* to be evicted first */
    enum state state;
    struct entry *chain;         /* next in the bucket */
    struct entry *older, *newer; /* among the unpinned; both NULL while pinned */
};

struct mxfs_cache {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a block was published or abandoned */
    pthread_cond_t room;    /* bytes were unpinned or freed */
    size_t max, max_ahead;  /* bounds of `used` and `ahead`; immutable */
    size_t used;            /* bytes charged */
    size_t idle;            /* bytes of `used` that are unpinned */
    size_t ahead;           /* bytes of `used` in blocks that are reserved, but not acquired yet */
    uint64_t hits, misses;  /* see struct mxfs_cache_stats */
    struct entry *bucket[BUCKETS];
    struct entry *oldest, *newest; /* unpinned, by last use */
};

int mxfs_cache_new(struct mxfs_cache **out, size_t max_bytes, size_t max_ahead)
{
    struct mxfs_cache *c = calloc(1, sizeof(*c));
    *out = c;
    if (!c)
        return -ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    pthread_cond_init(&c->room, NULL);
    c->max = max_bytes;
    c->max_ahead = max_ahead;
    return 0;
}

static struct entry **bucket_of(struct mxfs_cache *c, struct mxfs_cache_key key)
{
    /*
     * Owners are addresses of neighbouring objects, and indices are small: any large odd multiplier
     * spreads them.
     */
    uint64_t h = ((uint64_t)key.owner ^ key.index << 24) * 0x9E3779B97F4A7C15u;
    return &c->bucket[h >> 56];
}

static void unmap_entry(struct entry *e)
{
    if (e->block.data)
        munmap(e->block.data, e->charged);
    free(e);
}

static void list_remove(struct mxfs_cache *c, struct entry *e)
{
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    e->older = e->newer = NULL;
    c->idle -= e->charged;
}

static void list_append(struct mxfs_cache *c, struct entry *e)
{
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
    c->idle += e->charged;
}

static void list_prepend(struct mxfs_cache *c, struct entry *e)
{
    e->newer = c->oldest;
    *(c->oldest ? &c->oldest->older : &c->newest) = e;
    c->oldest = e;
    c->idle += e->charged;
}

static void table_remove(struct mxfs_cache *c, struct entry *e)
{
    struct entry **link = bucket_of(c, e->key);
    while (*link != e)
        link = &(*link)->chain;
    *link = e->chain;
}

static struct entry *table_find(struct mxfs_cache *c, struct mxfs_cache_key key)
{
    struct entry *e = *bucket_of(c, key);
    while (e && (e->key.owner != key.owner || e->key.index != key.index))
        e = e->chain;
    return e;
}

/* Notes that an entry is acquired for the first time, or never will be. */
static void end_ahead(struct mxfs_cache *c, struct entry *e)
{
    if (e->ahead)
        c->ahead -= e->charged;
    e->ahead = false;
}

void mxfs_cache_free(struct mxfs_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct entry *e = cache->bucket[i], *next; e; e = next) {
            next = e->chain;
            unmap_entry(e);
        }
    }
    pthread_cond_destroy(&cache->changed);
    pthread_cond_destroy(&cache->room);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Whether the next block to be evicted was read to its end and has exactly `size` bytes. */
static bool can_reuse(const struct mxfs_cache *c, size_t size)
{
    return c->oldest && c->oldest->retired && c->oldest->charged == size;
}

/*
 * Removes unpinned blocks, oldest first, until `size` more bytes fit. Keeps one of the right size
 * in *spare, even if there is room for another: its memory was just read, so it is in the
 * processor's cache, while the kernel would have to zero fresh pages. The others go to *victims,
 * for the caller to free outside the lock. Returns false, with nothing removed, when pinned blocks
 * leave no room.
 */
static bool make_room(struct mxfs_cache *c, size_t size, struct entry **spare,
                      struct entry **victims)
{
    if (c->used - c->idle + size > c->max)
        return false;
    while (c->used + size > c->max || (!*spare && can_reuse(c, size))) {
        struct entry *e = c->oldest;
        list_remove(c, e);
        table_remove(c, e);
        end_ahead(c, e);
        c->used -= e->charged;
        if (!*spare && e->charged == size) {
            *spare = e;
        } else {
            e->chain = *victims;
            *victims = e;
        }
    }
    return true;
}

/* Frees the entries that make_room() removed, outside the lock. `spare` may be NULL. */
static void free_victims(struct entry *spare, struct entry *victims)
{
    if (spare)
        unmap_entry(spare);
    for (struct entry *next; victims; victims = next) {
        next = victims->chain;
        unmap_entry(victims);
    }
}

/* Inserts *spare or a new entry as FILLING, in room that the caller has made. NULL: no memory. */
static struct entry *insert(struct mxfs_cache *c, struct entry **spare, struct mxfs_cache_key key,
                            size_t size, size_t charged)
{
    struct entry **bucket = bucket_of(c, key);
    struct entry *e = *spare ? *spare : calloc(1, sizeof(*e));

    *spare = NULL;
    if (!e)
        return NULL;
    e->block.size = size;
    e->block.ready = false;
    atomic_store_explicit(&e->block.used, 0, memory_order_relaxed);
    e->key = key;
    e->charged = charged;
    e->pins = 1;
    e->retired = false;
    e->state = FILLING;
    e->chain = *bucket;
    e->older = e->newer = NULL;
    *bucket = e;
    c->used += charged;
    return e;
}

/*
 * Waits until the block is ready, and returns it pinned; or until it is not cached and there is
 * room for it, and returns NULL, for the caller to insert it.
 */
static struct entry *find_ready(struct mxfs_cache *c, struct mxfs_cache_key key, size_t charged,
                                struct entry **spare, struct entry **victims)
{
    for (;;) {
        struct entry *e = table_find(c, key);
        if (e && e->state == READY) {
            end_ahead(c, e);
            e->retired = false;
            if (e->pins++ == 0)
                list_remove(c, e);
            return e;
        }
        if (!e && make_room(c, charged, spare, victims))
            return NULL;
        if (*spare || *victims) {
            /* Their bytes are no longer counted, so free the memory before waiting. */
            pthread_mutex_unlock(&c->lock);
            free_victims(*spare, *victims);
            *spare = *victims = NULL;
            pthread_mutex_lock(&c->lock);
            continue; /* the block may have been inserted in the meantime */
        }
        pthread_cond_wait(e ? &c->changed : &c->room, &c->lock);
    }
}

/*
 * Maps memory for an entry that has none, outside the lock. Asks for huge pages, because
 * transposing a matrix touches thousands of small ones.
 */
static int map_entry(struct entry *e)
{
    if (e->block.data)
        return 0;
    void *p = mmap(NULL, e->charged, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return -ENOMEM;
    madvise(p, e->charged, MADV_HUGEPAGE);
    e->block.data = p;
    return 0;
}

static size_t charge_of(size_t size)
{
    return mxfs_align_up(mxfs_max_u64(size, 1), PAGE);
}

/*
 * Maps memory for a pinned entry and sets *out to its block. `e` is NULL if allocating it failed.
 */
static int hand_out(struct mxfs_cache *cache, struct entry *e, struct mxfs_cache_block **out)
{
    if (!e)
        return -ENOMEM;
    if (!e->block.ready && map_entry(e) != 0) {
        mxfs_cache_abandon(cache, &e->block);
        return -ENOMEM;
    }
    *out = &e->block;
    return 0;
}

int mxfs_cache_acquire(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_cache_block **out)
{
    size_t charged = charge_of(size);
    struct entry *spare = NULL, *victims = NULL;

    *out = NULL;
    if (charged > cache->max)
        return -E2BIG;
    pthread_mutex_lock(&cache->lock);
    struct entry *e = find_ready(cache, key, charged, &spare, &victims);
    if (e)
        cache->hits++;
    else
        cache->misses++;
    if (!e)
        e = insert(cache, &spare, key, size, charged);
    pthread_mutex_unlock(&cache->lock);
    free_victims(spare, victims);
    return hand_out(cache, e, out);
}

int mxfs_cache_reserve(struct mxfs_cache *cache, struct mxfs_cache_key key, size_t size,
                       struct mxfs_cache_block **out)
{
    size_t charged = charge_of(size);
    struct entry *spare = NULL, *victims = NULL, *e = NULL;
    int rc = -EAGAIN;

    *out = NULL;
    pthread_mutex_lock(&cache->lock);
    if (table_find(cache, key)) {
        rc = -EEXIST;
    } else if (cache->ahead + charged <= cache->max_ahead &&
               make_room(cache, charged, &spare, &victims)) {
        rc = -ENOMEM;
        e = insert(cache, &spare, key, size, charged);
    }
    if (e) {
        e->ahead = true;
        cache->ahead += charged;
    }
    pthread_mutex_unlock(&cache->lock);
    free_victims(spare, victims);
    return e ? hand_out(cache, e, out) : rc;
}

void mxfs_cache_stats(struct mxfs_cache *cache, struct mxfs_cache_stats *out)
{
    pthread_mutex_lock(&cache->lock);
    *out = (struct mxfs_cache_stats){cache->hits, cache->misses, cache->used, cache->max};
    pthread_mutex_unlock(&cache->lock);
}

size_t mxfs_cache_spare(struct mxfs_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    size_t spare = cache->max_ahead - cache->ahead;
    pthread_mutex_unlock(&cache->lock);
    return spare;
}

uint64_t mxfs_cache_used(struct mxfs_cache *cache, struct mxfs_cache_key key)
{
    pthread_mutex_lock(&cache->lock);
    const struct entry *e = table_find(cache, key);
    uint64_t used =
        e && e->state == READY ? atomic_load_explicit(&e->block.used, memory_order_relaxed) : 0;
    pthread_mutex_unlock(&cache->lock);
    return used;
}

void mxfs_cache_publish(struct mxfs_cache *cache, struct mxfs_cache_block *block)
{
    struct entry *e = (struct entry *)block;

    pthread_mutex_lock(&cache->lock);
    assert(e->state == FILLING);
    e->state = READY;
    block->ready = true;
    pthread_cond_broadcast(&cache->changed);
    pthread_mutex_unlock(&cache->lock);
}

void mxfs_cache_abandon(struct mxfs_cache *cache, struct mxfs_cache_block *block)
{
    struct entry *e = (struct entry *)block;

    pthread_mutex_lock(&cache->lock);
    assert(e->state == FILLING && e->pins == 1);
    e->state = DEAD;
    table_remove(cache, e);
    end_ahead(cache, e);
    cache->used -= e->charged;
    pthread_cond_broadcast(&cache->changed);
    pthread_cond_broadcast(&cache->room);
    pthread_mutex_unlock(&cache->lock);
    unmap_entry(e);
}

static void unpin(struct mxfs_cache *cache, struct mxfs_cache_block *block, bool retire)
{
    struct entry *e = (struct entry *)block;

    pthread_mutex_lock(&cache->lock);
    assert(e->state == READY && e->pins > 0);
    e->retired |= retire;
    if (--e->pins == 0) {
        (e->retired ? list_prepend : list_append)(cache, e);
        pthread_cond_broadcast(&cache->room);
    }
    pthread_mutex_unlock(&cache->lock);
}

void mxfs_cache_release(struct mxfs_cache *cache, struct mxfs_cache_block *block)
{
    unpin(cache, block, false);
}

void mxfs_cache_retire(struct mxfs_cache *cache, struct mxfs_cache_block *block)
{
    unpin(cache, block, true);
}
