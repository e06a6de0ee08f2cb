/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs export: writes what a mount would show, as files or as one stream.
 *
 * Workers take pieces in file order and write each at its offset; the worker that completes a file
 * syncs it. A stream is decoded a few pieces ahead and written in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "dest.h"
#include "mxfs/array.h"
#include "mxfs/bytes.h"
#include "mxfs/log.h"
#include "open.h"
#include "output.h"
#include "pieces.h"
#include "progress.h"

enum {
    PIECE = 8 << 20,        /* large enough that opening the file for each piece costs nothing */
    CHUNK = 512 << 10,      /* decoded, then written while it is still in L2 */
    STREAM_PIECE = 1 << 20, /* the largest pipe that an ordinary user can have */
};

/* A file to be written. */
struct target {
    struct mxfs_entry *entry;
    char *rel; /* path in the destination, beginning with a slash; "" for a single file */
    uint64_t size;
    atomic_ullong left; /* pieces not written yet */
};

struct export_job {
    const struct mxfs_view *view;
    struct cmd_dest dest;
    struct cmd_output output;
    struct target *targets;
    size_t count, capacity;
    uint64_t total; /* bytes */
    struct cmd_pieces pieces;
    struct cmd_workers workers;
    struct cmd_progress progress;
    struct mxfs_error *err;
};

static uint64_t entry_size(const struct mxfs_entry *e)
{
    switch (e->kind) {
    case MXFS_ENTRY_VIRTUAL:
        return e->plan->size;
    case MXFS_ENTRY_TEXT:
        return e->text.size;
    case MXFS_ENTRY_RAW:
        return (uint64_t)e->source.st.st_size;
    case MXFS_ENTRY_FOLDER:
        break;
    }
    return 0;
}

/* Reads exactly `len` bytes. */
static int read_entry(struct cmd_worker *w, struct mxfs_entry *e, size_t len, uint64_t offset)
{
    ssize_t n = (ssize_t)len;

    if (e->kind == MXFS_ENTRY_VIRTUAL)
        n = mxfs_vfile_read(&w->reader, e->plan, w->buf, len, offset);
    else if (e->kind == MXFS_ENTRY_RAW)
        n = mxfs_vfile_read_raw(&w->reader, &e->source, w->buf, len, offset);
    else
        memcpy(w->buf, e->text.data + offset, len);
    if (n == (ssize_t)len)
        return 0;
    /* The log names the tensor. */
    return mxfs_fail_told(&w->err, MXFS_EXIT_SOURCE, n < 0 ? (int)-n : EIO);
}

