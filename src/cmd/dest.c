/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Destinations of exports.
 */

#include "dest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "mxfs/array.h"
#include "mxfs/path.h"
#include "mxfs/text.h"

enum { TRIES = 100, NAME_KEPT = 200 };

static int fail(struct mxfs_error *err, const char *path, int errnum)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, errnum, "%s: %s", path, strerror(errnum));
}

static char *concat(const char *a, const char *b)
{
    char *s;
    return asprintf(&s, "%s%s", a, b) < 0 ? NULL : s;
}

char *cmd_dest_path(const struct cmd_dest *dest, const char *rel)
{
    return concat(dest->temp, rel);
}

static bool is_empty_folder(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    if (!d)
        return false;
    while (n < 3 && readdir(d))
        n++;
    closedir(d);
    return n < 3;
}

static int refuse(struct mxfs_error *err, const char *path, const char *why)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, EEXIST, "%s: %s", path, why);
}

/* Whether what exists at dest->path may be overwritten, or filled. */
static int judge_existing(struct cmd_dest *d, const struct stat *st,
                          const struct cmd_dest_source *source, bool force, struct mxfs_error *err)
{
    if (st->st_dev == source->st->st_dev && st->st_ino == source->st->st_ino)
        return refuse(err, d->path, "is SOURCE itself; expected another DEST");
    if (S_ISDIR(st->st_mode)) {
        if (!d->folder)
            return refuse(err, d->path, "is a folder; expected the name of a file");
        if (!force && !is_empty_folder(d->path))
            return refuse(err, d->path,
                          "is not empty; expected a new or empty folder, or --force to overwrite "
                          "files of the same names");
        return 0;
    }
    if (d->folder)
        return refuse(err, d->path, "is not a folder; expected one, since SOURCE is a folder");
    if (!S_ISREG(st->st_mode))
        return refuse(err, d->path, "is not a regular file; expected one, or - for stdout");
    if (!force)
        return refuse(err, d->path, "exists; expected another DEST, or --force to overwrite it");
    return 0;
}

/* Follows links, so that the new file is written next to the one that it replaces. */
static int resolve(struct cmd_dest *d, struct mxfs_error *err)
{
    char *real = realpath(d->path, NULL);

    if (!real)
        return fail(err, d->path, errno);
    free(d->path);
    d->path = real;
    return 0;
}

int cmd_dest_choose(struct cmd_dest *dest, const char *given, const struct cmd_dest_source *source,
                    bool force, struct mxfs_error *err)
{
    struct stat st;

    *dest = (struct cmd_dest){.folder = source->folder, .force = force};
    int rc = mxfs_path_resolve(&dest->path, given, MXFS_EXIT_FAILED, err);
    if (rc != 0)
        return rc;
    dest->exists = stat(dest->path, &st) == 0;
    if (!source->folder && dest->exists && S_ISDIR(st.st_mode)) {
        char *inside = mxfs_path_join(dest->path, source->name);
        free(dest->path);
        if (!(dest->path = inside))
            return mxfs_fail_memory(err, NULL);
        dest->exists = stat(dest->path, &st) == 0;
    } else if (!source->folder && !dest->exists && given[strlen(given) - 1] == '/') {
        return refuse(err, given,
                      "no such folder; expected an existing one, or the name of a file");
    }
    if (!dest->exists)
        return errno == ENOENT ? 0 : fail(err, dest->path, errno);
    rc = judge_existing(dest, &st, source, force, err);
    return rc == 0 ? resolve(dest, err) : rc;
}

/* The folder that is written into. */
static char *base_of(const struct cmd_dest *d)
{
    return d->folder && d->exists ? strdup(d->path) : mxfs_path_dirname(d->path);
}

int cmd_dest_check_room(const struct cmd_dest *dest, uint64_t bytes, struct mxfs_error *err)
{
    char *base = base_of(dest), sizes[2][MXFS_TEXT_SIZE];
    struct statvfs st;
    int rc = 0;

    if (!base)
        return mxfs_fail_memory(err, NULL);
    if (statvfs(base, &st) != 0) {
        rc = fail(err, base, errno);
    } else if (st.f_blocks > 0) { /* some network filesystems do not know their size */
        uint64_t blocks = geteuid() == 0 ? st.f_bfree : st.f_bavail;
        if (bytes / st.f_frsize >= blocks && bytes > blocks * st.f_frsize)
            rc = mxfs_fail(err, MXFS_EXIT_FAILED, ENOSPC, "%s: %s free, %s needed", base,
                           mxfs_text_size(sizes[0], blocks * st.f_frsize),
                           mxfs_text_size(sizes[1], bytes));
    }
    free(base);
    return rc;
}

/* A hidden name, next to what is made or inside what is filled; it ends in the process ID. */
static char *temp_name(const struct cmd_dest *d, int attempt)
{
    char *base = base_of(d), *name = NULL;
    const char *kept = d->folder && d->exists ? "export" : mxfs_path_basename(d->path);

    if (base && asprintf(&name, "%s/.%.*s.mxfs-%ld-%d", strcmp(base, "/") == 0 ? "" : base,
                         NAME_KEPT, kept, (long)getpid(), attempt) < 0)
        name = NULL;
    free(base);
    return name;
}

/* Makes one file or folder; returns a descriptor of the file, 0 for a folder, or -errno. */
static int make(const char *path, bool folder)
{
    int rc = folder ? mkdir(path, 0777) : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return rc < 0 ? -errno : rc;
}

