/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Export destinations.
 */
#include "dest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "mxfs/array.h"
#include "mxfs/log.h"
#include "mxfs/path.h"
#include "mxfs/text.h"
#include "unnamed.h"

static int fail(struct mxfs_error *err, const char *path, int errnum)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, errnum, "%s: %s", path, strerror(errnum));
}

static int refuse(struct mxfs_error *err, const char *path, const char *why)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, EEXIST, "%s: %s", path, why);
}

/* Turns the -1 of a failed open() into -errno. */
static int opened(int fd)
{
    return fd < 0 ? -errno : fd;
}

static bool fills(const struct cmd_dest *d)
{
    return d->folder && d->exists;
}

/* The folder to write to. */
static int base_of(const struct cmd_dest *d)
{
    return fills(d) ? d->place.self : d->place.folder;
}

/* The part of a stage's name that identifies its export. */
static const char *kept_name(const struct cmd_dest *d)
{
    return fills(d) ? "export" : d->place.name;
}

/* Fails unless the existing DEST may be overwritten or filled. */
static int judge_existing(const struct cmd_dest *d, struct mxfs_error *err)
{
    mode_t mode = d->place.st.st_mode;

    if (S_ISDIR(mode)) {
        if (!d->folder)
            return refuse(err, d->path, "is a folder; name a file in it");
        if (!d->force && !cmd_stage_is_empty_folder(d->place.self))
            return refuse(err, d->path,
                          "is not empty; use --force to overwrite files of the same names");
        return 0;
    }
    if (d->folder)
        return refuse(err, d->path, "is not a folder, but SOURCE is");
    if (!S_ISREG(mode))
        return refuse(err, d->path, "is not a regular file; use - to write to stdout");
    if (!d->force)
        return refuse(err, d->path, "already exists; use --force to overwrite it");
    return 0;
}

/* A file exported into a folder keeps its name. */
static int enter_folder(struct cmd_dest *d, const char *name)
{
    char *inside = mxfs_path_join(d->path, name);

    if (!inside)
        return -ENOMEM;
    free(d->path);
    d->path = inside;
    return cmd_place_enter(&d->place, name);
}

static bool is_folder(const struct cmd_place *place)
{
    return place->self >= 0 && S_ISDIR(place->st.st_mode);
}

static int find(struct cmd_dest *d, const char *given, const char *name)
{
    int rc = cmd_place_find(&d->place, given);

    if (rc == 0 && !d->folder && is_folder(&d->place))
        rc = enter_folder(d, name);
    d->exists = d->place.self >= 0;
    return rc;
}

static void sweep(const struct cmd_dest *d)
{
    unsigned n = cmd_stage_sweep(base_of(d), kept_name(d));

    if (n > 0)
        mxfs_log(MXFS_LOG_NOTICE, "%s: removed the leftovers of %u killed export%s", d->path, n,
                 n == 1 ? "" : "s");
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int cmd_dest_choose(struct cmd_dest *dest, const char *given, const struct cmd_dest_source *source,
                    bool force, struct mxfs_error *err)
{
    *dest = (struct cmd_dest){
        .folder = source->folder, .force = force, .place = CMD_PLACE_NONE, .stage = CMD_STAGE_NONE};
    int rc = mxfs_path_resolve(&dest->path, given, MXFS_EXIT_FAILED, err);
    if (rc != 0)
        return rc;
    rc = find(dest, given, source->name);
    if (rc != 0)
        return fail(err, dest->path, -rc);
    if (!dest->folder && !dest->exists && given[strlen(given) - 1] == '/')
        return refuse(err, given, "no such folder");
    if (cmd_place_check_links(&dest->place, base_of(dest)) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EPERM,
                         "%s: another user's symbolic link leads to a folder that the link's owner "
                         "does not own; use a path without that link",
                         dest->path);
    if (dest->exists && is_same(&dest->place.st, source->st))
        return refuse(err, dest->path, "is SOURCE itself");
    sweep(dest);
    return dest->exists ? judge_existing(dest, err) : 0;
}

int cmd_dest_check_room(const struct cmd_dest *dest, uint64_t bytes, struct mxfs_error *err)
{
    char sizes[2][MXFS_TEXT_SIZE];
    struct statvfs st;

    if (fstatvfs(base_of(dest), &st) != 0)
        return fail(err, dest->path, errno);
    uint64_t blocks = geteuid() == 0 ? st.f_bfree : st.f_bavail;
    /* Some network filesystems report no size, or no block size. */
    if (st.f_blocks == 0 || st.f_frsize == 0 || bytes / st.f_frsize < blocks ||
        bytes <= blocks * st.f_frsize)
        return 0;
    char *base = fills(dest) ? strdup(dest->path) : mxfs_path_dirname(dest->path);
    int rc = mxfs_fail(err, MXFS_EXIT_FAILED, ENOSPC, "%s: not enough space: %s free, %s needed",
                       base ? base : dest->path, mxfs_text_size(sizes[0], blocks * st.f_frsize),
                       mxfs_text_size(sizes[1], bytes));
    free(base);
    return rc;
}

static int make_file(int folder, const char *name)
{
    int fd =
        opened(openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    return fd < 0 ? fd : close(fd) == 0 ? 0 : -errno;
}

static int make_folder(int parent, const char *name)
{
    return mkdirat(parent, name, 0777) == 0 ? 0 : -errno;
}

static int stage_one(const struct cmd_stage *stage, struct cmd_made *made, bool folder)
{
    const char *name;
    int rc, parent = cmd_place_open_parent(stage->folder, made->path, &name);

    if (parent < 0)
        return parent;
    if (folder)
        rc = make_folder(parent, name);
    else if (made->fd >= 0)
        rc = cmd_unnamed_name(made->fd, parent, name);
    else
        rc = make_file(parent, name);
    close(parent);
    made->staged = rc == 0;
    return rc;
}

static int stage_list(const struct cmd_stage *stage, struct cmd_made_list *list, bool folders)
{
    int rc = 0;

    for (size_t i = 0; i < list->count && rc == 0; i++) {
        if (!list->item[i].staged)
            rc = stage_one(stage, &list->item[i], folders);
    }
    return rc;
}

static void close_files(struct cmd_made_list *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->item[i].fd >= 0)
            close(files->item[i].fd);
        files->item[i].fd = -1;
    }
}

