/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A filesystem with one file that misbehaves, like a failing or slow device.
 *
 *   badfs FILE NAME CONTROL MOUNTPOINT
 *
 * Shows FILE as MOUNTPOINT/NAME. Every read first reads the file CONTROL: "eio BEGIN END" makes
 * reads that touch [BEGIN, END) fail with EIO, "delay MILLISECONDS" makes every read wait. Runs in
 * the foreground, with several threads.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *name, *control;
static int fd;

static int bad_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    (void)fi;
    memset(st, 0, sizeof(*st));
    if (strcmp(path, "/") == 0) {
        st->st_mode = S_IFDIR | 0755;
        st->st_nlink = 2;
        return 0;
    }
    if (strcmp(path + 1, name) != 0)
        return -ENOENT;
    fstat(fd, st);
    st->st_nlink = 1;
    return 0;
}

static int bad_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
                       struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
    (void)path, (void)off, (void)fi, (void)flags;
    fill(buf, name, NULL, 0, 0);
    return 0;
}

static int bad_open(const char *path, struct fuse_file_info *fi)
{
    (void)path;
    fi->direct_io = 1; /* every read comes here */
    return 0;
}

static int bad_read(const char *path, char *buf, size_t len, off_t off, struct fuse_file_info *fi)
{
    long long begin, end, delay;
    char line[128] = "";
    FILE *f = fopen(control, "r");

    (void)path, (void)fi;
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "eio %lld %lld", &begin, &end) == 2 && off < end &&
            off + (off_t)len > begin) {
            fclose(f);
            return -EIO;
        }
        if (sscanf(line, "delay %lld", &delay) == 1) {
            struct timespec t = {delay / 1000, delay % 1000 * 1000000};
            nanosleep(&t, NULL);
        }
    }
    if (f)
        fclose(f);
    ssize_t n = pread(fd, buf, len, off);
    return n < 0 ? -errno : (int)n;
}

int main(int argc, char **argv)
{
    static const struct fuse_operations ops = {
        .getattr = bad_getattr, .readdir = bad_readdir, .open = bad_open, .read = bad_read};
    char *args[] = {argv[0], "-f", NULL, NULL};

    if (argc != 5 || (fd = open(argv[1], O_RDONLY)) < 0) {
        fprintf(stderr, "usage: badfs FILE NAME CONTROL MOUNTPOINT\n");
        return 2;
    }
    name = argv[2];
    control = argv[3];
    args[2] = argv[4];
    return fuse_main(3, args, &ops, NULL);
}