/* Makes the first one, under an unused name. */
static int make_temp(struct cmd_dest *d, bool folder)
{
    int rc = -EEXIST;

    for (int i = 0; i < TRIES && rc == -EEXIST; i++) {
        free(d->temp);
        d->temp = temp_name(d, i);
        rc = d->temp ? make(d->temp, folder) : -ENOMEM;
    }
    if (rc < 0) {
        free(d->temp);
        d->temp = NULL;
    }
    return rc;
}

static const char *path_of(const struct cmd_dest *d, const struct cmd_made *made)
{
    return made->path ? made->path : d->temp;
}

/* The path below temp. */
static const char *rel_of(const struct cmd_dest *d, const struct cmd_made *made)
{
    return path_of(d, made) + strlen(d->temp);
}

/* Makes temp + rel and records it; returns like make(), with err filled. */
static int add(struct cmd_dest *d, const char *rel, bool folder, struct mxfs_error *err)
{
    struct cmd_made *grown =
        mxfs_array_grow(d->made, d->made_count + 1, &d->made_capacity, sizeof(*d->made));
    char *path = d->temp ? cmd_dest_path(d, rel) : NULL;
    int rc = -ENOMEM;

    if (grown)
        d->made = grown;
    if (grown && !d->temp)
        rc = make_temp(d, folder);
    else if (grown && path)
        rc = make(path, folder);
    if (rc >= 0)
        d->made[d->made_count++] = (struct cmd_made){path, folder};
    else
        free(path);
    return rc < 0 ? fail(err, d->path, -rc) : rc;
}

int cmd_dest_add_folder(struct cmd_dest *dest, const char *rel, struct mxfs_error *err)
{
    return add(dest, rel, true, err);
}

int cmd_dest_add_file(struct cmd_dest *dest, const char *rel, uint64_t size, struct mxfs_error *err)
{
    int fd = add(dest, rel, false, err), rc = 0;

    if (fd < 0)
        return fd;
    if (ftruncate(fd, (off_t)size) != 0)
        rc = -errno;
    close(fd);
    return rc == 0 ? 0 : fail(err, dest->path, -rc);
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EINVAL: this filesystem cannot sync folders. */
    int rc = fd < 0 || (fsync(fd) != 0 && errno != EINVAL) ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

static int sync_folders(const struct cmd_dest *d, const char *root)
{
    int rc = 0;

    for (size_t i = 0; i < d->made_count && rc == 0; i++) {
        char *path = concat(root, rel_of(d, &d->made[i]));
        if (!path)
            return -ENOMEM;
        if (d->made[i].folder)
            rc = sync_folder(path);
        free(path);
    }
    return rc;
}

/* Does not overwrite what appeared in the meantime, except with `force`. */
static int move_file(const struct cmd_dest *d, const char *from, const char *to)
{
    struct stat st;

    if (!d->force) {
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -errno;
        if (lstat(to, &st) == 0)
            return -EEXIST;
    }
    return rename(from, to) == 0 ? 0 : -errno;
}

/* A file may go where nothing is, or with `force` over another file. */
static int check_place(const char *path, bool folder, bool force)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    if (folder)
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return force ? 0 : -EEXIST;
}

static int move_one(const struct cmd_dest *d, const struct cmd_made *made, const char *to)
{
    if (made->folder)
        return mkdir(to, 0777) == 0 || errno == EEXIST ? 0 : -errno;
    return move_file(d, path_of(d, made), to);
}

/* Checks all places before it moves the first file. */
static int fill_folder(const struct cmd_dest *d, struct mxfs_error *err)
{
    int rc = 0;

    for (int moving = 0; moving < 2; moving++) {
        for (size_t i = 1; i < d->made_count && rc == 0; i++) {
            const struct cmd_made *made = &d->made[i];
            char *to = concat(d->path, rel_of(d, made));
            if (!to)
                return mxfs_fail_memory(err, NULL);
            rc = moving ? move_one(d, made, to) : check_place(to, made->folder, d->force);
            if (rc != 0)
                fail(err, to, -rc);
            free(to);
        }
    }
    return rc;
}

static int put_in_existing_folder(struct cmd_dest *d, const char *base, struct mxfs_error *err)
{
    int rc = fill_folder(d, err);
    if (rc != 0)
        return rc;
    rc = sync_folders(d, d->path);
    return rc == 0 ? sync_folder(base) : rc;
}

/* Once it is in its place, only the disk can fail. */
static int put_in_place(struct cmd_dest *d, const char *base, struct mxfs_error *err)
{
    if (d->folder && d->exists)
        return put_in_existing_folder(d, base, err);
    int rc = sync_folders(d, d->temp);
    if (rc != 0)
        return rc;
    rc = move_file(d, d->temp, d->path);
    return rc == 0 ? sync_folder(base) : rc;
}

int cmd_dest_commit(struct cmd_dest *dest, struct mxfs_error *err)
{
    char *base = base_of(dest);
    int rc = base ? put_in_place(dest, base, err) : -ENOMEM;

    free(base);
    return rc == 0 ? 0 : fail(err, dest->path, -rc);
}

int cmd_dest_check_stdout(bool force, struct mxfs_error *err)
{
    if (force || !isatty(STDOUT_FILENO))
        return 0;
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                     "stdout is a terminal; expected a pipe or file, or --force");
}

/* Needs no memory, since running out of it may be what failed. */
void cmd_dest_fini(struct cmd_dest *dest)
{
    for (size_t i = dest->made_count; i-- > 0;) {
        const char *path = path_of(dest, &dest->made[i]);
        if (dest->made[i].folder)
            rmdir(path);
        else
            unlink(path);
        free(dest->made[i].path);
    }
    free(dest->made);
    free(dest->temp);
    free(dest->path);
    *dest = (struct cmd_dest){0};
}
