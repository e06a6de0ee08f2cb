/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The pool: every item once, deliveries in order, and the first failure stops it, with any number
 * of workers and items.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "mxfs/compiler.h"
#include "mxfs/pool.h"
#include "support/suite.h"

enum { ITEMS_MAX = 1000, WORKERS_MAX = 33 };

static const unsigned worker_counts[] = {1, 2, 3, 8, WORKERS_MAX};
static const uint64_t item_counts[] = {0, 1, 2, 7, ITEMS_MAX};

/* Shared by the functions of a job. */
struct state {
    atomic_uint done[ITEMS_MAX]; /* how often each item was done */
    atomic_int busy[WORKERS_MAX];
    uint64_t delivered; /* deliveries never overlap, so it is not atomic: TSan would report it */
    unsigned ticks;
    uint64_t fail_at;      /* work() fails for this item */
    uint64_t undelivered;  /* deliver() fails for this one */
    unsigned fail_at_tick; /* tick() fails for this one */
    atomic_bool broken;    /* set when an invariant is violated */
};

static int work(void *data, unsigned worker, uint64_t item)
{
    struct state *s = data;

    if (atomic_exchange(&s->busy[worker], 1) != 0)
        atomic_store(&s->broken, true); /* two threads have the same number */
    atomic_fetch_add(&s->done[item], 1);
    atomic_store(&s->busy[worker], 0);
    return item == s->fail_at ? -EXDEV : 0;
}

static int deliver(void *data, unsigned worker, uint64_t item)
{
    struct state *s = data;

    (void)worker;
    if (s->delivered++ != item || atomic_load(&s->done[item]) != 1)
        atomic_store(&s->broken, true);
    return item == s->undelivered ? -EPIPE : 0;
}

static int tick(void *data)
{
    struct state *s = data;
    return ++s->ticks == s->fail_at_tick ? -EINTR : 0;
}

static struct state *new_state(void)
{
    struct state *s = calloc(1, sizeof(*s));
    ck_assert_ptr_nonnull(s);
    s->fail_at = s->undelivered = UINT64_MAX;
    return s;
}

START_TEST(every_item_once)
{
    for (size_t i = 0; i < MXFS_COUNT(worker_counts) * MXFS_COUNT(item_counts) * 2; i++) {
        bool ordered = i % 2;
        uint64_t items = item_counts[i / 2 % MXFS_COUNT(item_counts)];
        struct state *s = new_state();
        struct mxfs_pool_job job = {.workers = worker_counts[i / 2 / MXFS_COUNT(item_counts)],
                                    .items = items,
                                    .data = s,
                                    .work = work,
                                    .deliver = ordered ? deliver : NULL};
        ck_assert_int_eq(mxfs_pool_run(&job), 0);
        for (uint64_t k = 0; k < ITEMS_MAX; k++)
            ck_assert_uint_eq(atomic_load(&s->done[k]), k < items);
        ck_assert_uint_eq(s->delivered, ordered ? items : 0);
        ck_assert(!atomic_load(&s->broken));
        free(s);
    }
}
END_TEST

START_TEST(first_failure_ends_it)
{
    for (size_t i = 0; i < MXFS_COUNT(worker_counts) * 3; i++) {
        struct state *s = new_state();
        unsigned workers = worker_counts[i / 3];
        struct mxfs_pool_job job = {workers, ITEMS_MAX, s, work, i % 3 ? deliver : NULL, NULL};
        uint64_t *fails = i % 3 == 2 ? &s->undelivered : &s->fail_at;
        *fails = 100;
        ck_assert_int_eq(mxfs_pool_run(&job), i % 3 == 2 ? -EPIPE : -EXDEV);
        for (uint64_t k = 0; k <= 100; k++)
            ck_assert_uint_eq(atomic_load(&s->done[k]), 1);
        ck_assert_uint_le(s->delivered, 101);
        ck_assert(!atomic_load(&s->broken));
        free(s);
    }
}
END_TEST

/* Waits for the tick that stops the job, so that there is something to stop. */
static int wait_for_tick(void *data, unsigned worker, uint64_t item)
{
    struct state *s = data;

    (void)worker, (void)item;
    while (!atomic_load(&s->broken))
        sched_yield();
    return 0;
}

static int tick_and_stop(void *data)
{
    struct state *s = data;
    atomic_store(&s->broken, true);
    return tick(s);
}

START_TEST(tick_stops_it)
{
    struct state *s = new_state();
    struct mxfs_pool_job job = {2, UINT64_MAX, s, wait_for_tick, NULL, tick_and_stop};

    s->fail_at_tick = 1;
    ck_assert_int_eq(mxfs_pool_run(&job), -EINTR);
    ck_assert_uint_eq(s->ticks, 1);
    free(s);
}
END_TEST

static int signals_are_blocked(void *data, unsigned worker, uint64_t item)
{
    sigset_t set;

    (void)data, (void)worker, (void)item;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return sigismember(&set, SIGINT) && sigismember(&set, SIGTERM) ? 0 : -EPERM;
}

START_TEST(signals_go_to_the_caller)
{
    struct mxfs_pool_job job = {2, 10, NULL, signals_are_blocked, NULL, NULL};
    sigset_t set;

    ck_assert_int_eq(mxfs_pool_run(&job), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    ck_assert(!sigismember(&set, SIGINT));
}
END_TEST

START_TEST(processors)
{
    ck_assert_uint_ge(mxfs_pool_processors(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");

    tcase_add_test(tests, every_item_once);
    tcase_add_test(tests, first_failure_ends_it);
    tcase_add_test(tests, tick_stops_it);
    tcase_add_test(tests, signals_go_to_the_caller);
    tcase_add_test(tests, processors);
    suite_add_tcase(suite, tests);
    return test_run(suite);
}
