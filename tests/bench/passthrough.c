/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * passthrough FOLDER MOUNTPOINT: shows the regular files of FOLDER unchanged.
 *
 * from_pretrained.py compares mxfs with this filesystem. Mount options, threads and caching are
 * those of mxfs; replies are spliced from the file, which is the fastest way for data that is not
 * in memory. It stays in the foreground and exits when it is unmounted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/serve.h"

enum { FILES_MAX = 1024, FIRST_INO = FUSE_ROOT_ID + 1 };

/** A served file. Its inode number is its index plus FIRST_INO. */
struct file {
    char *name;
    int fd;
    struct stat st;
};

/** Immutable after start. */
static struct file files[FILES_MAX];
static size_t file_count;

static struct file *file_of(fuse_ino_t ino)
{
    return ino >= FIRST_INO && ino - FIRST_INO < file_count ? &files[ino - FIRST_INO] : NULL;
}

static void attributes(fuse_ino_t ino, struct stat *st)
{
    const struct file *f = file_of(ino);

    memset(st, 0, sizeof(*st));
    if (f)
        *st = f->st;
    bench_attributes(st, ino, f != NULL);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    (void)userdata;
    bench_init(conn, FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param e = {.attr_timeout = bench_forever, .entry_timeout = bench_forever};

    for (size_t i = 0; parent == FUSE_ROOT_ID && i < file_count; i++) {
        if (strcmp(files[i].name, name) == 0) {
            e.ino = FIRST_INO + i;
            attributes(e.ino, &e.attr);
        }
    }
    fuse_reply_entry(req, &e);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat st;

    (void)fi;
    attributes(ino, &st);
    fuse_reply_attr(req, &st, bench_forever);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    bench_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi)
{
    struct file *f = file_of(ino);
    struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);

    (void)fi;
    if (!f) {
        fuse_reply_err(req, EISDIR);
        return;
    }
    data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    data.buf[0].fd = f->fd;
    data.buf[0].pos = off;
    fuse_reply_data(req, &data, FUSE_BUF_SPLICE_MOVE);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                       struct fuse_file_info *fi)
{
    char buf[4096];
    size_t used = 0, room = size < sizeof(buf) ? size : sizeof(buf);

    (void)ino, (void)fi;
    for (size_t i = (size_t)off; i < file_count; i++) {
        struct stat st;
        attributes(FIRST_INO + i, &st);
        size_t need =
            fuse_add_direntry(req, buf + used, room - used, files[i].name, &st, (off_t)i + 1);
        if (need > room - used)
            break;
        used += need;
    }
    fuse_reply_buf(req, buf, used);
}

static const struct fuse_lowlevel_ops ops = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
    .readdir = op_readdir,
};

static int open_files(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *e;

    while (d && file_count < FILES_MAX && (e = readdir(d))) {
        struct file *f = &files[file_count];
        f->fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
        if (f->fd < 0 || fstat(f->fd, &f->st) != 0 || !S_ISREG(f->st.st_mode)) {
            close(f->fd);
            continue;
        }
        f->name = strdup(e->d_name);
        file_count += f->name != NULL;
    }
    return d ? closedir(d) : -1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: passthrough FOLDER MOUNTPOINT\n");
        return 2;
    }
    if (open_files(argv[1]) != 0) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    return bench_serve("passthrough", &ops, sizeof(ops), 10, argv[2]);
}
