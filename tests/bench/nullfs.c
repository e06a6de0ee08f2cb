/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Filesystems to compare with. Each serves a single file called "file".
 *
 *   nullfs [--direct-io] [--threads=N] SIZE MOUNTPOINT
 *       The upper bound: every read is answered at once from a buffer that stays in the CPU cache,
 *       like that of a filesystem that generates its data. Mount options, threads and capabilities
 *       are those of mxfs, so all that is left is the cost of the kernel's FUSE path.
 *
 *   nullfs [--threads=N] --rate=BYTES FILE MOUNTPOINT
 *       A slow disk: serves FILE at no more than BYTES per second. Requests queue for the device;
 *       time in which it was idle is not made up for.
 *
 * Both stay in the foreground and exit when they are unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/serve.h"

enum { FILE_INO = 2, PAGE = 4096, REQUEST_MAX = 1 << 20 };

/** The served file. Immutable after start, except for the queue. */
static struct {
    uint64_t size;
    bool direct_io;
    unsigned threads;
    uint64_t rate;    /* bytes per second; 0 for the null filesystem */
    int fd;           /* of FILE, if there is a rate */
    struct stat like; /* FILE's times */
    pthread_mutex_t lock;
    uint64_t free_at; /* when the device is idle again, in nanoseconds; protected by `lock` */
    pthread_key_t buffer;
} served = {.threads = 10, .fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Waits until the device has delivered `len` bytes. */
static void wait_turn(size_t len)
{
    uint64_t now = now_ns();
    pthread_mutex_lock(&served.lock);
    uint64_t start = served.free_at > now ? served.free_at : now;
    uint64_t end = served.free_at = start + len * 1000000000u / served.rate;
    pthread_mutex_unlock(&served.lock);
    struct timespec at = {(time_t)(end / 1000000000u), (long)(end % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

static uint8_t *thread_buffer(void)
{
    uint8_t *p = pthread_getspecific(served.buffer);
    if (!p) {
        p = aligned_alloc(PAGE, REQUEST_MAX);
        if (!p)
            abort();
        memset(p, 0x3f, REQUEST_MAX);
        pthread_setspecific(served.buffer, p);
    }
    return p;
}

static void attributes(fuse_ino_t ino, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    st->st_mtim = st->st_ctim = served.like.st_mtim;
    if (ino == FILE_INO)
        st->st_size = (off_t)served.size;
    bench_attributes(st, ino, ino == FILE_INO);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    (void)userdata;
    bench_init(conn, FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param e = {.attr_timeout = bench_forever, .entry_timeout = bench_forever};
    if (parent == FUSE_ROOT_ID && strcmp(name, "file") == 0) {
        e.ino = FILE_INO;
        attributes(e.ino, &e.attr);
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
    fi->direct_io = served.direct_io;
    bench_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
                    struct fuse_file_info *fi)
{
    uint8_t *p = thread_buffer();
    (void)ino, (void)fi;
    if (size > REQUEST_MAX)
        size = REQUEST_MAX;
    if ((uint64_t)off + size > served.size)
        size = (uint64_t)off < served.size ? served.size - (uint64_t)off : 0;
    if (served.rate > 0) {
        ssize_t n = pread(served.fd, p, size, off);
        if (n < 0) {
            fuse_reply_err(req, errno);
            return;
        }
        size = (size_t)n;
        wait_turn(size);
    } else {
        for (size_t i = 0; i < size; i += PAGE)
            memcpy(p + i, &off, sizeof(off));
    }
    fuse_reply_buf(req, (const char *)p, size);
}

static const struct fuse_lowlevel_ops ops = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .open = op_open,
    .read = op_read,
};

static int open_file(const char *path)
{
    served.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (served.fd < 0 || fstat(served.fd, &served.like) != 0) {
        perror(path);
        return -1;
    }
    served.size = (uint64_t)served.like.st_size;
    return 0;
}

int main(int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--direct-io") == 0)
            served.direct_io = true;
        else if (strncmp(argv[i], "--threads=", 10) == 0)
            served.threads = (unsigned)strtoul(argv[i] + 10, NULL, 10);
        else if (strncmp(argv[i], "--rate=", 7) == 0)
            served.rate = strtoull(argv[i] + 7, NULL, 10);
        else
            break;
    }
    if (argc - i != 2) {
        fprintf(stderr, "usage: nullfs [--direct-io] [--threads=N] SIZE MOUNTPOINT\n"
                        "       nullfs [--threads=N] --rate=BYTES FILE MOUNTPOINT\n");
        return 2;
    }
    if (served.rate == 0)
        served.size = strtoull(argv[i], NULL, 10);
    else if (open_file(argv[i]) != 0)
        return EXIT_FAILURE;
    pthread_key_create(&served.buffer, free);
    return bench_serve("nullfs", &ops, sizeof(ops), served.threads, argv[i + 1]);
}
