/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A filesystem to copy to, with files in memory.
 *
 *   sinkfs MOUNTPOINT
 *
 * Since Linux 5.19 copy_file_range() between filesystems of different types fails with EXDEV before
 * it reaches a daemon; between two FUSE filesystems it copies. Has the files 0 to 63, of 256 KiB
 * each. Runs in the foreground.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 64, FILE_SIZE = 1 << 18 };

static uint8_t files[FILES][FILE_SIZE];

/* The bytes of the file at a path, or NULL. */
static uint8_t *find(const char *path)
{
    char *end;
    unsigned long n = strtoul(path + 1, &end, 10);
    return path[1] && *end == '\0' && n < FILES ? files[n] : NULL;
}

/* How many of the `len` bytes at `off` are inside a file. */
static size_t within(size_t len, off_t off)
{
    size_t left = off < FILE_SIZE ? (size_t)(FILE_SIZE - off) : 0;
    return len < left ? len : left;
}

static int sink_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    (void)fi;
    memset(st, 0, sizeof(*st));
    st->st_mode = S_IFDIR | 0700;
    st->st_nlink = 1;
    if (find(path)) {
        st->st_mode = S_IFREG | 0600;
        st->st_size = FILE_SIZE;
        return 0;
    }
    return strcmp(path, "/") == 0 ? 0 : -ENOENT;
}

static int sink_open(const char *path, struct fuse_file_info *fi)
{
    fi->direct_io = 1; /* reads must return the bytes written here */
    return find(path) ? 0 : -ENOENT;
}

static int sink_read(const char *path, char *buf, size_t len, off_t off, struct fuse_file_info *fi)
{
    (void)fi;
    len = within(len, off);
    memcpy(buf, find(path) + off, len);
    return (int)len;
}

static int sink_write(const char *path, const char *buf, size_t len, off_t off,
                      struct fuse_file_info *fi)
{
    (void)fi;
    len = within(len, off);
    memcpy(find(path) + off, buf, len);
    return len ? (int)len : -ENOSPC;
}

int main(int argc, char **argv)
{
    static const struct fuse_operations ops = {
        .getattr = sink_getattr, .open = sink_open, .read = sink_read, .write = sink_write};
    char *args[] = {argv[0], "-f", "-s", argc == 2 ? argv[1] : NULL, NULL};

    return fuse_main(4, args, &ops, NULL);
}
