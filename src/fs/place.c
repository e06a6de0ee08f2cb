/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Unmounting what was looked at: umount2(2) on a descriptor's entry in /proc/self/fd.
 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mxfs/compiler.h"

extern char **environ;

/* Room for "/proc/self/fd/N/NAME". */
enum { FD_PATH_SIZE = PATH_MAX + 32 };

/* How often to look for a mount whose path is changed meanwhile; each finds it in half of cases. */
enum { TRIES = 100 };

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : ".";
}

/* The place's name as seen from `dir`. */
static const char *name_of(const struct fs_place *place)
{
    return place->dir == AT_FDCWD ? place->path : last_component(place->path);
}

int fs_place_open(struct fs_place *place, const char *path)
{
    char above[PATH_MAX];
    int n = snprintf(place->path, sizeof(place->path), "%s", path);

    place->dir = AT_FDCWD;
    if (n >= (int)sizeof(place->path))
        return -ENAMETOOLONG;
    snprintf(above, sizeof(above), "%.*s/", (int)(strrchr(path, '/') - path), path);
    int dir = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    place->dir = dir;
    return 0;
}

void fs_place_close(struct fs_place *place)
{
    if (place->dir >= 0)
        close(place->dir);
    place->dir = AT_FDCWD;
}

/*
 * Whether root and this user alone decide what the names in a folder stand for. In a sticky folder
 * others cannot rename our entries, and theirs fail this test one level further down.
 */
static bool is_trusted(const struct stat *st)
{
    bool ours = st->st_uid == 0 || st->st_uid == geteuid();

    return S_ISDIR(st->st_mode) && ours && (!(st->st_mode & 022) || (st->st_mode & S_ISVTX));
}

void fs_place_relax(struct fs_place *place)
{
    char above[PATH_MAX];
    struct stat st;

    for (const char *end = place->path; (end = strchr(end, '/')); end++) {
        int len = end == place->path ? 1 : (int)(end - place->path);
        snprintf(above, sizeof(above), "%.*s", len, place->path);
        if (lstat(above, &st) != 0 || !is_trusted(&st))
            return;
    }
    fs_place_close(place);
}

int fs_place_root(const struct fs_place *place)
{
    int fd = openat(place->dir, name_of(place), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

int fs_place_detach_open(int root)
{
    char path[FD_PATH_SIZE];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", root);
    return umount2(path, MNT_DETACH) == 0 ? 0 : -errno;
}

/* Unmounts by name in the open folder: a descriptor of the mount itself would keep it in use. */
static int unmount_named(const struct fs_place *place, int flags)
{
    char path[FD_PATH_SIZE];

    if (place->dir != AT_FDCWD) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", place->dir, name_of(place));
        if (umount2(path, flags | UMOUNT_NOFOLLOW) == 0)
            return 0;
        if (errno != ENOENT || access("/proc/self/fd", F_OK) == 0)
            return -errno;
    }
    return umount2(place->path, flags | UMOUNT_NOFOLLOW) == 0 ? 0 : -errno;
}

/* Runs fusermount3 in the place's folder, so that at least that cannot be exchanged. */
static int spawn_fusermount(const struct fs_place *place, bool lazily, pid_t *pid)
{
    const char *argv[] = {"fusermount3", lazily ? "-uz" : "-u", "--", name_of(place), NULL};
    char *args[MXFS_COUNT(argv)]; /* POSIX promises not to change them, but asks for char * */
    posix_spawn_file_actions_t actions;

    memcpy(args, argv, sizeof(args));
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return -rc;
    if (place->dir != AT_FDCWD)
        rc = posix_spawn_file_actions_addfchdir_np(&actions, place->dir);
    if (rc == 0)
        rc = posix_spawnp(pid, args[0], &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

/* It unmounts by path, and may have met another mount: then ours is still there. */
static int run_fusermount(const struct fs_place *place, const struct fs_mount_id *id, bool lazily)
{
    pid_t pid;
    int status = 0, rc = spawn_fusermount(place, lazily, &pid);

    if (rc != 0)
        return rc;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return -EPERM;
    int root = fs_place_root(place);
    rc = root >= 0 && fs_table_is(root, id) ? -ESTALE : 0;
    if (root >= 0)
        close(root);
    return rc;
}

/* Unmounts what is at the place if it is the mount `id`, else -ESTALE. */
static int unmount_here(const struct fs_place *place, const struct fs_mount_id *id, bool lazily)
{
    int root = fs_place_root(place), rc = -ESTALE;

    if (root < 0)
        return root == -EMFILE || root == -ENFILE || root == -ENOMEM ? root : -ESTALE;
    if (fs_table_is(root, id))
        rc = lazily ? fs_place_detach_open(root) : 0;
    close(root);
    if (rc == -ENOENT)
        rc = unmount_named(place, MNT_DETACH);
    else if (rc == 0 && !lazily)
        rc = unmount_named(place, 0);
    return rc == -EPERM ? run_fusermount(place, id, lazily) : rc;
}

/* Like unmount_here(), at a path; -ESRCH when that is a later mount with a number reused. */
static int unmount_there(const char *path, const struct fs_mount_id *id, bool lazily)
{
    struct fs_place place;
    struct fs_mount_id now = {0};
    int rc = fs_place_open(&place, path), root = rc == 0 ? fs_place_root(&place) : rc;

    if (root >= 0) {
        fs_table_identify(root, &now);
        close(root);
    }
    if (root < 0)
        rc = -ESTALE;
    else if (now.id == id->id && now.device == id->device && now.unique != id->unique)
        rc = -ESRCH;
    else
        rc = unmount_here(&place, id, lazily);
    fs_place_close(&place);
    return rc;
}

/* Unmounts a mount that is not at its place but perhaps where the table says. */
static int unmount_moved(const struct fs_place *place, const struct fs_mount_id *id, bool lazily)
{
    struct fs_table_row row;

    /* Again and again, because a path may lead elsewhere by the time it is opened. */
    for (int i = 0; i < TRIES; i++) {
        if (fs_table_find(id, &row) != 0)
            return 0;        /* without a table too: there is nothing else to look at */
        if (id->unique == 0) /* the number may be another mount's now */
            return strcmp(row.path, place->path) == 0 ? -ESTALE : 0;
        int rc = unmount_there(row.path, id, lazily);
        if (rc != -ESTALE)
            return rc == -ESRCH ? 0 : rc;
    }
    return -ESTALE;
}

int fs_place_unmount(const struct fs_place *place, const struct fs_mount_id *id, bool lazily)
{
    int rc = unmount_here(place, id, lazily);

    return rc == -ESTALE ? unmount_moved(place, id, lazily) : rc;
}
