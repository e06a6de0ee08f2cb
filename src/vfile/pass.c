/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Loading units: rows are read a chunk at a time, and each unit packs its strips of them.
 */
#include "pass.h"

#include "mxfs/bytes.h"

enum {
    /* Bytes of rows read at a time; they are transposed while they are in L2. */
    LOAD_CHUNK = 128 << 10,
    /* Rows that pack as a whole cache line. */
    LINE = 64,
};

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

/* A part of what a pass reads: bytes [at, at + width) of rows [row, row + count). */
struct piece {
    uint64_t row, count;
    uint64_t at, width;
    uint64_t stride; /* bytes from one row to the next in the reader's memory */
};

/* Reads a piece into the reader's memory. */
static int read_piece(struct vfile_pass *p, unsigned part, const struct vfile_rows *r,
                      const struct piece *piece)
{
    const struct mxfs_strips *s = &r->strips;
    bool whole = !r->sparse && piece->stride == s->stride;
    uint64_t reads = whole ? 1 : piece->count;
    uint64_t offset = s->offset + piece->row * s->stride + piece->at;
    size_t len = whole ? (piece->count - 1) * s->stride + piece->width : piece->width;
    uint8_t *to = p->read->reader->memory;
    int rc = 0;

    for (uint64_t i = 0; i < reads && rc == 0; i++)
        rc = vfile_fetch_part(p->read, part, to + i * piece->stride, len, offset + i * s->stride);
    return rc;
}

/* Puts a piece, as read, into the units that it belongs to. */
static void pack_piece(struct vfile_pass *p, unsigned part, const struct vfile_rows *r,
                       const struct piece *piece)
{
    const struct mxfs_vfile_reader *reader = p->read->reader;
    const struct mxfs_scheme *scheme = p->read->group->scheme;
    struct mxfs_strips s;

    for (unsigned i = 0; i < p->count; i++) {
        scheme->strips(&p->unit[i], part, &s);
        uint64_t begin = s.offset - r->strips.offset; /* of the strips, in the rows */
        uint64_t from = mxfs_max_u64(begin, piece->at);
        uint64_t to = mxfs_min_u64(begin + s.width, piece->at + piece->width);
        if (from >= to)
            continue;
        const struct mxfs_rows rows = {
            .part = part,
            .first = piece->row,
            .count = piece->count,
            .at = from - begin,
            .width = to - from,
            .src = reader->memory + (from - piece->at),
            .stride = piece->stride,
        };
        scheme->pack(&p->unit[i], &reader->env->codec, &rows, p->block[i]->data);
    }
}

/* The first piece of a part. All pieces are of this size, but for those at the ends. Matrices of
 * few, very long rows have rows that are read in pieces. */
static struct piece first_piece(const struct vfile_rows *r)
{
    uint64_t stride = mxfs_max_u64(r->stride, 1), lines = LOAD_CHUNK / stride / LINE;
    /* In multiples of a line, packing writes whole cache lines. */
    uint64_t count = mxfs_min_u64(mxfs_max_u64(lines, 1) * LINE, r->strips.rows);
    uint64_t width = r->strips.width;

    if (count * stride > VFILE_LOAD_MAX) {
        count = mxfs_min_u64(LINE, r->strips.rows);
        width = stride = VFILE_LOAD_MAX / count / MXFS_STRIP_PIECE * MXFS_STRIP_PIECE;
    }
    return (struct piece){.count = count, .width = width, .stride = stride};
}

/* Loads a column of pieces: all rows of bytes [piece.at, piece.at + piece.width). */
static int load_column(struct vfile_pass *p, unsigned part, const struct vfile_rows *r,
                       struct piece piece)
{
    uint64_t step = piece.count;
    int rc = 0;

    piece.width = mxfs_min_u64(piece.width, r->strips.width - piece.at);
    for (; piece.row < r->strips.rows && rc == 0; piece.row += step) {
        piece.count = mxfs_min_u64(step, r->strips.rows - piece.row);
        rc = read_piece(p, part, r, &piece);
        if (rc == 0)
            pack_piece(p, part, r, &piece);
    }
    return rc;
}

static int load_part(struct vfile_pass *p, unsigned part)
{
    struct vfile_rows r;

    vfile_pass_rows(p, part, &r);
    struct piece piece = first_piece(&r);
    int rc = vfile_reserve(p->read->reader, piece.count * piece.stride);
    for (; piece.at < r.strips.width && rc == 0; piece.at += piece.width)
        rc = load_column(p, part, &r, piece);
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
    int rc = load_parts(pass);

    tally->load_ns += vfile_clock_ns() - start;
    if (rc != 0) {
        abandon(pass);
        return rc;
    }
    tally->units += pass->count;
    publish(pass, keep);
    return 0;
}