static int make_stage(struct cmd_dest *d, struct mxfs_error *err)
{
    int rc = cmd_stage_make(&d->stage, base_of(d), kept_name(d));

    if (rc == -ESTALE)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EPERM,
                         "%s: another user replaced the temporary folder", d->path);
    return rc;
}

/* Moves everything to the stage, which is made first if there is none. */
static int stage_all(struct cmd_dest *d, struct mxfs_error *err)
{
    int rc = d->stage.folder >= 0 ? 0 : make_stage(d, err);

    if (rc == 0)
        rc = stage_list(&d->stage, &d->folders, true);
    if (rc == 0)
        rc = stage_list(&d->stage, &d->files, false);
    if (rc == 0)
        close_files(&d->files);
    return rc;
}

/* Appends a file or folder; NULL if out of memory. */
static struct cmd_made *note(struct cmd_made_list *list, const char *rel)
{
    char *path;
    void *grown =
        mxfs_array_grow(list->item, list->count + 1, &list->capacity, sizeof(*list->item));

    if (!grown)
        return NULL;
    list->item = grown;
    if (asprintf(&path, "%s%s", CMD_STAGE_CONTENT, rel) < 0)
        return NULL;
    list->item[list->count] = (struct cmd_made){.path = path, .fd = -1};
    return &list->item[list->count++];
}

int cmd_dest_add_folder(struct cmd_dest *dest, const char *rel, struct mxfs_error *err)
{
    return note(&dest->folders, rel) ? 0 : mxfs_fail_memory(err, dest->path);
}

static int add_file(struct cmd_dest *d, const char *rel, uint64_t size, struct mxfs_error *err)
{
    struct cmd_made *file = note(&d->files, rel);

    if (!file)
        return -ENOMEM;
    if (d->stage.folder < 0)
        file->fd = cmd_unnamed_make(base_of(d));
    int rc = file->fd >= 0 ? 0 : stage_all(d, err);
    int fd = rc == 0 ? cmd_dest_open(d, d->files.count - 1) : rc;
    if (fd < 0)
        return fd;
    rc = ftruncate(fd, (off_t)size) == 0 ? 0 : -errno;
    close(fd);
    return rc;
}

int cmd_dest_add_file(struct cmd_dest *dest, const char *rel, uint64_t size, struct mxfs_error *err)
{
    int rc = add_file(dest, rel, size, err);
    return rc == 0 ? 0 : fail(err, dest->path, -rc);
}

