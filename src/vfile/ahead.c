/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The policy of look-ahead, for groups by unit.
 *
 * The expensive part is a pass over a matrix: its rows have to be read whole (their strips are
 * closer together than system calls are cheap), however little of them is wanted. So a reader that
 * finds its unit missing loads that unit alone and is answered soon. Once a quarter of a unit has
 * been read, the next units are loaded after the reply, as many of a matrix in one pass as the
 * cache has room for. There is no need to guess the access pattern from the order of requests,
 * which the kernel mixes up: random reads seldom use a quarter of a unit. Where look-ahead comes
 * too late, the pass that a reader waits for takes the next units along, if the unit before was
 * read that far.
 */
#include "ahead.h"

#include <errno.h>
#include <sys/resource.h>

#include "mxfs/bytes.h"

/*
 * Where these constants come from: the figures are of a gpt-oss of 141 MB in the page cache, read
 * on two Zen 4 processors as tests/bench/run.py does, unless they name another format. "Speed" is
 * that of a null filesystem = 1.
 */
enum {
    /*
     * Units that fit in the cache. With units of a quarter of the cache, more than four readers
     * evicted each other: 16 threads on one mapping had a speed of 0.05, and 0.6 with a 64th. A
     * 128th reads as fast as a 64th, and halves the fresh memory that a cold unit takes, whose page
     * faults cost more than decoding: the first byte of a cold expert takes 1.46 instead of 1.65
     * times as long as reading the expert. With a 32nd, 16 threads read 896 MB instead of 640; with
     * a 512th, four readers read 375 MB instead of 215.
     */
    UNITS_IN_CACHE = 128,
    /*
     * Eighths of the cache that may hold units before they are wanted. More means larger passes, so
     * fewer rows are read twice, but more memory: with four, 16 threads read 727 MB in 56 MiB of
     * memory, with five 640 MB in 64, with six 597 MB in 72. Six once had units dropped before they
     * were read, when these were larger.
     */
    AHEAD_EIGHTHS = 5,
    /*
     * One thread in this many may look ahead. Look-ahead waits for storage, and the other threads
     * have to stay free for requests that can be answered at once. If all may, 16 threads on one
     * mapping read 797 MB instead of 640; if none may, four readers wait for a unit 20 times
     * instead of 8.
     */
    THREADS_PER_AHEAD = 4,
    /*
     * The next units are loaded once a part of 1 / EARLY of a unit has been read. With a half or an
     * eighth it is the same; if all of a unit must be read first, look-ahead comes too late: a
     * single reader waits for 17 units instead of 1. Random reads seldom get that far before a unit
     * goes.
     */
    EARLY = 4,
    /*
     * How many units from there on are looked at for a missing one. A pass ends where the cache had
     * no more room, usually within a matrix, so the next unit is often there and the one after it
     * is not. With one, 16 threads read 558 MB instead of 640, with four 723 MB; time is the same.
     */
    DEPTH = 2,
    /*
     * A pass takes 1 / SHARE of what may still be reserved, since other readers look ahead too, but
     * PASS_LEAST units, since it reads all rows for few units as for many. Where there is no room
     * for these it is better made later. When there was no least, 16 threads had a speed of 0.46
     * instead of 0.54; with units as small as now, one or six make no difference. With a share of a
     * quarter, four readers read 306 MB instead of 211; with all, 193 MB, but a second reader may
     * find nothing left.
     */
    SHARE = 2,
    PASS_LEAST = 3,
    /*
     * Units in a pass that reads strip by strip, where each more adds the bytes that it would cost
     * alone and only saves system calls. GPTQ of 4 bits takes 170 ms of processor time with one
     * unit a pass, 110 with four, 95 with eight and 90 with sixteen, which hold twice the memory.
     */
    PASS_SPARSE = 8,
    /*
     * Bytes of a part that a slow source is asked for in advance: enough for the matrices of
     * gpt-oss, 9 MB each, and a bound on what one unit of a larger matrix can have read for
     * nothing. From a disk of 300 MB/s, gpt-oss takes a sixth longer with 4 MiB, and as long with
     * 64 MiB.
     */
    WINDOW = 16 << 20,
    /*
     * A source is slow when a pass had to wait SLOW_WAITS times and got less than SLOW bytes per
     * microsecond (1 GB/s) from it. The page cache gives 4000 to 8000, and less when the processors
     * are busy; but then the thread is preempted, which is not waiting. A few waits are for locks
     * and the first pages. Where rows are read strip by strip, the rate is that of system calls,
     * and waiting decides.
     */
    SLOW = 1000,
    SLOW_WAITS = 4,
    /*
     * Passes for which a source then counts as slow. What it is asked for in advance makes the next
     * passes fast, so a fast one must not end this; after sixteen of them the source is probably in
     * the page cache, and asking is wasted. If no source counts as slow, the same disk takes a
     * quarter longer; one or four passes were not clearly worse.
     */
    SLOW_PASSES = 16,
};

