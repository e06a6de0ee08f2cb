/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Groups by unit: their packed units are loaded into the cache and decoded from there.
 *
 * What costs is a pass over a matrix: its rows must be read whole (their strips lie closer than
 * system calls are cheap), however little of them is wanted. So a reader that finds its unit
 * missing loads that one alone, to be answered soon, and whoever has read a quarter of a unit has
 * the next ones loaded behind its back, as many of a matrix in one pass as the cache has room for.
 * Nobody's access pattern need be guessed from the order of requests, which the kernel mixes:
 * random reads seldom use up a quarter of a unit. Where look-ahead comes too late, the pass that a
 * reader waits for takes the next units along, if it was such a quarter that led there.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "decode.h"
#include "mxfs/bytes.h"

enum {
    /* Bytes of rows read at a time: they are turned over while they lie in L2. */
    LOAD_CHUNK = 128 << 10,
    /* Strips with more than this between them are read one by one: a system call costs as much as
     * copying some kilobytes, and the page cache holds whole pages anyway. */
    GAP = 8 << 10,
    /* Units that one pass loads, at most; fewer where it saves no reading. */
    PASS_MAX = 64,
    PASS_SPARSE = 8,
    /* How many units ahead of the reader the first missing one may lie. */
    DEPTH = 2,
    /* A unit is being used up when a part of 1 / EARLY of it was read. */
    EARLY = 4,
    /* A pass reserves a part of 1 / SHARE of what may be reserved, since others look ahead as well,
     * but PASS_LEAST units, since it reads all rows for few units as for many; where there is no
     * room for these, it is better made later. */
    SHARE = 2,
    PASS_LEAST = 3,
    /* Of a slow source, so many bytes are asked for ahead. */
    WINDOW = 16 << 20,
    /* A source is slow when a pass gets less than so many bytes a microsecond from it and had to
     * wait; from the page cache it is 4000 to 8000, and less without waiting where the processors
     * are busy. It counts as slow for some passes more, as the look-ahead that this causes makes
     * passes fast. */
    SLOW = 1000,
    SLOW_WAITS = 4,
    SLOW_PASSES = 16,
};

/* Units of one matrix that are loaded together. */
struct pass {
    const struct mxfs_vfile_env *env;
    struct mxfs_scratch *scratch;
    struct mxfs_model *model;
    const struct mxfs_group *group;
    struct mxfs_unit unit[PASS_MAX]; /* ascending */
    struct mxfs_block *block[PASS_MAX];
    unsigned count;
    const struct mxfs_tensor *failed;
};

/* What of a part is read for all units of a pass. */
struct rows {
    struct mxfs_strips strips;
    bool sparse;     /* strip by strip */
    uint64_t stride; /* from one to the next in scratch memory */
};

static void find_rows(const struct pass *p, unsigned part, struct rows *r)
{
    struct mxfs_strips last;

    p->group->scheme->strips(&p->unit[0], part, &r->strips);
    p->group->scheme->strips(&p->unit[p->count - 1], part, &last);
    r->strips.width = last.offset - r->strips.offset + last.width;
    r->sparse = r->strips.stride > r->strips.width + GAP;
    r->stride = r->sparse ? r->strips.width : r->strips.stride;
}

/* Reads rows [row, row + rows) into scratch memory. */
static int read_rows(struct pass *p, unsigned part, const struct rows *r, uint64_t row,
                     uint64_t rows)
{
    const struct mxfs_strips *s = &r->strips;
    uint64_t offset = s->offset + row * s->stride;
    uint64_t reads = r->sparse ? rows : 1;
    size_t len = r->sparse ? s->width : (rows - 1) * s->stride + s->width;
    int rc = 0;

    for (uint64_t i = 0; i < reads && rc == 0; i++)
        rc = mxfs_fetch_part(p->scratch, p->model, p->group->part[part],
                             p->scratch->data + i * r->stride, len, offset + i * s->stride,
                             &p->failed);
    return rc;
}

