/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Decoding: source bytes go through the reader's memory, results straight into the reply.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mxfs/bytes.h"
#include "read.h"

/* The largest tile of any scheme in bytes of output: 32 elements of F32. */
enum { TILE_MAX = MXFS_MX_BLOCK * 4 };

void mxfs_vfile_reader_fini(struct mxfs_vfile_reader *reader)
{
    free(reader->memory);
    memset(reader, 0, sizeof(*reader));
}

int vfile_reserve(struct mxfs_vfile_reader *reader, size_t size)
{
    if (reader->memory_size >= size)
        return 0;
    /* Grows once or twice: blocks of many sizes that come and go leave holes in the heap. */
    size = mxfs_align_up(size, size <= VFILE_LOAD_MAX / 4 ? VFILE_LOAD_MAX / 4 : VFILE_LOAD_MAX);
    free(reader->memory);
    reader->memory = malloc(size);
    reader->memory_size = reader->memory ? size : 0;
    return reader->memory ? 0 : -ENOMEM;
}

uint64_t vfile_clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int vfile_fetch_part(struct vfile_read *read, unsigned part, void *buf, size_t len, uint64_t offset)
{
    const struct mxfs_tensor *t = read->group->part[part];
    int rc = mxfs_source_fetch(mxfs_model_source(read->model, t), buf, len, t->offset + offset);

    if (rc != 0)
        read->failed = t;
    else
        read->reader->tally.bytes_read += len;
    return rc;
}

int vfile_check_parts(struct vfile_read *read)
{
    const struct mxfs_group *g = read->group;

    for (unsigned i = 0; i < g->parts; i++) {
        /* Parts are neighbours: nearly always in one file, for which one check is enough. */
        if (i > 0 && g->part[i]->shard == g->part[i - 1]->shard)
            continue;
        int rc = mxfs_source_check(mxfs_model_source(read->model, g->part[i]));
        if (rc != 0) {
            read->failed = g->part[i];
            return rc;
        }
    }
    return 0;
}

uint64_t vfile_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                     struct mxfs_span span[MXFS_PARTS_MAX])
{
    uint64_t total = 0;

    group->scheme->spans(group, first, count, span);
    for (unsigned i = 0; i < group->parts; i++)
        total += span[i].size;
    return total;
}

/* The source bytes of a run of tiles, in the reader's memory. */
struct loaded {
    struct mxfs_span span[MXFS_PARTS_MAX];
    const uint8_t *data[MXFS_PARTS_MAX];
};

/* Loads what elements [first, first + count) are decoded from. */
static int load_tiles(struct vfile_read *read, uint64_t first, uint64_t count, struct loaded *in)
{
    const struct mxfs_group *g = read->group;
    int rc = vfile_reserve(read->reader, vfile_spans(g, first, count, in->span));
    uint8_t *at = read->reader->memory;
    for (unsigned i = 0; i < g->parts && rc == 0; i++) {
        in->data[i] = at;
        rc = vfile_fetch_part(read, i, at, in->span[i].size, in->span[i].offset);
        at += in->span[i].size;
    }
    return rc;
}

/* Decodes elements [first, first + count), part of what is loaded. */
static void decode_tiles(const struct vfile_read *read, const struct loaded *in, uint64_t first,
                         uint64_t count, uint8_t *dst)
{
    const struct mxfs_group *g = read->group;
    struct mxfs_span span[MXFS_PARTS_MAX];
    struct mxfs_run run = {
        .group = g,
        .codec = &read->reader->env->codec,
        .first = first,
        .count = count,
        .dst = dst,
    };

    g->scheme->spans(g, first, count, span);
    for (unsigned i = 0; i < g->parts; i++)
        run.src[i] = in->data[i] + (span[i].offset - in->span[i].offset);
    g->scheme->decode(&run);
}

/* Decodes the tile that begins at element `first` and copies its bytes [skip, skip + len). */
static void decode_partial(const struct vfile_read *read, const struct loaded *in, uint64_t first,
                           size_t skip, size_t len, uint8_t *dst)
{
    uint8_t tile[TILE_MAX];

    decode_tiles(read, in, first, read->group->tile, tile);
    memcpy(dst, tile + skip, len);
}

/* Decodes a partial tile at either end and the whole tiles between. */
static void decode_bytes(const struct vfile_read *read, const struct loaded *in, uint8_t *buf,
                         size_t len, uint64_t offset)
{
    uint32_t tile = read->group->tile;
    size_t tile_bytes = tile * mxfs_out_size(read->group->out), skip = offset % tile_bytes;
    uint64_t first = offset / tile_bytes * tile;

    if (skip != 0) {
        size_t head = mxfs_min_u64(tile_bytes - skip, len);
        decode_partial(read, in, first, skip, head, buf);
        buf += head;
        len -= head;
        first += tile;
    }
    uint64_t whole = len / tile_bytes;
    if (whole > 0)
        decode_tiles(read, in, first, whole * tile, buf);
    if (len % tile_bytes != 0)
        decode_partial(read, in, first + whole * tile, 0, len % tile_bytes,
                       buf + whole * tile_bytes);
}

/* The tiles that bytes [offset, offset + len) of the output are in. */
struct tiles {
    uint64_t first, count; /* in elements */
};

static struct tiles tiles_at(const struct mxfs_group *g, size_t len, uint64_t offset)
{
    size_t tile_bytes = g->tile * mxfs_out_size(g->out);
    uint64_t begin = offset / tile_bytes, end = mxfs_ceil_div(offset + len, tile_bytes);

    return (struct tiles){begin * g->tile, (end - begin) * g->tile};
}

static int stream_chunk(struct vfile_read *read, uint8_t *buf, size_t len, uint64_t offset)
{
    struct tiles tiles = tiles_at(read->group, len, offset);
    struct loaded in;

    int rc = load_tiles(read, tiles.first, tiles.count, &in);
    if (rc != 0)
        return rc;
    uint64_t start = vfile_clock_ns();
    decode_bytes(read, &in, buf, len, offset);
    read->reader->tally.decode_ns += vfile_clock_ns() - start;
    return 0;
}

/* How many of `len` bytes to decode at a time. Scales may take more than the codes. */
static size_t chunk_length(const struct mxfs_group *g, size_t len, uint64_t offset)
{
    struct mxfs_span span[MXFS_PARTS_MAX];

    len = mxfs_min_u64(len, VFILE_STREAM_CHUNK);
    for (; len > TILE_MAX; len /= 2) {
        struct tiles tiles = tiles_at(g, len, offset);
        if (vfile_spans(g, tiles.first, tiles.count, span) <= VFILE_LOAD_MAX)
            break;
    }
    return len;
}

int vfile_stream_range(struct vfile_read *read, uint8_t *buf, size_t len, uint64_t offset)
{
    for (size_t n; len > 0; buf += n, offset += n, len -= n) {
        n = chunk_length(read->group, len, offset);
        int rc = stream_chunk(read, buf, n, offset);
        if (rc != 0)
            return rc;
    }
    return vfile_check_parts(read);
}