uint64_t mxfs_vfile_unit_max(uint64_t cache_size)
{
    return cache_size / UNITS_IN_CACHE;
}

unsigned mxfs_vfile_ahead_threads(unsigned threads)
{
    return threads / THREADS_PER_AHEAD;
}

size_t vfile_ahead_bytes(uint64_t cache_size)
{
    return cache_size / 8 * AHEAD_EIGHTHS;
}

/* Which units. */

/* Whether a unit comes from the same rows as the first of the pass, to the right of it. */
static bool is_in_rows(const struct vfile_pass *p, const struct mxfs_unit *unit)
{
    const struct mxfs_scheme *scheme = p->read->group->scheme;
    struct mxfs_strips first, s;

    scheme->strips(&p->unit[0], 0, &first);
    scheme->strips(unit, 0, &s);
    return s.offset > first.offset && s.offset + s.width <= first.offset + first.stride;
}

/* Whether one more unit would save no reading. */
static bool is_full(const struct vfile_pass *p)
{
    struct vfile_rows r;

    if (p->count < PASS_SPARSE)
        return false;
    vfile_pass_rows(p, 0, &r);
    return r.sparse || p->count == VFILE_PASS_MAX;
}

/* Reserves the unit at unit[count], which then belongs to the pass. */
static int reserve(struct vfile_pass *p)
{
    const struct mxfs_unit *unit = &p->unit[p->count];
    int rc = mxfs_cache_reserve(p->read->reader->env->cache, vfile_unit_key(unit), unit->bytes,
                                &p->block[p->count]);

    if (rc == 0)
        p->count++;
    return rc;
}

/*
 * Reserves the first missing unit from `element` on, if `spare` bytes are enough for a pass that is
 * worth it. Returns where the next unit begins.
 */
static uint64_t begin_pass(struct vfile_pass *p, uint64_t element, size_t spare)
{
    const struct mxfs_group *g = p->read->group;
    uint64_t half = p->read->reader->env->cache_size / 2;
    struct mxfs_unit *unit = &p->unit[0];
    int rc = -EEXIST;

    for (unsigned i = 0; i < DEPTH && rc == -EEXIST && element < g->elements; i++) {
        g->scheme->unit_at(g, element, unit);
        if (spare < mxfs_min_u64(PASS_LEAST * unit->bytes, half))
            break;
        rc = reserve(p);
        element = unit->first + unit->count;
    }
    return element;
}

void vfile_ahead_gather(struct vfile_pass *pass, uint64_t element)
{
    const struct mxfs_group *g = pass->read->group;
    size_t spare = mxfs_cache_spare(pass->read->reader->env->cache), share = spare / SHARE;

    if (pass->count == 0) {
        element = begin_pass(pass, element, spare);
        if (pass->count == 0)
            return;
        share -= mxfs_min_u64(share, pass->unit[0].bytes);
    }
    while (element < g->elements && !is_full(pass)) {
        struct mxfs_unit *unit = &pass->unit[pass->count];
        g->scheme->unit_at(g, element, unit);
        if (pass->count < PASS_LEAST)
            share = mxfs_max_u64(share, unit->bytes);
        if (unit->bytes > share || !is_in_rows(pass, unit) || reserve(pass) != 0)
            return;
        share -= unit->bytes;
        element = unit->first + unit->count;
    }
}

/* When. */

/* Output bytes of a unit after which the next ones are loaded. */
static uint64_t mark_of(const struct mxfs_unit *unit)
{
    return unit->count * mxfs_out_size(unit->group->out) / EARLY;
}

