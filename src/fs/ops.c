/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * FUSE requests: each becomes one call of the tree and one reply. Errnos change their sign in
 * reply_err() and nowhere else.
 *
 * Every inode is static, so there is no forget; the mount is read-only, so there are no calls that
 * change anything. Extended attributes are left out unless the user wants them: after ENOSYS the
 * kernel never asks again, which makes `ls -l` of many files faster.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "mxfs/log.h"
#include "readahead.h"
#include "stats.h"

/*
 * Seconds for which the kernel may remember names and attributes: a year, because nothing changes
 * while the mount is there. What is not used gives way to memory pressure.
 */
static const double forever = 365 * 24 * 3600.0;

enum {
    /*
     * Requests that the kernel may have under way without a reader waiting for each (readahead),
     * for all readers together; its default is 12. Every sequential reader has two, so this is
     * enough for 32 readers, and for 24 before the kernel sees congestion and reads less ahead.
     */
    MAX_BACKGROUND = 64,
    /* Background requests at which it sees congestion: three quarters, as by default. */
    CONGESTION = MAX_BACKGROUND / 4 * 3,
};

static void reply_err(fuse_req_t req, int rc)
{
    fuse_reply_err(req, -rc);
}

/* Where every request begins. */
static struct fs_context *context_of(fuse_req_t req)
{
    struct fs_context *fs = fuse_req_userdata(req);

    if (fs->options->idle_timeout)
        atomic_store_explicit(&fs->counters.last, fs_now(), memory_order_relaxed);
    return fs;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    struct fs_context *fs = userdata;

    /* For bytes that were just decoded, splicing a reply costs more than copying it. */
    conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    conn->want |=
        conn->capable & (FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
                         FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_EXPORT_SUPPORT);
    conn->max_background = MAX_BACKGROUND;
    conn->congestion_threshold = CONGESTION;
    if (fs->options->readahead)
        conn->max_readahead = (unsigned)mxfs_min_u64(conn->max_readahead, fs->options->readahead);
}

static struct fuse_entry_param entry_of(const struct stat *st)
{
    return (struct fuse_entry_param){
        .ino = st->st_ino, .attr = *st, .attr_timeout = forever, .entry_timeout = forever};
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct stat st;
    int rc = mxfs_tree_lookup(context_of(req)->tree, parent, name, &st);

    if (rc == 0) {
        struct fuse_entry_param e = entry_of(&st);
        fuse_reply_entry(req, &e);
    } else if (rc == -ENOENT) {
        /* Inode 0: the kernel may also remember that the name does not exist. */
        struct fuse_entry_param none = {.entry_timeout = forever};
        fuse_reply_entry(req, &none);
    } else {
        reply_err(req, rc);
    }
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat st;
    int rc = mxfs_tree_getattr(context_of(req)->tree, ino, &st);

    (void)fi;
    if (rc == 0)
        fuse_reply_attr(req, &st, forever);
    else
        reply_err(req, rc);
}

static struct fs_stream *stream_of(const struct fuse_file_info *fi)
{
    return (struct fs_stream *)(uintptr_t)fi->fh;
}

static void close_file(struct fs_context *fs, const struct fuse_file_info *fi)
{
    fs_stream_free(&fs->decoder, stream_of(fi));
    atomic_fetch_sub_explicit(&fs->counters.open, 1, memory_order_relaxed);
}

/* Not before the first open(): by then the kernel has seen the reply to INIT. */
static void widen_readahead(struct fs_context *fs)
{
    uint64_t size = fs->options->readahead ? fs->options->readahead : FS_READAHEAD_DEFAULT;
    int fd = atomic_exchange(&fs->readahead, -1);
    int rc = fd < 0 ? 0 : fs_readahead_widen(fd, size);

    if (rc != 0)
        mxfs_log(MXFS_LOG_DEBUG, "the kernel's readahead stays as it is: %s", strerror(-rc));
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct fs_context *fs = context_of(req);

    /* The kernel refuses writers on a read-only mount, but root may have remounted it. */
    if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)) {
        reply_err(req, -EROFS);
        return;
    }
    if (MXFS_UNLIKELY(atomic_load_explicit(&fs->readahead, memory_order_relaxed) >= 0))
        widen_readahead(fs);
    fi->keep_cache = 1;
    fi->direct_io = fs->options->direct_io;
    fi->noflush = 1;
    /* Without memory for a stream, the file is read without decoding ahead. */
    if (fs->options->direct_io || (fi->flags & O_DIRECT))
        fi->fh = (uintptr_t)fs_stream_new(&fs->decoder, ino);
    atomic_fetch_add_explicit(&fs->counters.open, 1, memory_order_relaxed);
    /* An interrupted open() has no file, and no release will follow. */
    if (fuse_reply_open(req, fi) == -ENOENT)
        close_file(fs, fi);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    close_file(context_of(req), fi);
    fuse_reply_err(req, 0);
}

/* After the reply, loads what will be wanted next, unless enough other threads are doing that. */
static void look_ahead(struct fs_context *fs, struct fs_buffers *b)
{
    unsigned busy = atomic_fetch_add_explicit(&fs->looking_ahead, 1, memory_order_relaxed);

    if (busy < mxfs_vfile_ahead_threads(fs->options->threads))
        mxfs_vfile_look_ahead(&b->reader);
    atomic_fetch_sub_explicit(&fs->looking_ahead, 1, memory_order_relaxed);
}