static void pack_rows(struct pass *p, unsigned part, const struct rows *r, uint64_t row,
                      uint64_t count)
{
    const struct mxfs_scheme *scheme = p->group->scheme;
    struct mxfs_strips s;

    for (unsigned i = 0; i < p->count; i++) {
        scheme->strips(&p->unit[i], part, &s);
        const struct mxfs_rows rows = {
            .part = part,
            .first = row,
            .count = count,
            .src = p->scratch->data + (s.offset - r->strips.offset),
            .stride = r->stride,
        };
        scheme->pack(&p->unit[i], &p->env->codec, &rows, p->block[i]->data);
    }
}

static int load_part(struct pass *p, unsigned part)
{
    struct rows r;

    find_rows(p, part, &r);
    /* Whole cache lines of the packed rows are written when rows come in multiples of 64. */
    uint64_t step = mxfs_max_u64(LOAD_CHUNK / mxfs_max_u64(r.stride, 1) / 64 * 64, 64);
    int rc = mxfs_scratch_reserve(p->scratch, mxfs_min_u64(step, r.strips.rows) * r.stride);
    for (uint64_t row = 0; row < r.strips.rows && rc == 0; row += step) {
        uint64_t rows = mxfs_min_u64(step, r.strips.rows - row);
        rc = read_rows(p, part, &r, row, rows);
        if (rc == 0)
            pack_rows(p, part, &r, row, rows);
    }
    return rc;
}

/* How often this thread has waited for something, not counting being preempted. */
static long waits(void)
{
    struct rusage u;
    getrusage(RUSAGE_THREAD, &u);
    return u.ru_nvcsw;
}

/* Has the system read the rows of the matrix that holds `element`. */
static void announce(struct pass *p, uint64_t element)
{
    const struct mxfs_group *g = p->group;
    struct mxfs_unit unit;
    struct mxfs_strips s;

    if (element >= g->elements)
        return;
    g->scheme->unit_at(g, element, &unit);
    for (unsigned i = 0; i < g->parts; i++) {
        g->scheme->strips(&unit, i, &s);
        if (s.rows > 0 && s.stride <= s.width + GAP)
            mxfs_source_will_need(&p->model->shards[g->part[i]->shard].source,
                                  g->part[i]->offset + s.offset,
                                  mxfs_min_u64((s.rows - 1) * s.stride + s.width, WINDOW));
    }
}

/*
 * A slow source must have its next order before it has delivered the last: while this matrix is
 * decoded, it reads the next.
 */
static void announce_slow(struct pass *p, struct mxfs_source *src)
{
    uint64_t matrix = mxfs_scheme_matrix(p->group);
    unsigned left = atomic_load_explicit(&src->slow, memory_order_relaxed);

    if (left == 0 || matrix == 0)
        return;
    atomic_store_explicit(&src->slow, left - 1, memory_order_relaxed);
    announce(p, p->unit[0].first);
    announce(p, (p->unit[0].first / matrix + 1) * matrix);
}

/* Fills the blocks of a pass. */
static int load(struct pass *p)
{
    struct mxfs_source *src = &p->model->shards[p->group->part[0]->shard].source;
    uint64_t start = mxfs_clock_ns(), took, bytes;
    long waited = waits();
    struct rows r;
    int rc = 0;

    announce_slow(p, src);
    for (unsigned i = 0; i < p->group->parts && rc == 0; i++)
        rc = load_part(p, i);
    if (rc == 0)
        rc = mxfs_check_parts(p->model, p->group, &p->failed);
    took = mxfs_clock_ns() - start;
    p->scratch->tally.load_ns += took;
    p->scratch->tally.units += rc == 0 ? p->count : 0;
    find_rows(p, 0, &r);
    bytes = r.strips.rows * r.stride;
    if (waits() - waited < SLOW_WAITS || (!r.sparse && bytes / SLOW > took / 1000))
        return rc;
    atomic_store_explicit(&src->slow, SLOW_PASSES, memory_order_relaxed);
    return rc;
}

