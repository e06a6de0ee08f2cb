/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs verify: compares the tensors that a mount would show with those of a reference, bit for bit.
 *
 * Tensors are matched by name, whichever file of the folder they are in. Those of the reference are
 * taken as stored, so a reference that is still quantized counts as different. Bytes are compared
 * with memcmp(); values are decoded only where bytes differ.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "mxfs/bytes.h"
#include "mxfs/path.h"
#include "mxfs/text.h"
#include "mxfs/value.h"
#include "open.h"
#include "pieces.h"
#include "progress.h"
#include "sides.h"

enum {
    /* Read from both sides, then compared while it is still in L2. Divisible by 3, because four
     * 6-bit values take three bytes. */
    CHUNK = 384 << 10,
    PIECE = 16 * CHUNK,
    NAME_SHOWN = 4096,
};

/* A tensor that both sides have, with the same type and shape. */
struct pair {
    const struct cmd_side *view, *reference;
};

/* How a piece differs. Indices count elements of the tensor. */
struct difference {
    uint64_t count, first, both_nan, one_nan, largest_at;
    uint64_t bits[2];    /* the first differing value: in the view, in the reference */
    long double largest; /* difference where both are numbers; negative: nowhere */
};

struct verify {
    const struct mxfs_view *view;
    struct mxfs_repo reference;
    struct cmd_sides views, references;
    struct pair *pairs;
    size_t pair_count;
    struct cmd_pieces pieces;        /* the owner of a piece is the index of its pair */
    struct difference **differences; /* one for each piece; NULL: equal */
    struct cmd_workers workers;
    struct cmd_progress progress;
    size_t equal, different, missing, extra;
    bool quiet;
    struct mxfs_error *err;
};

static const char *name_of(char out[NAME_SHOWN], const struct cmd_side *s)
{
    size_t n = 0;

    if (s->folder[0]) {
        n = mxfs_escape(out, NAME_SHOWN / 2, s->folder + 1, strlen(s->folder + 1));
        out[n++] = ':';
    }
    mxfs_escape(out + n, NAME_SHOWN - n, s->info.name, s->info.name_len);
    return out;
}

/* Prints a flat index as one index per dimension; with more than 32 dimensions, as it is. */
static void print_index(const struct mxfs_output_info *info, uint64_t flat)
{
    uint64_t index[32];

    if (info->rank > MXFS_COUNT(index)) {
        printf("%" PRIu64, flat);
        return;
    }
    for (uint32_t d = info->rank; d-- > 0; flat /= info->shape[d])
        index[d] = flat % info->shape[d];
    mxfs_text_dims(stdout, index, info->rank);
}

static bool same_kind(const struct cmd_side *a, const struct cmd_side *b)
{
    return a->info.dtype == b->info.dtype && a->info.rank == b->info.rank &&
           (a->info.rank == 0 ||
            memcmp(a->info.shape, b->info.shape, a->info.rank * sizeof(*a->info.shape)) == 0);
}

static void print_kinds(struct verify *v, const struct cmd_side *a, const struct cmd_side *b)
{
    char name[NAME_SHOWN];

    v->different++;
    printf("different: %s: %s ", name_of(name, a), mxfs_dtype_name(a->info.dtype));
    mxfs_text_dims(stdout, a->info.shape, a->info.rank);
    printf(" against %s ", mxfs_dtype_name(b->info.dtype));
    mxfs_text_dims(stdout, b->info.shape, b->info.rank);
    putchar('\n');
}

static void print_alone(struct verify *v, const struct cmd_side *s)
{
    char name[NAME_SHOWN];

    *(s->plan ? &v->missing : &v->extra) += 1;
    printf(s->plan ? "missing: %s: not in the reference\n" : "extra: %s: only in the reference\n",
           name_of(name, s));
}

/*
 * Walks both sorted lists. Tensors of the same name, type and shape form pairs; the others are
 * printed.
 */
static int match_sides(struct verify *v)
{
    const struct cmd_side *a = v->views.side, *a_end = a + v->views.count;
    const struct cmd_side *b = v->references.side, *b_end = b + v->references.count;
    int rc = 0;

    v->pairs = malloc((v->views.count + 1) * sizeof(*v->pairs));
    if (!v->pairs)
        return -ENOMEM;
    while ((a < a_end || b < b_end) && rc == 0) {
        int c = a == a_end ? 1 : b == b_end ? -1 : cmd_side_compare(a, b);
        if (c != 0) {
            print_alone(v, c < 0 ? a++ : b++);
            continue;
        }
        if (same_kind(a, b)) {
            v->pairs[v->pair_count] = (struct pair){a, b};
            rc = cmd_pieces_add_output(&v->pieces, v->pair_count++, a->output);
        } else {
            print_kinds(v, a, b);
        }
        a++;
        b++;
    }
    return rc;
}

