/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A folder whose names may be longer than 255 bytes, as on NTFS, ZFS or CIFS.
 *
 *   longnames FOLDER MOUNTPOINT
 *
 * Shows FOLDER, where each name N.rest with a number N is shown as "x...x.rest" of N bytes. Runs in
 * the foreground.
 */
#define FUSE_USE_VERSION 35
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *folder;

/* The long form of a name. */
static void lengthen(char out[PATH_MAX], const char *name)
{
    char *rest;
    unsigned long wanted = strtoul(name, &rest, 10);

    if (rest == name || wanted < strlen(rest) || wanted >= PATH_MAX) {
        snprintf(out, PATH_MAX, "%s", name);
        return;
    }
    memset(out, 'x', wanted);
    strcpy(out + wanted - strlen(rest), rest);
}

/* Where a path with long names leads in the folder. */
static int real_path(char out[PATH_MAX], const char *path)
{
    char part[PATH_MAX], name[PATH_MAX];
    size_t n = (size_t)snprintf(out, PATH_MAX, "%s", folder);

    for (size_t len; *(path += strspn(path, "/")); path += len) {
        struct dirent *e;
        DIR *d = opendir(out);
        len = strcspn(path, "/");
        snprintf(part, sizeof(part), "%.*s", (int)len, path);
        do {
            e = d ? readdir(d) : NULL;
            if (e)
                lengthen(name, e->d_name);
        } while (e && strcmp(name, part) != 0);
        if (e)
            n += (size_t)snprintf(out + n, PATH_MAX - n, "/%s", e->d_name);
        if (d)
            closedir(d);
        if (!e)
            return -ENOENT;
    }
    return 0;
}

static int long_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    char real[PATH_MAX];
    int rc = real_path(real, path);

    (void)fi;
    return rc == 0 && stat(real, st) != 0 ? -errno : rc;
}

static int long_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
                        struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
    char real[PATH_MAX], name[PATH_MAX];
    int rc = real_path(real, path);
    DIR *d = rc == 0 ? opendir(real) : NULL;

    (void)offset, (void)fi, (void)flags;
    if (!d)
        return rc != 0 ? rc : -errno;
    for (struct dirent *e; (e = readdir(d));) {
        lengthen(name, e->d_name);
        fill(buf, name, NULL, 0, 0);
    }
    closedir(d);
    return 0;
}

static int long_open(const char *path, struct fuse_file_info *fi)
{
    char real[PATH_MAX];
    int rc = real_path(real, path), fd = rc == 0 ? open(real, O_RDONLY) : -1;

    fi->fh = (uint64_t)fd;
    return rc == 0 && fd < 0 ? -errno : rc;
}

static int long_release(const char *path, struct fuse_file_info *fi)
{
    (void)path;
    close((int)fi->fh);
    return 0;
}

static int long_read(const char *path, char *buf, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
    ssize_t n = pread((int)fi->fh, buf, size, offset);

    (void)path;
    return n < 0 ? -errno : (int)n;
}

static const struct fuse_operations ops = {
    .getattr = long_getattr,
    .readdir = long_readdir,
    .open = long_open,
    .release = long_release,
    .read = long_read,
};

int main(int argc, char **argv)
{
    char *args[] = {argv[0], "-f", argc == 3 ? argv[2] : NULL, NULL};

    folder = realpath(argv[1], NULL);
    return folder ? fuse_main(3, args, &ops, NULL) : 2;
}