bool vfile_ahead_is_walk(const struct vfile_read *read, const struct mxfs_unit *unit)
{
    struct mxfs_unit before;

    if (unit->first == 0)
        return false;
    unit->group->scheme->unit_at(unit->group, unit->first - 1, &before);
    return mxfs_cache_used(read->reader->env->cache, vfile_unit_key(&before)) > mark_of(&before);
}

void vfile_ahead_note(const struct vfile_read *read, const struct mxfs_unit *unit, uint64_t before,
                      uint64_t after)
{
    uint64_t mark = mark_of(unit);

    if (before <= mark && after > mark)
        read->reader->hint =
            (struct mxfs_vfile_hint){read->model, read->group, unit->first + unit->count};
}

/* Slow sources. */

/* For how many more passes the source of the main part counts as slow. */
static atomic_uint *slow_passes(const struct vfile_read *read)
{
    const struct mxfs_source *source = mxfs_model_source(read->model, read->group->part[0]);
    uintptr_t number = (uintptr_t)source / sizeof(struct mxfs_shard); /* shards are an array */

    return &read->reader->env->ahead->slow[number % VFILE_AHEAD_SOURCES];
}

/* How often this thread has waited for something, not counting being preempted. */
static long waits_so_far(void)
{
    struct rusage u;

    getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

/* Has the system read the rows of the matrix that holds `element`. */
static void announce(const struct vfile_read *read, uint64_t element)
{
    const struct mxfs_group *g = read->group;
    struct mxfs_unit unit;
    struct mxfs_strips s;

    if (element >= g->elements)
        return;
    g->scheme->unit_at(g, element, &unit);
    for (unsigned i = 0; i < g->parts; i++) {
        g->scheme->strips(&unit, i, &s);
        if (s.rows > 0 && s.stride <= s.width + VFILE_GAP)
            mxfs_source_will_need(mxfs_model_source(read->model, g->part[i]),
                                  g->part[i]->offset + s.offset,
                                  mxfs_min_u64((s.rows - 1) * s.stride + s.width, WINDOW));
    }
}

/*
 * A slow source must have its next order before it has delivered the last: it reads the next matrix
 * while this one is decoded.
 */
static long begin(const struct vfile_pass *pass)
{
    const struct vfile_read *read = pass->read;
    uint64_t matrix = mxfs_scheme_matrix(read->group), first = pass->unit[0].first;
    atomic_uint *slow = slow_passes(read);
    unsigned left = atomic_load_explicit(slow, memory_order_relaxed);
    long waits = waits_so_far();

    if (left == 0 || matrix == 0)
        return waits;
    atomic_store_explicit(slow, left - 1, memory_order_relaxed);
    announce(read, first);
    announce(read, (first / matrix + 1) * matrix);
    return waits;
}

/* Judges a source by a pass that took `ns` nanoseconds. */
static void end(const struct vfile_pass *pass, long waits, uint64_t ns)
{
    struct vfile_rows r;

    if (waits_so_far() - waits < SLOW_WAITS)
        return;
    vfile_pass_rows(pass, 0, &r);
    if (!r.sparse && r.strips.rows * r.stride / SLOW > ns / 1000)
        return;
    atomic_store_explicit(slow_passes(pass->read), SLOW_PASSES, memory_order_relaxed);
}

int vfile_ahead_load(struct vfile_pass *pass, unsigned keep)
{
    uint64_t start = vfile_clock_ns();
    long waits = begin(pass);
    int rc = vfile_pass_load(pass, keep);

    end(pass, waits, vfile_clock_ns() - start);
    return rc;
}

void mxfs_vfile_look_ahead(struct mxfs_vfile_reader *reader)
{
    struct mxfs_vfile_hint hint = reader->hint;

    if (!hint.group)
        return;
    mxfs_vfile_drop_hint(reader);
    struct vfile_read read = vfile_read_of(reader, hint.model, hint.group);
    struct vfile_pass pass;
    pass.read = &read;
    pass.count = 0;
    vfile_ahead_gather(&pass, hint.element);
    if (pass.count > 0)
        vfile_ahead_load(&pass, 0);
}