static void finish(struct pass *p, int rc)
{
    for (unsigned i = 0; i < p->count; i++) {
        if (rc == 0)
            mxfs_cache_publish(p->env->cache, p->block[i]);
        else
            mxfs_cache_abandon(p->env->cache, p->block[i]);
    }
}

static struct mxfs_cache_key key_of(const struct mxfs_group *group, const struct mxfs_unit *unit)
{
    return (struct mxfs_cache_key){(uintptr_t)group, unit->index};
}

/* Whether a unit lies beside the first of the pass, in the same rows. */
static bool is_beside(const struct pass *p, const struct mxfs_unit *unit)
{
    struct mxfs_strips first, s;

    p->group->scheme->strips(&p->unit[0], 0, &first);
    p->group->scheme->strips(unit, 0, &s);
    return s.offset > first.offset && s.offset + s.width <= first.offset + first.stride;
}

/* Whether one more unit would not spare any reading. */
static bool is_full(const struct pass *p)
{
    struct rows r;

    if (p->count < PASS_SPARSE)
        return false;
    find_rows(p, 0, &r);
    return r.sparse || p->count == PASS_MAX;
}

/*
 * Reserves the first unit from `element` on that is missing, where the pass has none yet, and those
 * that follow beside it.
 */
static void gather(struct pass *p, uint64_t element)
{
    const struct mxfs_group *g = p->group;
    size_t spare = mxfs_cache_spare(p->env->cache), share = spare / SHARE;

    for (unsigned skipped = 0; element < g->elements && !is_full(p);) {
        struct mxfs_unit *unit = &p->unit[p->count];
        g->scheme->unit_at(g, element, unit);
        if (p->count == 0 && spare < mxfs_min_u64(PASS_LEAST * unit->bytes, p->env->cache_size / 2))
            return;
        if (p->count < PASS_LEAST)
            share = mxfs_max_u64(share, unit->bytes);
        element = unit->first + unit->count;
        if (p->count > 0 && (unit->bytes > share || !is_beside(p, unit)))
            return;
        int rc =
            mxfs_cache_reserve(p->env->cache, key_of(g, unit), unit->bytes, &p->block[p->count]);
        if (rc == -EEXIST && p->count == 0 && ++skipped < DEPTH)
            continue;
        if (rc != 0)
            return;
        p->count++;
        share -= mxfs_min_u64(share, unit->bytes);
    }
}

/* Output bytes of a unit after which it counts as being used up. */
static uint64_t mark_of(const struct mxfs_group *group, const struct mxfs_unit *unit)
{
    return unit->count * mxfs_out_size(group->out) / EARLY;
}

/* Whether the unit before this one is being used up. */
static bool is_walked_into(const struct pass *p, const struct mxfs_unit *unit)
{
    struct mxfs_unit before;

    if (unit->first == 0)
        return false;
    p->group->scheme->unit_at(p->group, unit->first - 1, &before);
    return mxfs_cache_used(p->env->cache, key_of(p->group, &before)) > mark_of(p->group, &before);
}

static void start(struct pass *p, const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                  struct mxfs_model *model, const struct mxfs_group *group)
{
    p->env = env;
    p->scratch = scratch;
    p->model = model;
    p->group = group;
    p->count = 0;
    p->failed = group->part[0];
}

/* Loads a unit that the caller has acquired. `more`: it will want the next one as well. */
static int load_acquired(struct pass *p, const struct mxfs_unit *unit, struct mxfs_block *block,
                         bool more)
{
    p->unit[0] = *unit;
    p->block[0] = block;
    p->count = 1;
    if (more || is_walked_into(p, unit))
        gather(p, unit->first + unit->count);
    int rc = load(p);
    finish(p, rc);
    for (unsigned i = 1; i < p->count && rc == 0; i++)
        mxfs_cache_release(p->env->cache, p->block[i]);
    return rc;
}