static void note_value(struct difference *d, enum mxfs_dtype dtype, uint64_t index, uint64_t a,
                       uint64_t b)
{
    struct mxfs_value x = mxfs_value_of(dtype, a), y = mxfs_value_of(dtype, b);
    int nans = mxfs_value_is_nan(x) + mxfs_value_is_nan(y);

    if (d->count++ == 0) {
        d->first = index;
        d->bits[0] = a;
        d->bits[1] = b;
    }
    d->both_nan += nans == 2;
    d->one_nan += nans == 1;
    long double apart = mxfs_value_distance(x, y);
    if (nans == 0 && apart > d->largest) {
        d->largest = apart;
        d->largest_at = index;
    }
}

/* Compares values, the first of which has the index `first` in the tensor. */
static int note_chunk(struct difference **out, enum mxfs_dtype dtype, uint64_t first,
                      const uint8_t *a, const uint8_t *b, size_t bytes)
{
    uint64_t count = (uint64_t)bytes * 8 / mxfs_dtype_bits(dtype);

    if (!*out && !(*out = calloc(1, sizeof(**out))))
        return -ENOMEM;
    if ((*out)->count == 0)
        (*out)->largest = -1;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t x = mxfs_value_bits(dtype, a, i), y = mxfs_value_bits(dtype, b, i);
        if (x != y)
            note_value(*out, dtype, first + i, x, y);
    }
    return 0;
}

static int read_both(struct cmd_worker *w, const struct pair *p, size_t n, uint64_t at)
{
    const struct cmd_side *a = p->view, *b = p->reference;
    struct mxfs_source *src = mxfs_model_source(b->model, b->tensor);
    ssize_t got = mxfs_vfile_read_output(&w->reader, a->plan, a->output, w->buf, n, at);

    if (got != (ssize_t)n) {
        /* The log names the tensor. */
        return mxfs_fail_told(&w->err, MXFS_EXIT_SOURCE, got < 0 ? (int)-got : EIO);
    }
    int rc = mxfs_source_read(src, w->buf + CHUNK, n, b->tensor->offset + at);
    if (rc == 0)
        return 0;
    return mxfs_fail(&w->err, MXFS_EXIT_SOURCE, -rc, "%s: tensor %s: %s", cmd_side_path(b),
                     mxfs_quote(b->info.name, b->info.name_len).text, strerror(-rc));
}

static int compare_piece(void *data, unsigned worker, uint64_t item)
{
    struct verify *v = data;
    struct cmd_worker *w = &v->workers.worker[worker];
    const struct cmd_piece *piece = &v->pieces.piece[item];
    const struct pair *p = &v->pairs[piece->owner];
    enum mxfs_dtype dtype = p->view->info.dtype;
    uint64_t end = piece->offset + piece->size;
    int rc = 0;

    for (uint64_t at = piece->offset, n; at < end && rc == 0; at += n) {
        n = mxfs_min_u64(CHUNK, end - at);
        rc = read_both(w, p, n, at);
        if (rc == 0 && memcmp(w->buf, w->buf + CHUNK, n) != 0)
            rc = note_chunk(&v->differences[item], dtype, at * 8 / mxfs_dtype_bits(dtype), w->buf,
                            w->buf + CHUNK, n);
        atomic_fetch_add_explicit(&v->progress.done, n, memory_order_relaxed);
    }
    return rc;
}

static int tick(void *data)
{
    cmd_progress_draw(&((struct verify *)data)->progress);
    return 0;
}

static int compare_pairs(struct verify *v, unsigned workers)
{
    const struct mxfs_pool_job job = {
        .items = v->pieces.count, .data = v, .work = compare_piece, .tick = tick};
    uint64_t total = 0;

    for (size_t i = 0; i < v->pair_count; i++)
        total += v->pairs[i].view->info.size;
    v->differences = calloc(v->pieces.count + 1, sizeof(*v->differences));
    int rc =
        v->differences ? cmd_workers_init(&v->workers, workers, 2 * CHUNK, &v->view->env) : -ENOMEM;
    if (rc != 0)
        return rc;
    cmd_progress_begin(&v->progress, total, v->quiet);
    rc = cmd_workers_run(&v->workers, job, v->err);
    cmd_progress_end(&v->progress, NULL);
    return rc;
}

static void add_difference(struct difference *sum, const struct difference *d)
{
    if (sum->count == 0) {
        *sum = *d;
        return;
    }
    sum->count += d->count;
    sum->both_nan += d->both_nan;
    sum->one_nan += d->one_nan;
    if (d->largest > sum->largest) {
        sum->largest = d->largest;
        sum->largest_at = d->largest_at;
    }
}

