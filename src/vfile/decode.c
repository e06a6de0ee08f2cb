/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Decoding: source bytes go through a per-thread scratch buffer, results straight into the reply.
 */
#include "decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"

enum {
    /* Output bytes decoded from one read of the parts: their packed bytes still lie in L2 then. */
    STREAM_CHUNK = 512 << 10,
    /* Bytes of strips read at a time while a unit is loaded: likewise. */
    LOAD_CHUNK = 256 << 10,
    /* Strips further apart than this many times their width are read one by one. */
    SPARSE = 4,
    /* The largest tile of any scheme in bytes of output: 32 elements of F32. */
    TILE_MAX = MXFS_MX_BLOCK * 4,
};

void mxfs_scratch_fini(struct mxfs_scratch *scratch)
{
    free(scratch->data);
    memset(scratch, 0, sizeof(*scratch));
}

int mxfs_scratch_reserve(struct mxfs_scratch *scratch, size_t size)
{
    if (scratch->size >= size)
        return 0;
    mxfs_scratch_fini(scratch);
    scratch->data = malloc(size);
    if (!scratch->data)
        return -ENOMEM;
    scratch->size = size;
    return 0;
}

static int read_part(struct mxfs_model *model, const struct mxfs_tensor *part, void *buf,
                     size_t len, uint64_t offset, const struct mxfs_tensor **failed)
{
    int rc = mxfs_source_read(&model->shards[part->shard].source, buf, len, part->offset + offset);
    if (rc != 0)
        *failed = part;
    return rc;
}

/* The source bytes of a run of tiles, in scratch memory. */
struct loaded {
    struct mxfs_span span[MXFS_PARTS_MAX];
    const uint8_t *data[MXFS_PARTS_MAX];
};

static int load_tiles(struct mxfs_scratch *scratch, struct mxfs_model *model,
                      const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct loaded *in, const struct mxfs_tensor **failed)
{
    size_t total = 0;

    group->scheme->spans(group, first, count, in->span);
    for (unsigned i = 0; i < group->parts; i++)
        total += in->span[i].size;
    int rc = mxfs_scratch_reserve(scratch, total);
    uint8_t *at = scratch->data;
    for (unsigned i = 0; i < group->parts && rc == 0; i++) {
        in->data[i] = at;
        rc = read_part(model, group->part[i], at, in->span[i].size, in->span[i].offset, failed);
        at += in->span[i].size;
    }
    return rc;
}

/* Decodes elements [first, first + count), a part of what is loaded. */
static void decode_tiles(const struct mxfs_codec *codec, const struct mxfs_group *group,
                         const struct loaded *in, uint64_t first, uint64_t count, uint8_t *dst)
{
    struct mxfs_span span[MXFS_PARTS_MAX];
    const uint8_t *src[MXFS_PARTS_MAX];

    group->scheme->spans(group, first, count, span);
    for (unsigned i = 0; i < group->parts; i++)
        src[i] = in->data[i] + (span[i].offset - in->span[i].offset);
    group->scheme->decode(group, codec, first, count, src, dst);
}

/* Decodes one tile aside and copies the bytes [skip, skip + len) of it. */
static void decode_partial(const struct mxfs_codec *codec, const struct mxfs_group *group,
                           const struct loaded *in, uint64_t first, size_t skip, size_t len,
                           uint8_t *dst)
{
    uint8_t tile[TILE_MAX];
    decode_tiles(codec, group, in, first, group->tile, tile);
    memcpy(dst, tile + skip, len);
}

/* One chunk of a streaming scheme: a ragged tile at either end, whole tiles between. */
static int stream_chunk(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                        struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                        size_t len, uint64_t offset, const struct mxfs_tensor **failed)
{
    const struct mxfs_codec *codec = &env->codec;
    size_t tile_bytes = group->tile * mxfs_out_size(group->out);
    uint64_t tile = offset / tile_bytes, end = mxfs_ceil_div(offset + len, tile_bytes);
    size_t skip = offset % tile_bytes;
    struct loaded in;

    int rc = load_tiles(scratch, model, group, tile * group->tile, (end - tile) * group->tile, &in,
                        failed);
    if (rc != 0)
        return rc;
    if (skip != 0) {
        size_t head = mxfs_min_u64(tile_bytes - skip, len);
        decode_partial(codec, group, &in, tile * group->tile, skip, head, buf);
        buf += head;
        len -= head;
        tile++;
    }
    uint64_t whole = len / tile_bytes;
    if (whole > 0)
        decode_tiles(codec, group, &in, tile * group->tile, whole * group->tile, buf);
    len -= whole * tile_bytes;
    if (len > 0)
        decode_partial(codec, group, &in, (tile + whole) * group->tile, 0, len,
                       buf + whole * tile_bytes);
    return 0;
}