/* Pins the unit, loading it when no other thread has. */
static int acquire_unit(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                        struct mxfs_model *model, const struct mxfs_group *group,
                        const struct mxfs_unit *unit, bool more, struct mxfs_block **block,
                        const struct mxfs_tensor **failed)
{
    int rc = mxfs_cache_acquire(env->cache, key_of(group, unit), unit->bytes, block);

    if (rc != 0 || (*block)->ready)
        return rc;
    struct pass p;
    start(&p, env, scratch, model, group);
    rc = load_acquired(&p, unit, *block, more);
    *failed = p.failed;
    return rc;
}

void mxfs_vfile_look_ahead(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch)
{
    struct pass p;

    if (!mxfs_vfile_has_ahead(scratch))
        return;
    start(&p, env, scratch, scratch->ahead.model, scratch->ahead.group);
    gather(&p, scratch->ahead.element);
    scratch->ahead.group = NULL;
    if (p.count == 0)
        return;
    int rc = load(&p);
    finish(&p, rc);
    for (unsigned i = 0; i < p.count && rc == 0; i++)
        mxfs_cache_release(env->cache, p.block[i]);
}

/* Counts what was read of a unit and lets it go; who passes the mark sees to the next ones. */
static void release_unit(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                         struct mxfs_model *model, const struct mxfs_group *group,
                         const struct mxfs_unit *unit, struct mxfs_block *block, uint64_t bytes)
{
    uint64_t mark = mark_of(group, unit), all = unit->count * mxfs_out_size(group->out);
    uint64_t before = atomic_fetch_add_explicit(&block->used, bytes, memory_order_relaxed);

    if (before <= mark && before + bytes > mark)
        scratch->ahead = (struct mxfs_ahead){model, group, unit->first + unit->count};
    /* Only once: what is read again after that is kept as anything else is. */
    if (before < all && before + bytes >= all)
        mxfs_cache_retire(env->cache, block);
    else
        mxfs_cache_release(env->cache, block);
}

/* Unpacks bytes [offset, offset + len) of the output; ends need not be whole elements. */
static void unpack_bytes(const struct mxfs_codec *codec, const struct mxfs_group *group,
                         const struct mxfs_unit *unit, const uint8_t *packed, uint64_t offset,
                         size_t len, uint8_t *dst)
{
    size_t size = mxfs_out_size(group->out);
    uint64_t first = offset / size;
    size_t skip = offset % size;
    uint8_t element[4];

    if (skip != 0) {
        size_t n = mxfs_min_u64(size - skip, len);
        group->scheme->unpack(unit, codec, packed, first++, 1, element);
        memcpy(dst, element + skip, n);
        dst += n;
        len -= n;
    }
    uint64_t whole = len / size;
    group->scheme->unpack(unit, codec, packed, first, whole, dst);
    if (len % size != 0) {
        group->scheme->unpack(unit, codec, packed, first + whole, 1, element);
        memcpy(dst + whole * size, element, len % size);
    }
}

int mxfs_unit_range(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                    struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                    size_t len, uint64_t offset, const struct mxfs_tensor **failed)
{
    size_t size = mxfs_out_size(group->out), whole = len;

    while (len > 0) {
        struct mxfs_unit unit;
        struct mxfs_block *block;
        group->scheme->unit_at(group, offset / size, &unit);
        size_t n = mxfs_min_u64(len, (unit.first + unit.count) * size - offset);
        *failed = group->part[0];
        int rc = acquire_unit(env, scratch, model, group, &unit, n < whole, &block, failed);
        if (rc != 0)
            return rc;
        uint64_t start = mxfs_clock_ns();
        unpack_bytes(&env->codec, group, &unit, block->data, offset, n, buf);
        scratch->tally.decode_ns += mxfs_clock_ns() - start;
        release_unit(env, scratch, model, group, &unit, block, n);
        buf += n;
        offset += n;
        len -= n;
    }
    return 0;
}
