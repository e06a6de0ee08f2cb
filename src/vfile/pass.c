/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Loading units: rows are read a chunk at a time, and each unit packs its strips of them.
 */
#include "pass.h"

#include "mxfs/bytes.h"

/* Bytes of rows read at a time; they are transposed while they are in L2. */
enum { LOAD_CHUNK = 128 << 10 };

void vfile_pass_rows(const struct vfile_pass *pass, unsigned part, struct vfile_rows *rows)
{
    const struct mxfs_scheme *scheme = pass->read->group->scheme;
    struct mxfs_strips *all = &rows->strips, last;

    scheme->strips(&pass->unit[0], part, all);
    scheme->strips(&pass->unit[pass->count - 1], part, &last);
    all->width = last.offset - all->offset + last.width;
    rows->sparse = all->stride > all->width + VFILE_GAP;
    rows->stride = rows->sparse ? all->width : all->stride;
}

/* Reads rows [row, row + count) into the reader's memory. */
static int read_rows(struct vfile_pass *p, unsigned part, const struct vfile_rows *r, uint64_t row,
                     uint64_t count)
{
    const struct mxfs_strips *s = &r->strips;
    uint64_t reads = r->sparse ? count : 1, offset = s->offset + row * s->stride;
    size_t len = r->sparse ? s->width : (count - 1) * s->stride + s->width;
    uint8_t *to = p->read->reader->memory;
    int rc = 0;

    for (uint64_t i = 0; i < reads && rc == 0; i++)
        rc = vfile_fetch_part(p->read, part, to + i * r->stride, len, offset + i * s->stride);
    return rc;
}

/* Puts rows [row, row + count), as read, into all units. */
static void pack_rows(struct vfile_pass *p, unsigned part, const struct vfile_rows *r, uint64_t row,
                      uint64_t count)
{
    const struct mxfs_vfile_reader *reader = p->read->reader;
    const struct mxfs_scheme *scheme = p->read->group->scheme;
    struct mxfs_strips s;

    for (unsigned i = 0; i < p->count; i++) {
        scheme->strips(&p->unit[i], part, &s);
        const struct mxfs_rows rows = {
            .part = part,
            .first = row,
            .count = count,
            .src = reader->memory + (s.offset - r->strips.offset),
            .stride = r->stride,
        };
        scheme->pack(&p->unit[i], &reader->env->codec, &rows, p->block[i]->data);
    }
}

static int load_part(struct vfile_pass *p, unsigned part)
{
    struct vfile_rows r;

    vfile_pass_rows(p, part, &r);
    /* In multiples of 64 rows, packing writes whole cache lines. */
    uint64_t step = mxfs_max_u64(LOAD_CHUNK / mxfs_max_u64(r.stride, 1) / 64 * 64, 64);
    int rc = vfile_reserve(p->read->reader, mxfs_min_u64(step, r.strips.rows) * r.stride);
    for (uint64_t row = 0; row < r.strips.rows && rc == 0; row += step) {
        uint64_t count = mxfs_min_u64(step, r.strips.rows - row);
        rc = read_rows(p, part, &r, row, count);
        if (rc == 0)
            pack_rows(p, part, &r, row, count);
    }
    return rc;
}

static int load_parts(struct vfile_pass *p)
{
    for (unsigned i = 0; i < p->read->group->parts; i++) {
        int rc = load_part(p, i);
        if (rc != 0)
            return rc;
    }
    return vfile_check_parts(p->read);
}

static void publish(struct vfile_pass *p, unsigned keep)
{
    struct mxfs_cache *cache = p->read->reader->env->cache;

    for (unsigned i = 0; i < p->count; i++) {
        mxfs_cache_publish(cache, p->block[i]);
        if (i >= keep)
            mxfs_cache_release(cache, p->block[i]);
    }
}

static void abandon(struct vfile_pass *p)
{
    for (unsigned i = 0; i < p->count; i++)
        mxfs_cache_abandon(p->read->reader->env->cache, p->block[i]);
}

int vfile_pass_load(struct vfile_pass *pass, unsigned keep)
{
    struct mxfs_vfile_tally *tally = &pass->read->reader->tally;
    uint64_t start = vfile_clock_ns();
    long waits = vfile_ahead_begin(pass);
    int rc = load_parts(pass);
    uint64_t took = vfile_clock_ns() - start;

    vfile_ahead_end(pass, waits, took);
    tally->load_ns += took;
    if (rc != 0) {
        abandon(pass);
        return rc;
    }
    tally->units += pass->count;
    publish(pass, keep);
    return 0;
}