int cmd_dest_open(const struct cmd_dest *dest, size_t n)
{
    const struct cmd_made *file = &dest->files.item[n];
    const char *name;

    if (file->fd >= 0)
        return opened(fcntl(file->fd, F_DUPFD_CLOEXEC, 0));
    int parent = cmd_place_open_parent(dest->stage.folder, file->path, &name);
    if (parent < 0)
        return parent;
    int fd = opened(openat(parent, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    close(parent);
    return fd;
}

static int sync_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    /* A folder that is writable but not readable cannot be synced. */
    if (fd < 0)
        return errno == EACCES ? 0 : -errno;
    /* Filesystems that cannot sync a folder return EINVAL. */
    int rc = fsync(fd) == 0 || errno == EINVAL ? 0 : -errno;
    close(fd);
    return rc;
}

static int sync_below(int root, const char *path)
{
    const char *name;
    int parent = cmd_place_open_parent(root, path, &name);

    if (parent < 0)
        return parent;
    int rc = sync_folder(parent, name);
    close(parent);
    return rc;
}

/* Without --force, keeps a file that has appeared since DEST was chosen. */
static int move(const struct cmd_dest *d, int from, const char *name, int to, const char *new_name)
{
    struct stat st;

    if (!d->force) {
        if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -errno;
        if (fstatat(to, new_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            return -EEXIST;
    }
    return renameat(from, name, to, new_name) == 0 ? 0 : -errno;
}

/* Fails unless a file or folder can go there: nothing is in the way, or it may be replaced. */
static int check_place(const struct cmd_dest *d, int parent, const char *name, bool folder)
{
    struct stat st;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -errno;
    if (folder)
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return d->force ? 0 : -EEXIST;
}

static int move_file(const struct cmd_dest *d, const char *path, int to, const char *new_name)
{
    const char *name;
    int from = cmd_place_open_parent(d->stage.folder, path, &name);

    if (from < 0)
        return from;
    int rc = move(d, from, name, to, new_name);
    close(from);
    return rc;
}

/* The path in DEST; not for DEST itself. */
static const char *path_in_dest(const struct cmd_made *made)
{
    return made->path + sizeof(CMD_STAGE_CONTENT);
}

enum pass { CHECK, MOVE };

static int fill_one(const struct cmd_dest *d, const struct cmd_made *made, bool folder,
                    enum pass pass)
{
    const char *name;
    int rc, to = cmd_place_open_parent(d->place.self, path_in_dest(made), &name);

    if (to < 0) /* -ENOENT: its folder has not been made yet */
        return pass == CHECK && to == -ENOENT ? 0 : to;
    rc = check_place(d, to, name, folder);
    if (rc == 0 && pass == MOVE && !folder)
        rc = move_file(d, made->path, to, name);
    else if (rc == 0 && pass == MOVE && (rc = make_folder(to, name)) == -EEXIST)
        rc = 0;
    close(to);
    return rc;
}

static int fill_list(const struct cmd_dest *d, const struct cmd_made_list *list, bool folders,
                     enum pass pass, struct mxfs_error *err)
{
    for (size_t i = folders ? 1 : 0; i < list->count; i++) {
        const struct cmd_made *made = &list->item[i];
        int rc = fill_one(d, made, folders, pass);
        if (rc != 0)
            return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s/%s: %s", d->path, path_in_dest(made),
                             strerror(-rc));
    }
    return 0;
}

static int sync_filled(const struct cmd_dest *d)
{
    int rc = 0;

    for (size_t i = 1; i < d->folders.count && rc == 0; i++)
        rc = sync_below(d->place.self, path_in_dest(&d->folders.item[i]));
    return rc;
}

/* Checks every place before moving the first file. */
static int fill_folder(const struct cmd_dest *d, struct mxfs_error *err)
{
    int rc = 0;

    for (enum pass pass = CHECK; pass <= MOVE && rc == 0; pass++) {
        rc = fill_list(d, &d->folders, true, pass, err);
        if (rc == 0)
            rc = fill_list(d, &d->files, false, pass, err);
    }
    return rc == 0 ? sync_filled(d) : rc;
}

static int move_staged(const struct cmd_dest *d)
{
    int rc = 0;

    for (size_t i = 0; i < d->folders.count && rc == 0; i++)
        rc = sync_below(d->stage.folder, d->folders.item[i].path);
    if (rc != 0)
        return rc;
    return move(d, d->stage.folder, CMD_STAGE_CONTENT, d->place.folder, d->place.name);
}

static int put_in_place(struct cmd_dest *d, struct mxfs_error *err)
{
    int rc;

    if (!d->folder && d->files.item[0].fd >= 0) {
        rc = cmd_unnamed_name(d->files.item[0].fd, d->place.folder, d->place.name);
        if (rc != -EEXIST || !d->force)
            return rc;
    }
    rc = stage_all(d, err);
    if (rc != 0)
        return rc;
    return fills(d) ? fill_folder(d, err) : move_staged(d);
}

int cmd_dest_commit(struct cmd_dest *dest, struct mxfs_error *err)
{
    int rc = put_in_place(dest, err);

    /* Everything is in place; from here on only the disk can fail. */
    if (rc == 0) {
        cmd_stage_remove(&dest->stage, base_of(dest));
        rc = sync_folder(base_of(dest), ".");
    }
    return rc == 0 ? 0 : fail(err, dest->path, -rc);
}

static void free_list(struct cmd_made_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i].path);
    free(list->item);
}

void cmd_dest_fini(struct cmd_dest *dest)
{
    if (dest->path) {
        close_files(&dest->files);
        cmd_stage_remove(&dest->stage, base_of(dest));
        cmd_place_close(&dest->place);
    }
    free_list(&dest->files);
    free_list(&dest->folders);
    free(dest->path);
    *dest = (struct cmd_dest){0};
}
