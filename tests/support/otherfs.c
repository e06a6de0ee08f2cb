/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * An empty filesystem that pretends to be another version of mxfs.
 *
 *   otherfs LAYOUT MOUNTPOINT
 *
 * Answers a request for statistics as mxfs 9.9.9 with layout LAYOUT. With 0 it does not know the
 * request, with -1 its answer is invalid, with -2 the answer would clear a terminal. Runs in the
 * foreground.
 */
#define FUSE_USE_VERSION 35
#include <errno.h>
#include <fuse.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int32_t layout;

static int other_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    (void)fi;
    memset(st, 0, sizeof(*st));
    st->st_mode = S_IFDIR | 0755;
    st->st_nlink = 2;
    return strcmp(path, "/") == 0 ? 0 : -ENOENT;
}

/* The parts of request and answer that must stay the same in all versions. */
static int other_ioctl(const char *path, unsigned cmd, void *arg, struct fuse_file_info *fi,
                       unsigned flags, void *data)
{
    (void)path, (void)arg, (void)fi, (void)flags;
    if (layout == 0 || cmd != (unsigned)_IOR('m', 0xF5, char[1024]))
        return -ENOTTY;
    memset(data, 0, 1024);
    if (layout == -1)
        return 0;
    memcpy(data, "mxfs_st", 8);
    memcpy((char *)data + 8, &layout, 4);
    strcpy((char *)data + 16, layout == -2 ? "\033[2J" : "9.9.9");
    return 0;
}

static const struct fuse_operations ops = {.getattr = other_getattr, .ioctl = other_ioctl};

int main(int argc, char **argv)
{
    char *args[] = {argv[0], "-f", "-osubtype=mxfs,fsname=other", argc == 3 ? argv[2] : NULL, NULL};

    layout = atoi(argv[1]);
    return fuse_main(4, args, &ops, NULL);
}