static void add(_Atomic uint64_t *to, uint64_t n)
{
    if (n > 0)
        atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

/* Adds what a request has done, once, because the counters are shared by all threads. */
static void count(struct fs_counters *c, struct mxfs_vfile_tally *tally)
{
    add(&c->bytes_read, tally->bytes_read);
    add(&c->units, tally->units);
    add(&c->load_ns, tally->load_ns);
    add(&c->decode_ns, tally->decode_ns);
    *tally = (struct mxfs_vfile_tally){0};
}

static void reply_read(struct fs_context *fs, fuse_req_t req, const struct fs_buffers *b, ssize_t n)
{
    if (n < 0) {
        add(&fs->counters.errors, 1);
        reply_err(req, (int)n);
        return;
    }
    add(&fs->counters.reads, 1);
    add(&fs->counters.bytes, (uint64_t)n);
    fuse_reply_buf(req, (const char *)b->reply, (size_t)n);
}

ssize_t fs_read(void *data, uint64_t ino, struct fs_buffers *b, size_t size, uint64_t offset)
{
    struct fs_context *fs = data;
    ssize_t n = mxfs_tree_read(fs->tree, ino, &b->reader, b->reply, size, offset);

    count(&fs->counters, &b->reader.tally);
    return n;
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi)
{
    struct fs_context *fs = context_of(req);
    struct fs_stream *stream = stream_of(fi);
    struct fs_buffers *b;
    ssize_t n = -ENOMEM;

    if (stream)
        b = fs_stream_read(&fs->decoder, stream, size, (uint64_t)off, &n);
    else if ((b = fs_buffers_take(&fs->buffers, size)))
        n = fs_read(fs, ino, b, size, (uint64_t)off);
    reply_read(fs, req, b, n);
    if (b && mxfs_vfile_has_hint(&b->reader)) {
        look_ahead(fs, b);
        count(&fs->counters, &b->reader.tally);
    }
    fs_buffers_give(&fs->buffers, b);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino, (void)context_of(req);
    /* A folder never changes, so it is listed once and then comes from the kernel's cache. */
    fi->cache_readdir = 1;
    fi->keep_cache = 1;
    fuse_reply_open(req, fi);
}

/* Fills one reply from entry `off` on; an entry that does not fit comes first in the next one. */
static void list_directory(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
    struct fs_context *fs = context_of(req);
    struct fs_buffers *b = fs_buffers_take(&fs->buffers, size);
    uint64_t cookie = (uint64_t)off;
    struct mxfs_tree_entry next;
    size_t used = 0;
    int rc = b ? 1 : -ENOMEM;

    while (rc > 0 && (rc = mxfs_tree_next(fs->tree, ino, &cookie, &next)) > 0) {
        struct fuse_entry_param e = entry_of(&next.st);
        char *at = (char *)b->reply + used;
        size_t room = size - used, need;
        need = plus ? fuse_add_direntry_plus(req, at, room, next.name, &e, (off_t)cookie)
                    : fuse_add_direntry(req, at, room, next.name, &next.st, (off_t)cookie);
        if (need > room)
            break;
        used += need;
    }
    if (rc < 0)
        reply_err(req, rc);
    else
        fuse_reply_buf(req, (const char *)b->reply, used);
    fs_buffers_give(&fs->buffers, b);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                       struct fuse_file_info *fi)
{
    (void)fi;
    list_directory(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                           struct fuse_file_info *fi)
{
    (void)fi;
    list_directory(req, ino, size, off, true);
}

/* Replies with `n` bytes of the reply buffer, with `n` itself if size is 0, or with -errno. */
static void reply_xattr(fuse_req_t req, const struct fs_buffers *b, ssize_t n, size_t size)
{
    if (n < 0)
        reply_err(req, (int)n);
    else if (size == 0)
        fuse_reply_xattr(req, (size_t)n);
    else
        fuse_reply_buf(req, (const char *)b->reply, (size_t)n);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    struct fs_context *fs = context_of(req);
    struct fs_buffers *b = fs_buffers_take(&fs->buffers, size);
    ssize_t n = b ? mxfs_tree_getxattr(fs->tree, ino, name, (char *)b->reply, size) : -ENOMEM;

    reply_xattr(req, b, n, size);
    fs_buffers_give(&fs->buffers, b);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct fs_context *fs = context_of(req);
    struct fs_buffers *b = fs_buffers_take(&fs->buffers, size);
    ssize_t n = b ? mxfs_tree_listxattr(fs->tree, ino, (char *)b->reply, size) : -ENOMEM;

    reply_xattr(req, b, n, size);
    fs_buffers_give(&fs->buffers, b);
}

static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
                     struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
                     size_t out_size)
{
    union fs_stats_answer answer;

    (void)arg, (void)fi, (void)flags, (void)in, (void)in_size;
    if (cmd != FS_STATS_IOCTL || ino != MXFS_ROOT_INODE || out_size < sizeof(answer)) {
        reply_err(req, -ENOTTY);
        return;
    }
    fs_stats_answer(context_of(req), &answer);
    fuse_reply_ioctl(req, 0, &answer, sizeof(answer));
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct statvfs st;

    (void)ino;
    mxfs_tree_statfs(context_of(req)->tree, &st);
    fuse_reply_statfs(req, &st);
}

static const struct fuse_lowlevel_ops ops = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .open = op_open,
    .release = op_release,
    .read = op_read,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .statfs = op_statfs,
    .ioctl = op_ioctl,
};

struct fuse_lowlevel_ops fs_ops_for(const struct mxfs_fs_options *options)
{
    struct fuse_lowlevel_ops chosen = ops;

    if (options->xattr) {
        chosen.getxattr = op_getxattr;
        chosen.listxattr = op_listxattr;
    }
    return chosen;
}
