/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Shows a folder through a filesystem that lacks features, as network filesystems do:
 *
 *   plainfs FOLDER MOUNTPOINT
 *
 * It has no O_TMPFILE, no links and no RENAME_NOREPLACE, and its statfs() has no block size. Runs
 * in the foreground.
 */
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int root;

/* Makes a path from FUSE relative to the root. */
static const char *below(const char *path)
{
    return path[1] ? path + 1 : ".";
}

static int result(int rc)
{
    return rc < 0 ? -errno : 0;
}

static int plain_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    (void)fi;
    return result(fstatat(root, below(path), st, AT_SYMLINK_NOFOLLOW));
}

static int plain_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
                         struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
    int fd = openat(root, below(path), O_RDONLY | O_DIRECTORY);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    (void)off, (void)fi, (void)flags;
    if (!d)
        return -errno;
    while ((e = readdir(d)))
        fill(buf, e->d_name, NULL, 0, 0);
    closedir(d);
    return 0;
}

static int open_file(const char *path, int flags, mode_t mode, struct fuse_file_info *fi)
{
    int fd = openat(root, below(path), flags, mode);
    if (fd < 0)
        return -errno;
    fi->fh = (uint64_t)fd;
    return 0;
}

static int plain_open(const char *path, struct fuse_file_info *fi)
{
    return open_file(path, fi->flags & (O_ACCMODE | O_TRUNC), 0, fi);
}

static int plain_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
    return open_file(path, fi->flags & (O_ACCMODE | O_CREAT | O_EXCL), mode, fi);
}

static int plain_read(const char *path, char *buf, size_t len, off_t off, struct fuse_file_info *fi)
{
    (void)path;
    ssize_t n = pread((int)fi->fh, buf, len, off);
    return n < 0 ? -errno : (int)n;
}

static int plain_write(const char *path, const char *buf, size_t len, off_t off,
                       struct fuse_file_info *fi)
{
    (void)path;
    ssize_t n = pwrite((int)fi->fh, buf, len, off);
    return n < 0 ? -errno : (int)n;
}

static int plain_release(const char *path, struct fuse_file_info *fi)
{
    (void)path;
    return result(close((int)fi->fh));
}

static int plain_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
    (void)path;
    return fi ? result(ftruncate((int)fi->fh, size)) : -ENOSYS;
}

static int plain_mkdir(const char *path, mode_t mode)
{
    return result(mkdirat(root, below(path), mode));
}

static int plain_unlink(const char *path)
{
    return result(unlinkat(root, below(path), 0));
}

static int plain_rmdir(const char *path)
{
    return result(unlinkat(root, below(path), AT_REMOVEDIR));
}

static int plain_rename(const char *from, const char *to, unsigned flags)
{
    return flags ? -EINVAL : result(renameat(root, below(from), root, below(to)));
}

static int plain_statfs(const char *path, struct statvfs *st)
{
    (void)path;
    memset(st, 0, sizeof(*st));
    st->f_blocks = st->f_bfree = st->f_bavail = 1000;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct fuse_operations ops = {
        .getattr = plain_getattr,
        .readdir = plain_readdir,
        .open = plain_open,
        .create = plain_create,
        .read = plain_read,
        .write = plain_write,
        .release = plain_release,
        .truncate = plain_truncate,
        .mkdir = plain_mkdir,
        .unlink = plain_unlink,
        .rmdir = plain_rmdir,
        .rename = plain_rename,
        .statfs = plain_statfs,
    };
    char *args[] = {argv[0], "-f", NULL, NULL};

    if (argc != 3 || (root = open(argv[1], O_RDONLY | O_DIRECTORY)) < 0) {
        fprintf(stderr, "usage: plainfs FOLDER MOUNTPOINT\n");
        return 2;
    }
    args[2] = argv[2];
    return fuse_main(3, args, &ops, NULL);
}
