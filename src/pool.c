/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Worker threads: one lock guards the counters of started and delivered items.
 *
 * Items are megabytes in size, so the lock is hardly contended; items are processed and delivered
 * outside it.
 */
#include "mxfs/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 100 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };

/* A running job. */
struct run {
    const struct mxfs_pool_job *job;
    pthread_mutex_t lock; /* guards the fields below */
    pthread_cond_t turn;  /* `delivered` changed, or the job stops */
    pthread_cond_t done;  /* a worker ended */
    uint64_t next;        /* the next item to start */
    uint64_t delivered;   /* items delivered so far */
    unsigned running;     /* workers that have not ended */
    int failure;          /* the first one, or 0 */
};

/* A worker thread. */
struct worker {
    struct run *run;
    unsigned number; /* as passed to the functions of the job */
    pthread_t thread;
};

/* Records a failure, which stops the job. Called with the lock held. */
static void stop(struct run *r, int rc)
{
    if (rc == 0 || r->failure != 0)
        return;
    r->failure = rc;
    pthread_cond_broadcast(&r->turn);
}

/* Delivers an item in its turn. Called with the lock held, which is released meanwhile. */
static void deliver(struct run *r, unsigned number, uint64_t item)
{
    while (r->failure == 0 && r->delivered != item)
        pthread_cond_wait(&r->turn, &r->lock);
    if (r->failure != 0)
        return;
    pthread_mutex_unlock(&r->lock);
    int rc = r->job->deliver(r->job->data, number, item);
    pthread_mutex_lock(&r->lock);
    r->delivered++;
    pthread_cond_broadcast(&r->turn);
    stop(r, rc);
}

static void *work(void *data)
{
    struct worker *w = data;
    struct run *r = w->run;

    pthread_mutex_lock(&r->lock);
    while (r->failure == 0 && r->next < r->job->items) {
        uint64_t item = r->next++;
        pthread_mutex_unlock(&r->lock);
        int rc = r->job->work(r->job->data, w->number, item);
        pthread_mutex_lock(&r->lock);
        stop(r, rc);
        if (rc == 0 && r->job->deliver)
            deliver(r, w->number, item);
    }
    r->running--;
    pthread_cond_signal(&r->done);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/*
 * Starts the workers, with all signals blocked; stops at the first that cannot be created. Returns
 * how many were started.
 */
static unsigned start_workers(struct run *r, struct worker *workers)
{
    sigset_t all, before;
    unsigned n = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&r->lock);
    for (; n < r->job->workers && n < r->job->items; n++) {
        workers[n] = (struct worker){.run = r, .number = n};
        if (pthread_create(&workers[n].thread, NULL, work, &workers[n]) != 0)
            break;
    }
    r->running = n;
    pthread_mutex_unlock(&r->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

static struct timespec next_tick(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += TICK_NS;
    if (t.tv_nsec >= SECOND_NS) {
        t.tv_nsec -= SECOND_NS;
        t.tv_sec++;
    }
    return t;
}

static void watch(struct run *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->running > 0) {
        struct timespec until = next_tick();
        if (r->job->tick) {
            pthread_mutex_unlock(&r->lock);
            int rc = r->job->tick(r->job->data);
            pthread_mutex_lock(&r->lock);
            stop(r, rc);
        }
        while (r->running > 0 && pthread_cond_timedwait(&r->done, &r->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&r->lock);
}

static void init(struct run *r, const struct mxfs_pool_job *job)
{
    pthread_condattr_t monotonic;

    *r = (struct run){.job = job};
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->turn, NULL);
    pthread_cond_init(&r->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int mxfs_pool_run(const struct mxfs_pool_job *job)
{
    struct worker *workers = calloc(job->workers, sizeof(*workers));
    struct run r;

    if (!workers)
        return -ENOMEM;
    init(&r, job);
    unsigned n = start_workers(&r, workers);
    if (n == 0 && job->items > 0)
        r.failure = -EAGAIN;
    watch(&r);
    for (unsigned i = 0; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_cond_destroy(&r.done);
    pthread_cond_destroy(&r.turn);
    pthread_mutex_destroy(&r.lock);
    free(workers);
    return r.failure;
}

unsigned mxfs_pool_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (unsigned)CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}
