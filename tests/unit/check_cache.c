/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The block cache: hits, bounds, order of eviction, waiting, and many threads at once.
 */
#include "mxfs/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "support/suite.h"

enum { KIB = 1024, PAGE = 4096 };

static struct mxfs_cache *new_cache(size_t bytes)
{
    struct mxfs_cache *c;
    ck_assert_int_eq(mxfs_cache_new(&c, bytes, bytes), 0);
    return c;
}

/* Pins a block; fills it with `fill` if it is new. Returns whether it was new. */
static bool take(struct mxfs_cache *c, uint64_t index, size_t size, uint8_t fill,
                 struct mxfs_cache_block **out)
{
    struct mxfs_cache_key key = {7, index};

    ck_assert_int_eq(mxfs_cache_acquire(c, key, size, out), 0);
    if ((*out)->ready)
        return false;
    memset((*out)->data, fill, size);
    mxfs_cache_publish(c, *out);
    return true;
}

static bool touch(struct mxfs_cache *c, uint64_t index, size_t size)
{
    struct mxfs_cache_block *b;
    bool fresh = take(c, index, size, (uint8_t)index, &b);

    ck_assert_uint_eq(b->size, size);
    for (size_t i = 0; i < size; i += 61)
        ck_assert_uint_eq(b->data[i], (uint8_t)index);
    mxfs_cache_release(c, b);
    return fresh;
}

static void check_stats(struct mxfs_cache *c, uint64_t hits, uint64_t misses, uint64_t bytes)
{
    struct mxfs_cache_stats s;

    mxfs_cache_stats(c, &s);
    ck_assert_uint_eq(s.hits, hits);
    ck_assert_uint_eq(s.misses, misses);
    ck_assert_uint_eq(s.bytes, bytes);
    ck_assert_uint_eq(s.limit, 64 * KIB);
}