static void print_difference(const struct cmd_side *s, const struct difference *d)
{
    char name[NAME_SHOWN], value[2][MXFS_VALUE_TEXT];
    enum mxfs_dtype dtype = s->info.dtype;

    printf("different: %s: %" PRIu64 " of %" PRIu64 " values, first at ", name_of(name, s),
           d->count, s->info.size * 8 / mxfs_dtype_bits(dtype));
    print_index(&s->info, d->first);
    printf(": %s against %s", mxfs_value_format(value[0], dtype, d->bits[0]),
           mxfs_value_format(value[1], dtype, d->bits[1]));
    if (d->largest >= 0) {
        printf("; largest difference %.9Lg at ", d->largest);
        print_index(&s->info, d->largest_at);
    }
    if (d->one_nan)
        printf("; %" PRIu64 " NaN in one of the two", d->one_nan);
    if (d->both_nan)
        printf("; %" PRIu64 " NaN in both, with different bits", d->both_nan);
    putchar('\n');
}

static void print_differences(struct verify *v)
{
    size_t piece = 0;

    for (size_t i = 0; i < v->pair_count; i++) {
        struct difference sum = {0};
        for (; piece < v->pieces.count && v->pieces.piece[piece].owner == i; piece++) {
            if (v->differences[piece])
                add_difference(&sum, v->differences[piece]);
        }
        if (sum.count > 0)
            print_difference(v->pairs[i].view, &sum);
        *(sum.count > 0 ? &v->different : &v->equal) += 1;
    }
}

static int print_verdict(struct verify *v)
{
    char size[MXFS_TEXT_SIZE];

    if (v->different + v->missing + v->extra == 0) {
        if (!v->quiet)
            printf("equal: %zu tensors, %s, bit for bit\n", v->equal,
                   mxfs_text_size(size, v->progress.total));
        return 0;
    }
    printf("total: %zu tensors equal, %zu different, %zu missing, %zu extra\n", v->equal,
           v->different, v->missing, v->extra);
    return mxfs_fail_told(v->err, MXFS_EXIT_DIFFERENT, EBADMSG);
}

/* Opens the reference. Its tensors are taken as stored, so it is not judged. */
static int open_reference(struct verify *v, const struct mxfs_options *o)
{
    const struct mxfs_choices how = {.unit_max = mxfs_vfile_unit_max(o->choices.cache_size),
                                     .partial = o->choices.partial,
                                     .trim = o->choices.trim};
    char *path;
    int rc = mxfs_path_resolve(&path, o->operand[1], MXFS_EXIT_SOURCE, v->err);

    if (rc == 0)
        rc = mxfs_repo_open(&v->reference, path, &how, v->err);
    free(path);
    return rc;
}

static int verify(struct verify *v, const struct mxfs_options *o)
{
    int rc = open_reference(v, o);
    if (rc != 0)
        return rc;
    bool flat = v->view->repo.is_file || v->reference.is_file;
    rc = cmd_sides_of_view(&v->views, &v->view->repo, flat, v->err);
    if (rc != 0)
        return rc;
    rc = cmd_sides_of_reference(&v->references, &v->reference, flat, o->choices.only, v->err);
    if (rc != 0)
        return rc;
    if (v->views.count + v->references.count == 0)
        return mxfs_fail(v->err, MXFS_EXIT_FAILED, ENOENT, "no tensors to compare");
    rc = match_sides(v);
    if (rc != 0)
        return rc;
    rc = compare_pairs(v, cmd_jobs(o));
    if (rc != 0)
        return rc;
    print_differences(v);
    return print_verdict(v);
}

static void verify_fini(struct verify *v)
{
    for (size_t i = 0; v->differences && i < v->pieces.count; i++)
        free(v->differences[i]);
    free(v->differences);
    cmd_workers_fini(&v->workers);
    cmd_pieces_fini(&v->pieces);
    free(v->pairs);
    cmd_sides_fini(&v->views);
    cmd_sides_fini(&v->references);
    mxfs_repo_close(&v->reference);
}

int cmd_verify(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct mxfs_view view;
    struct verify v = {.view = &view, .pieces.usual = PIECE, .quiet = options->quiet, .err = err};

    int rc = cmd_open_judged(&view, options->operand[0], &options->choices, err);
    if (rc != 0)
        return rc;
    rc = verify(&v, options);
    verify_fini(&v);
    mxfs_view_close(&view);
    if (rc == -ENOMEM)
        mxfs_fail_memory(err, NULL);
    else if (rc != 0)
        mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s", strerror(-rc));
    if (fflush(stdout) != 0 || ferror(stdout)) {
        err->code = MXFS_EXIT_OK; /* the verdict did not reach its reader: report that instead */
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, EIO, "writing to stdout: %s", strerror(EIO));
    }
    return rc;
}
