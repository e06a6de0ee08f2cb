/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Decoding: source bytes go through a per-thread scratch buffer, results straight into the reply.
 */
#include "decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mxfs/bytes.h"

enum {
    /* Output bytes decoded from one read of the parts: their packed bytes still lie in L2 then. */
    STREAM_CHUNK = 512 << 10,
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
    free(scratch->data);
    scratch->data = malloc(size);
    scratch->size = scratch->data ? size : 0;
    return scratch->data ? 0 : -ENOMEM;
}

uint64_t mxfs_clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int mxfs_fetch_part(struct mxfs_scratch *scratch, struct mxfs_model *model,
                    const struct mxfs_tensor *part, void *buf, size_t len, uint64_t offset,
                    const struct mxfs_tensor **failed)
{
    int rc = mxfs_source_fetch(&model->shards[part->shard].source, buf, len, part->offset + offset);
    if (rc != 0)
        *failed = part;
    else
        scratch->tally.bytes_read += len;
    return rc;
}

int mxfs_check_parts(struct mxfs_model *model, const struct mxfs_group *group,
                     const struct mxfs_tensor **failed)
{
    int rc = 0;

    for (unsigned i = 0; i < group->parts && rc == 0; i++) {
        /* Parts are neighbours: nearly always in one file, which one check is enough for. */
        if (i > 0 && group->part[i]->shard == group->part[i - 1]->shard)
            continue;
        *failed = group->part[i];
        rc = mxfs_source_check(&model->shards[group->part[i]->shard].source);
    }
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
        rc = mxfs_fetch_part(scratch, model, group->part[i], at, in->span[i].size,
                             in->span[i].offset, failed);
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
    uint64_t start = mxfs_clock_ns();
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
    scratch->tally.decode_ns += mxfs_clock_ns() - start;
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
    return rc == 0 ? mxfs_check_parts(model, group, failed) : rc;
}

int mxfs_decode_range(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                      struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                      size_t len, uint64_t offset, const struct mxfs_tensor **failed)
{
    *failed = group->part[0];
    return (group->scheme->unit_at ? mxfs_unit_range : stream_range)(env, scratch, model, group,
                                                                     buf, len, offset, failed);
}
