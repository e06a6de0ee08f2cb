/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Reading groups by unit: each unit is loaded into the cache unless it is there, and decoded from
 * its packed bytes.
 */
#include <string.h>

#include "ahead.h"
#include "mxfs/bytes.h"

/* Pins the unit, loading it if no other thread has. `more`: the read continues in the next unit. */
static int acquire_unit(struct vfile_read *read, const struct mxfs_unit *unit, bool more,
                        struct mxfs_cache_block **block)
{
    int rc = mxfs_cache_acquire(read->reader->env->cache, vfile_unit_key(unit), unit->bytes, block);
    struct vfile_pass pass;

    if (rc != 0 || (*block)->ready)
        return rc;
    pass.read = read;
    pass.unit[0] = *unit;
    pass.block[0] = *block;
    pass.count = 1;
    if (more || vfile_ahead_is_walk(read, unit))
        vfile_ahead_gather(&pass, unit->first + unit->count);
    return vfile_ahead_load(&pass, 1);
}

/* Unpins the unit after `bytes` bytes of its output have been read. */
static void release_unit(const struct vfile_read *read, const struct mxfs_unit *unit,
                         struct mxfs_cache_block *block, uint64_t bytes)
{
    uint64_t all = unit->count * mxfs_out_size(read->group->out);
    uint64_t before = atomic_fetch_add_explicit(&block->used, bytes, memory_order_relaxed);

    vfile_ahead_note(read, unit, before, before + bytes);
    /* Only the first time round: a unit that is read again is kept like any other block. */
    if (before < all && before + bytes >= all)
        mxfs_cache_retire(read->reader->env->cache, block);
    else
        mxfs_cache_release(read->reader->env->cache, block);
}

/* Unpacks bytes [offset, offset + len) of the output; ends need not be whole elements. */
static void unpack_bytes(const struct mxfs_codec *codec, const struct mxfs_unit *unit,
                         const uint8_t *packed, uint8_t *dst, size_t len, uint64_t offset)
{
    const struct mxfs_scheme *scheme = unit->group->scheme;
    size_t size = mxfs_out_size(unit->group->out), skip = offset % size;
    uint64_t first = offset / size;
    uint8_t element[4];

    if (skip != 0) {
        size_t n = mxfs_min_u64(size - skip, len);
        scheme->unpack(unit, codec, packed, first++, 1, element);
        memcpy(dst, element + skip, n);
        dst += n;
        len -= n;
    }
    uint64_t whole = len / size;
    scheme->unpack(unit, codec, packed, first, whole, dst);
    if (len % size != 0) {
        scheme->unpack(unit, codec, packed, first + whole, 1, element);
        memcpy(dst + whole * size, element, len % size);
    }
}

int vfile_unit_range(struct vfile_read *read, uint8_t *buf, size_t len, uint64_t offset)
{
    const struct mxfs_group *g = read->group;
    size_t size = mxfs_out_size(g->out), whole = len;
    struct mxfs_cache_block *block;
    struct mxfs_unit unit;

    for (size_t n; len > 0; buf += n, offset += n, len -= n) {
        g->scheme->unit_at(g, offset / size, &unit);
        n = mxfs_min_u64(len, (unit.first + unit.count) * size - offset);
        int rc = acquire_unit(read, &unit, n < whole, &block);
        if (rc != 0)
            return rc;
        uint64_t start = vfile_clock_ns();
        unpack_bytes(&read->reader->env->codec, &unit, block->data, buf, n, offset);
        read->reader->tally.decode_ns += vfile_clock_ns() - start;
        release_unit(read, &unit, block, n);
    }
    return 0;
}