static int write_at(int fd, const uint8_t *data, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        offset += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

static int write_piece(struct export_job *x, struct cmd_worker *w, const struct cmd_piece *piece,
                       int fd)
{
    uint64_t end = piece->offset + piece->size;
    int rc = 0;

    for (uint64_t at = piece->offset, n; at < end && rc == 0; at += n) {
        if (cmd_interrupt_came())
            return -EINTR;
        n = mxfs_min_u64(CHUNK, end - at);
        rc = read_entry(w, x->targets[piece->owner].entry, n, at);
        if (rc == 0 && (rc = write_at(fd, w->buf, n, at)) != 0)
            mxfs_fail(&w->err, MXFS_EXIT_FAILED, -rc, "%s: %s", x->dest.path, strerror(-rc));
        atomic_fetch_add_explicit(&x->progress.done, n, memory_order_relaxed);
    }
    /* Start writing to the disk now, so that the fsync() at the end has less to wait for. */
    if (piece->size > 0)
        sync_file_range(fd, (off_t)piece->offset, (off_t)piece->size, SYNC_FILE_RANGE_WRITE);
    return rc;
}

static int export_piece(void *data, unsigned worker, uint64_t item)
{
    struct export_job *x = data;
    struct cmd_worker *w = &x->workers.worker[worker];
    const struct cmd_piece *piece = &x->pieces.piece[item];
    struct target *t = &x->targets[piece->owner];

    int fd = cmd_dest_open(&x->dest, piece->owner);
    if (fd < 0)
        return mxfs_fail(&w->err, MXFS_EXIT_FAILED, -fd, "%s: %s", x->dest.path, strerror(-fd));
    int rc = write_piece(x, w, piece, fd);
    bool last = atomic_fetch_sub(&t->left, 1) == 1;
    /* EINVAL: the filesystem cannot sync. */
    int failed = rc == 0 && last && fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    if (close(fd) != 0 && failed == 0)
        failed = errno;
    if (rc == 0 && failed != 0)
        rc = mxfs_fail(&w->err, MXFS_EXIT_FAILED, failed, "%s: %s", x->dest.path, strerror(failed));
    return rc;
}

static int read_piece(void *data, unsigned worker, uint64_t item)
{
    struct export_job *x = data;
    const struct cmd_piece *piece = &x->pieces.piece[item];

    return read_entry(&x->workers.worker[worker], x->targets[piece->owner].entry, piece->size,
                      piece->offset);
}

static int stream_piece(void *data, unsigned worker, uint64_t item)
{
    struct export_job *x = data;
    struct cmd_worker *w = &x->workers.worker[worker];
    const uint8_t *at = w->buf;

    for (uint64_t left = x->pieces.piece[item].size; left > 0;) {
        ssize_t n = write(x->output.fd, at, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mxfs_fail(&w->err, MXFS_EXIT_FAILED, errno, "writing to %s: %s", x->output.name,
                             strerror(errno));
        at += n;
        left -= (size_t)n;
        atomic_fetch_add_explicit(&x->progress.done, (unsigned long long)n, memory_order_relaxed);
    }
    return 0;
}

static int tick(void *data)
{
    struct export_job *x = data;

    cmd_progress_draw(&x->progress);
    return cmd_interrupt_came() ? -EINTR : 0;
}

static int add_target(struct export_job *x, struct mxfs_entry *e, const struct mxfs_folder *folder)
{
    struct target *grown =
        mxfs_array_grow(x->targets, x->count + 1, &x->capacity, sizeof(*x->targets));

    if (!grown)
        return -ENOMEM;
    x->targets = grown;
    struct target *t = &grown[x->count];
    memset(t, 0, sizeof(*t));
    t->entry = e;
    t->size = entry_size(e);
    if (x->view->repo.is_file)
        t->rel = strdup("");
    else if (asprintf(&t->rel, "%s/%s", folder->below, e->name) < 0)
        t->rel = NULL;
    if (!t->rel)
        return -ENOMEM;
    x->count++;
    return mxfs_add_u64(x->total, t->size, &x->total) ? 0 : -EOVERFLOW;
}

static int collect(struct export_job *x)
{
    int rc = 0;

    for (size_t f = 0; f < x->view->repo.folder_count; f++) {
        const struct mxfs_folder *folder = x->view->repo.folders[f];
        for (size_t i = 0; i < folder->count && rc == 0; i++) {
            if (folder->entries[i].kind != MXFS_ENTRY_FOLDER)
                rc = add_target(x, &folder->entries[i], folder);
        }
    }
    return rc;
}

static int cut_files(struct export_job *x, uint64_t usual, bool by_unit)
{
    int rc = 0;

    x->pieces.usual = usual;
    for (size_t i = 0; i < x->count && rc == 0; i++) {
        struct target *t = &x->targets[i];
        size_t before = x->pieces.count;
        if (by_unit && t->entry->kind == MXFS_ENTRY_VIRTUAL)
            rc = cmd_pieces_add_plan(&x->pieces, i, t->entry->plan);
        else
            rc = cmd_pieces_add(&x->pieces, i, t->size);
        atomic_init(&t->left, x->pieces.count - before);
    }
    return rc;
}

static int run(struct export_job *x, unsigned workers, size_t buffer, struct mxfs_pool_job job)
{
    int rc = cmd_workers_init(&x->workers, workers, buffer, &x->view->env);

    if (rc != 0)
        return rc;
    job.items = x->pieces.count;
    job.data = x;
    job.tick = tick;
    return cmd_workers_run(&x->workers, job, x->err);
}

static int make_files(struct export_job *x)
{
    const struct mxfs_repo *repo = &x->view->repo;
    int rc = cmd_dest_check_room(&x->dest, x->total, x->err);

    for (size_t i = 0; i < repo->folder_count && rc == 0 && !repo->is_file; i++)
        rc = cmd_dest_add_folder(&x->dest, repo->folders[i]->below, x->err);
    for (size_t i = 0; i < x->count && rc == 0; i++)
        rc = cmd_dest_add_file(&x->dest, x->targets[i].rel, x->targets[i].size, x->err);
    return rc;
}

static int export_files(struct export_job *x, const struct mxfs_options *o)
{
    const struct mxfs_repo *repo = &x->view->repo;
    const struct mxfs_folder *root = repo->folders[0];
    const struct cmd_dest_source what = {!repo->is_file, root->entries[0].name, &root->st};

    int rc = cmd_dest_choose(&x->dest, o->operand[1], &what, o->force, x->err);
    if (rc != 0)
        return rc;
    signal(SIGXFSZ, SIG_IGN); /* report a file size limit as an error, like a full disk */
    cmd_interrupt_catch();
    rc = make_files(x);
    if (rc != 0)
        return rc;
    rc = cut_files(x, PIECE, true);
    if (rc != 0)
        return rc;
    rc = run(x, cmd_jobs(o), CHUNK, (struct mxfs_pool_job){.work = export_piece});
    return rc == 0 ? cmd_dest_commit(&x->dest, x->err) : rc;
}

static int export_stream(struct export_job *x, const struct mxfs_options *o)
{
    if (!x->view->repo.is_file)
        return mxfs_fail(x->err, MXFS_EXIT_USAGE, EISDIR,
                         "%s: cannot stream a folder; name a file as SOURCE or a folder as DEST",
                         x->view->path);
    int rc = cmd_output_check_terminal(&x->output, o->force, x->err);
    if (rc != 0)
        return rc;
    rc = cut_files(x, STREAM_PIECE, false);
    if (rc != 0)
        return rc;
    fcntl(x->output.fd, F_SETPIPE_SZ, STREAM_PIECE); /* fewer wake-ups if it is a pipe */
    /* One worker more than can run, because one of them waits in write(). */
    return run(x, cmd_jobs(o) + 1, STREAM_PIECE,
               (struct mxfs_pool_job){.work = read_piece, .deliver = stream_piece});
}

static void export_fini(struct export_job *x)
{
    cmd_dest_fini(&x->dest);
    cmd_workers_fini(&x->workers);
    cmd_pieces_fini(&x->pieces);
    for (size_t i = 0; i < x->count; i++)
        free(x->targets[i].rel);
    free(x->targets);
}

static int export_view(const struct mxfs_view *view, const struct mxfs_options *o,
                       struct mxfs_error *err)
{
    struct export_job x = {.view = view, .err = err};
    bool stream = cmd_output_find(&x.output, o->operand[1]);

    int rc = collect(&x);
    cmd_progress_begin(&x.progress, x.total, o->quiet || (stream && isatty(x.output.fd)));
    if (rc == 0)
        rc = stream ? export_stream(&x, o) : export_files(&x, o);
    cmd_progress_end(&x.progress, rc == 0 && !stream ? x.dest.path : NULL);
    export_fini(&x);
    if (rc == -EINTR && cmd_interrupt_came())
        mxfs_log_stderr(NULL, MXFS_LOG_ERROR, "interrupted; DEST is unchanged");
    else if (rc == -ENOMEM)
        mxfs_fail_memory(err, NULL);
    else if (rc != 0)
        mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", view->path, strerror(-rc));
    return rc;
}

int cmd_export(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct mxfs_view view;

    int rc = cmd_open_judged(&view, options->operand[0], &options->choices, err);
    if (rc != 0)
        return rc;
    rc = export_view(&view, options, err);
    mxfs_view_close(&view);
    if (rc == -EINTR)
        cmd_interrupt_release();
    if (rc == -EPIPE) /* die like any filter: workers block signals, so none was delivered */
        raise(SIGPIPE);
    return rc;
}