static int stream_range(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                        struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                        size_t len, uint64_t offset, const struct mxfs_tensor **failed)
{
    int rc = 0;
    while (len > 0 && rc == 0) {
        size_t n = mxfs_min_u64(len, STREAM_CHUNK);
        rc = stream_chunk(env, scratch, model, group, buf, n, offset, failed);
        buf += n;
        offset += n;
        len -= n;
    }
    return rc;
}

/* Reads strips [row, row + rows) into scratch; *stride is their distance there. */
static int read_strips(struct mxfs_scratch *scratch, struct mxfs_model *model,
                       const struct mxfs_tensor *part, const struct mxfs_strips *s, uint64_t row,
                       uint64_t rows, bool sparse, const struct mxfs_tensor **failed)
{
    uint64_t offset = s->offset + row * s->stride;
    int rc = 0;

    if (!sparse)
        return read_part(model, part, scratch->data, (rows - 1) * s->stride + s->width, offset,
                         failed);
    for (uint64_t i = 0; i < rows && rc == 0; i++)
        rc = read_part(model, part, scratch->data + i * s->width, s->width, offset + i * s->stride,
                       failed);
    return rc;
}

static int load_part(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                     struct mxfs_model *model, const struct mxfs_group *group,
                     const struct mxfs_unit *unit, unsigned part, uint8_t *packed,
                     const struct mxfs_tensor **failed)
{
    struct mxfs_strips s;

    group->scheme->strips(group, unit, part, &s);
    bool sparse = s.stride / SPARSE > s.width;
    uint64_t stride = sparse ? s.width : s.stride;
    /* Whole cache lines of the packed rows are written when rows come in multiples of 64. */
    uint64_t step = mxfs_max_u64(LOAD_CHUNK / mxfs_max_u64(stride, 1) / 64 * 64, 64);
    int rc = mxfs_scratch_reserve(scratch, mxfs_min_u64(step, s.rows) * stride);
    for (uint64_t row = 0; row < s.rows && rc == 0; row += step) {
        uint64_t rows = mxfs_min_u64(step, s.rows - row);
        rc = read_strips(scratch, model, group->part[part], &s, row, rows, sparse, failed);
        if (rc == 0)
            group->scheme->pack(group, &env->codec, unit, part, row, rows, scratch->data, stride,
                                packed);
    }
    return rc;
}

/* Pins the unit, loading it when no other thread has. */
static int acquire_unit(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                        struct mxfs_model *model, const struct mxfs_group *group,
                        const struct mxfs_unit *unit, struct mxfs_block **block,
                        const struct mxfs_tensor **failed)
{
    struct mxfs_cache_key key = {(uintptr_t)group, unit->index};
    int rc = mxfs_cache_acquire(env->cache, key, unit->bytes, block);

    if (rc != 0 || (*block)->ready)
        return rc;
    for (unsigned i = 0; i < group->parts && rc == 0; i++)
        rc = load_part(env, scratch, model, group, unit, i, (*block)->data, failed);
    if (rc == 0)
        mxfs_cache_publish(env->cache, *block);
    else
        mxfs_cache_abandon(env->cache, *block);
    return rc;
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
        group->scheme->unpack(group, codec, unit, packed, first++, 1, element);
        memcpy(dst, element + skip, n);
        dst += n;
        len -= n;
    }
    uint64_t whole = len / size;
    group->scheme->unpack(group, codec, unit, packed, first, whole, dst);
    if (len % size != 0) {
        group->scheme->unpack(group, codec, unit, packed, first + whole, 1, element);
        memcpy(dst + whole * size, element, len % size);
    }
}

static int unit_range(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                      struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                      size_t len, uint64_t offset, const struct mxfs_tensor **failed)
{
    size_t size = mxfs_out_size(group->out);

    while (len > 0) {
        struct mxfs_unit unit;
        struct mxfs_block *block;
        group->scheme->unit_at(group, offset / size, &unit);
        size_t n = mxfs_min_u64(len, (unit.first + unit.count) * size - offset);
        *failed = group->part[0];
        int rc = acquire_unit(env, scratch, model, group, &unit, &block, failed);
        if (rc != 0)
            return rc;
        unpack_bytes(&env->codec, group, &unit, block->data, offset, n, buf);
        mxfs_cache_release(env->cache, block);
        buf += n;
        offset += n;
        len -= n;
    }
    return 0;
}

int mxfs_decode_range(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                      struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                      size_t len, uint64_t offset, const struct mxfs_tensor **failed)
{
    *failed = group->part[0];
    return (group->scheme->unit_at ? unit_range : stream_range)(env, scratch, model, group, buf,
                                                                len, offset, failed);
}