START_TEST(statistics)
{
    struct mxfs_cache *c = new_cache(64 * KIB);
    struct mxfs_cache_block *b;

    check_stats(c, 0, 0, 0);
    touch(c, 1, 1000);
    check_stats(c, 0, 1, PAGE);
    touch(c, 1, 1000);
    touch(c, 2, PAGE + 1);
    check_stats(c, 1, 2, 3 * PAGE);
    /* A block loaded ahead is not a miss, and its first reader has a hit. */
    ck_assert_int_eq(mxfs_cache_reserve(c, (struct mxfs_cache_key){7, 3}, 1, &b), 0);
    b->data[0] = 3;
    mxfs_cache_publish(c, b);
    mxfs_cache_release(c, b);
    check_stats(c, 1, 2, 4 * PAGE);
    touch(c, 3, 1);
    check_stats(c, 2, 2, 4 * PAGE);
    ck_assert_int_eq(mxfs_cache_acquire(c, (struct mxfs_cache_key){7, 4}, 1, &b), 0);
    mxfs_cache_abandon(c, b);
    check_stats(c, 2, 3, 4 * PAGE);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(hits)
{
    struct mxfs_cache *c = new_cache(64 * KIB);
    ck_assert(touch(c, 1, 1000));
    ck_assert(!touch(c, 1, 1000));
    ck_assert(touch(c, 2, 1));
    ck_assert(!touch(c, 2, 1));
    ck_assert(!touch(c, 1, 1000));
    mxfs_cache_free(c);
}
END_TEST

START_TEST(owners_are_told_apart)
{
    struct mxfs_cache *c = new_cache(64 * KIB);
    struct mxfs_cache_block *a, *b;
    ck_assert_int_eq(mxfs_cache_acquire(c, (struct mxfs_cache_key){1, 0}, 10, &a), 0);
    mxfs_cache_publish(c, a);
    mxfs_cache_release(c, a);
    ck_assert_int_eq(mxfs_cache_acquire(c, (struct mxfs_cache_key){2, 0}, 10, &b), 0);
    ck_assert(!b->ready);
    mxfs_cache_abandon(c, b);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(oldest_goes_first)
{
    struct mxfs_cache *c = new_cache(4 * PAGE);
    for (uint64_t i = 0; i < 4; i++)
        ck_assert(touch(c, i, PAGE));
    ck_assert(!touch(c, 0, PAGE)); /* 1 is the oldest now */
    ck_assert(touch(c, 4, PAGE));
    ck_assert(!touch(c, 0, PAGE));
    ck_assert(!touch(c, 2, PAGE));
    ck_assert(touch(c, 1, PAGE)); /* was evicted */
    mxfs_cache_free(c);
}
END_TEST

START_TEST(one_large_block_drops_many)
{
    struct mxfs_cache *c = new_cache(4 * PAGE);
    for (uint64_t i = 0; i < 4; i++)
        touch(c, i, PAGE);
    ck_assert(touch(c, 9, 3 * PAGE));
    ck_assert(!touch(c, 3, PAGE));
    ck_assert(touch(c, 0, PAGE));
    mxfs_cache_free(c);
}
END_TEST

START_TEST(too_large_is_refused)
{
    struct mxfs_cache *c = new_cache(4 * PAGE);
    struct mxfs_cache_block *b;
    ck_assert_int_eq(mxfs_cache_acquire(c, (struct mxfs_cache_key){1, 1}, 4 * PAGE + 1, &b),
                     -E2BIG);
    ck_assert_ptr_null(b);
    ck_assert(touch(c, 1, 4 * PAGE));
    mxfs_cache_free(c);
}
END_TEST

START_TEST(abandoned_is_forgotten)
{
    struct mxfs_cache *c = new_cache(4 * PAGE);
    struct mxfs_cache_block *b;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(mxfs_cache_acquire(c, (struct mxfs_cache_key){7, 1}, 4 * PAGE, &b), 0);
        ck_assert(!b->ready);
        mxfs_cache_abandon(c, b);
    }
    ck_assert(touch(c, 1, 4 * PAGE));
    mxfs_cache_free(c);
}
END_TEST

/* A thread that waits for a block that another thread fills, or for the space that it takes. */
struct waiter {
    struct mxfs_cache *cache;
    uint64_t index;
    atomic_bool started, done;
    bool fresh;
};

static void *wait_for_block(void *arg)
{
    struct waiter *w = arg;
    atomic_store(&w->started, true);
    w->fresh = touch(w->cache, w->index, 3 * PAGE);
    atomic_store(&w->done, true);
    return NULL;
}

static void start_waiter(struct waiter *w, pthread_t *thread)
{
    ck_assert_int_eq(pthread_create(thread, NULL, wait_for_block, w), 0);
    while (!atomic_load(&w->started))
        sched_yield();
    /* It must not finish, however long we wait. */
    for (int i = 0; i < 1000; i++)
        sched_yield();
    ck_assert(!atomic_load(&w->done));
}

START_TEST(second_reader_waits_for_the_first)
{
    struct mxfs_cache *c = new_cache(8 * PAGE);
    struct waiter w = {.cache = c, .index = 5};
    struct mxfs_cache_block *b;
    pthread_t thread;

    ck_assert_int_eq(mxfs_cache_acquire(c, (struct mxfs_cache_key){7, 5}, 3 * PAGE, &b), 0);
    start_waiter(&w, &thread);
    memset(b->data, 5, 3 * PAGE);
    mxfs_cache_publish(c, b);
    pthread_join(thread, NULL);
    ck_assert(!w.fresh);
    mxfs_cache_release(c, b);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(waiter_fills_what_was_abandoned)
{
    struct mxfs_cache *c = new_cache(8 * PAGE);
    struct waiter w = {.cache = c, .index = 5};
    struct mxfs_cache_block *b;
    pthread_t thread;

    ck_assert_int_eq(mxfs_cache_acquire(c, (struct mxfs_cache_key){7, 5}, 3 * PAGE, &b), 0);
    start_waiter(&w, &thread);
    mxfs_cache_abandon(c, b);
    pthread_join(thread, NULL);
    ck_assert(w.fresh);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(waits_for_room)
{
    struct mxfs_cache *c = new_cache(4 * PAGE);
    struct waiter w = {.cache = c, .index = 6};
    struct mxfs_cache_block *b;
    pthread_t thread;

    take(c, 5, 3 * PAGE, 5, &b);
    start_waiter(&w, &thread);
    mxfs_cache_release(c, b);
    pthread_join(thread, NULL);
    ck_assert(w.fresh);
    mxfs_cache_free(c);
}
END_TEST

static void *hammer(void *arg)
{
    struct mxfs_cache *c = arg;
    unsigned state = (unsigned)(uintptr_t)&state >> 4;

    for (int i = 0; i < 4000; i++) {
        state = state * 1103515245 + 12345;
        uint64_t index = state >> 16 & 15;
        size_t pages = index % 3 + 1;
        struct mxfs_cache_block *b;
        if (mxfs_cache_acquire(c, (struct mxfs_cache_key){7, index}, pages * PAGE, &b) != 0)
            return (void *)1;
        if (!b->ready) {
            memset(b->data, (int)index, pages * PAGE);
            if (state & 1024) {
                mxfs_cache_abandon(c, b);
                continue;
            }
            mxfs_cache_publish(c, b);
        }
        if (b->data[0] != index || b->data[pages * PAGE - 1] != index)
            return (void *)2;
        mxfs_cache_release(c, b);
    }
    return NULL;
}

START_TEST(many_threads)
{
    struct mxfs_cache *c = new_cache(5 * PAGE);
    pthread_t threads[8];
    void *result;

    for (size_t i = 0; i < MXFS_COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, c), 0);
    for (size_t i = 0; i < MXFS_COUNT(threads); i++) {
        pthread_join(threads[i], &result);
        ck_assert_ptr_null(result);
    }
    mxfs_cache_free(c);
}
END_TEST

/* Reserves a block ahead and fills it. */
static int ahead(struct mxfs_cache *c, uint64_t index, size_t size)
{
    struct mxfs_cache_block *b;
    int rc = mxfs_cache_reserve(c, (struct mxfs_cache_key){7, index}, size, &b);

    if (rc != 0) {
        ck_assert_ptr_null(b);
        return rc;
    }
    memset(b->data, (int)index, size);
    mxfs_cache_publish(c, b);
    mxfs_cache_release(c, b);
    return 0;
}

START_TEST(reserved_blocks_are_found)
{
    struct mxfs_cache *c = new_cache(8 * PAGE);
    ck_assert_int_eq(ahead(c, 1, PAGE), 0);
    ck_assert_int_eq(ahead(c, 1, PAGE), -EEXIST);
    ck_assert(!touch(c, 1, PAGE));
    mxfs_cache_free(c);
}
END_TEST

START_TEST(reserved_bytes_are_bounded)
{
    struct mxfs_cache *c;
    ck_assert_int_eq(mxfs_cache_new(&c, 8 * PAGE, 5 * PAGE), 0);
    for (uint64_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(mxfs_cache_spare(c), (5 - i) * PAGE);
        ck_assert_int_eq(ahead(c, i, PAGE), 0);
    }
    ck_assert_int_eq(ahead(c, 5, PAGE), -EAGAIN);
    ck_assert(!touch(c, 2, PAGE)); /* acquired: leaves room for one more */
    ck_assert_int_eq(ahead(c, 5, PAGE), 0);
    ck_assert_int_eq(ahead(c, 6, PAGE), -EAGAIN);
    for (uint64_t i = 10; i < 18; i++) /* readers evict the others, which then no longer count */
        ck_assert(touch(c, i, PAGE));
    ck_assert_uint_eq(mxfs_cache_spare(c), 5 * PAGE);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(reserving_does_not_wait_for_room)
{
    struct mxfs_cache *c = new_cache(2 * PAGE);
    struct mxfs_cache_block *a, *b, *none;
    take(c, 1, PAGE, 1, &a);
    take(c, 2, PAGE, 2, &b);
    ck_assert_int_eq(mxfs_cache_reserve(c, (struct mxfs_cache_key){7, 3}, PAGE, &none), -EAGAIN);
    mxfs_cache_release(c, a);
    mxfs_cache_release(c, b);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(abandoned_reservations_are_given_back)
{
    struct mxfs_cache *c = new_cache(8 * PAGE);
    struct mxfs_cache_block *b;
    ck_assert_int_eq(mxfs_cache_reserve(c, (struct mxfs_cache_key){7, 1}, PAGE, &b), 0);
    mxfs_cache_abandon(c, b);
    ck_assert_uint_eq(mxfs_cache_spare(c), 8 * PAGE);
    ck_assert(touch(c, 1, PAGE));
    mxfs_cache_free(c);
}
END_TEST

START_TEST(retired_goes_first)
{
    struct mxfs_cache *c = new_cache(4 * PAGE);
    struct mxfs_cache_block *b;
    for (uint64_t i = 0; i < 3; i++)
        ck_assert(touch(c, i, PAGE));
    ck_assert(take(c, 3, PAGE, 3, &b));
    mxfs_cache_retire(c, b);
    ck_assert(touch(c, 4, PAGE));
    for (uint64_t i = 0; i < 3; i++)
        ck_assert(!touch(c, i, PAGE));
    ck_assert(touch(c, 3, PAGE));
    mxfs_cache_free(c);
}
END_TEST

START_TEST(retired_comes_back_when_used)
{
    struct mxfs_cache *c = new_cache(2 * PAGE);
    struct mxfs_cache_block *b;
    ck_assert(touch(c, 1, PAGE));
    ck_assert(take(c, 2, PAGE, 2, &b));
    mxfs_cache_retire(c, b);
    ck_assert(!touch(c, 2, PAGE));
    ck_assert(touch(c, 3, PAGE)); /* in the place of 1 */
    ck_assert(!touch(c, 2, PAGE));
    mxfs_cache_free(c);
}
END_TEST

START_TEST(retired_memory_serves_again)
{
    struct mxfs_cache *c = new_cache(4 * PAGE);
    struct mxfs_cache_block *a, *b;
    ck_assert(take(c, 1, PAGE, 1, &a));
    const uint8_t *memory = a->data;
    mxfs_cache_retire(c, a);
    ck_assert(take(c, 2, PAGE, 2, &b));
    ck_assert_ptr_eq(b->data, memory);
    mxfs_cache_release(c, b);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(use_is_counted_anew)
{
    struct mxfs_cache *c = new_cache(PAGE);
    struct mxfs_cache_block *b;
    ck_assert(take(c, 1, PAGE, 1, &b));
    atomic_fetch_add(&b->used, 5);
    ck_assert_uint_eq(mxfs_cache_used(c, (struct mxfs_cache_key){7, 1}), 5);
    mxfs_cache_release(c, b);
    ck_assert(take(c, 2, PAGE, 2, &b));
    ck_assert_uint_eq(atomic_load(&b->used), 0);
    mxfs_cache_release(c, b);
    ck_assert_uint_eq(mxfs_cache_used(c, (struct mxfs_cache_key){7, 1}), 0);
    mxfs_cache_free(c);
}
END_TEST

START_TEST(free_accepts_null)
{
    mxfs_cache_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache");
    TCase *tcase = tcase_create("cache");

    tcase_add_test(tcase, statistics);
    tcase_add_test(tcase, hits);
    tcase_add_test(tcase, owners_are_told_apart);
    tcase_add_test(tcase, oldest_goes_first);
    tcase_add_test(tcase, one_large_block_drops_many);
    tcase_add_test(tcase, too_large_is_refused);
    tcase_add_test(tcase, abandoned_is_forgotten);
    tcase_add_test(tcase, second_reader_waits_for_the_first);
    tcase_add_test(tcase, waiter_fills_what_was_abandoned);
    tcase_add_test(tcase, waits_for_room);
    tcase_add_test(tcase, many_threads);
    tcase_add_test(tcase, reserved_blocks_are_found);
    tcase_add_test(tcase, reserved_bytes_are_bounded);
    tcase_add_test(tcase, reserving_does_not_wait_for_room);
    tcase_add_test(tcase, abandoned_reservations_are_given_back);
    tcase_add_test(tcase, retired_goes_first);
    tcase_add_test(tcase, retired_comes_back_when_used);
    tcase_add_test(tcase, retired_memory_serves_again);
    tcase_add_test(tcase, use_is_counted_anew);
    tcase_add_test(tcase, free_accepts_null);
    suite_add_tcase(suite, tcase);
    return test_run(suite);
}
