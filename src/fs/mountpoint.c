/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Mountpoints: checked before mounting, and the mxfs mount on one found.
 */
#include "mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mxfs/fs.h"
#include "mxfs/log.h"
#include "place.h"

static const char our_type[] = "fuse.mxfs";

static int open_path(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static bool is_ours(const struct fs_mount_id *id, struct fs_table_row *row)
{
    return fs_table_find(id, row) == 0 && strcmp(row->type, our_type) == 0;
}

/* Detaches the mount whose root is open; where only fusermount3 may, by its path. */
static int clear_mount(int root, const struct fs_mount_id *id, const char *at)
{
    struct fs_place place;
    int rc = fs_place_detach_open(root);

    if (rc != -EPERM)
        return rc;
    rc = fs_place_open(&place, at);
    if (rc == 0)
        rc = fs_place_unmount(&place, id, true);
    fs_place_close(&place);
    return rc;
}

static int clear_dead_mount(int root, const char *path, struct mxfs_error *err)
{
    struct fs_mount_id id;
    struct fs_table_row row;

    if (fs_table_identify(root, &id) != 0 || !is_ours(&id, &row))
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOTCONN,
                         "%s: a dead mount is in the way; clear it with: fusermount3 -u %s", path,
                         path);
    int rc = clear_mount(root, &id, row.path);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                         "%s: a dead mxfs mount is in the way and cannot be cleared (%s); try: "
                         "fusermount3 -u %s",
                         path, strerror(-rc), path);
    mxfs_log(MXFS_LOG_NOTICE, "%s: cleared the dead mount that an earlier mxfs left", path);
    return 0;
}

int mxfs_fs_clear(const char *path, struct mxfs_error *err)
{
    int root = open_path(path), rc = 0;
    struct statfs st;

    if (root < 0)
        return 0;
    /* Unlike fstat(), which the kernel may answer from memory, this always asks the daemon. */
    if (fstatfs(root, &st) != 0 && errno == ENOTCONN)
        rc = clear_dead_mount(root, path, err);
    close(root);
    return rc;
}

int fs_mountpoint_check(const char *path, struct mxfs_error *err)
{
    struct stat st;

    int rc = mxfs_fs_clear(path, err);
    if (rc != 0)
        return rc;
    if (stat(path, &st) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "%s: mountpoint: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOTDIR, "%s: mountpoint: not a directory", path);
    return 0;
}

/* Ubuntu's profile of fusermount3 fails mounts outside a few folders with EACCES. */
static bool has_apparmor_profile(void)
{
    FILE *f = fopen("/sys/module/apparmor/parameters/enabled", "re");
    bool enabled = f && fgetc(f) == 'Y';

    if (f)
        fclose(f);
    return enabled && access("/etc/apparmor.d/fusermount3", F_OK) == 0;
}

/* A hint for a message of libfuse 3 or fusermount3; NULL for an unknown message. */
static const char *hint_by_words(const char *said)
{
    if (strstr(said, "user_allow_other"))
        return "as root, add the line user_allow_other to it, or drop --allow-other";
    if (strstr(said, "failed to exec"))
        return "only root can mount without it; install the package fuse3";
    if (strstr(said, "mountpoint"))
        return "the mountpoint must be a folder that the user owns";
    return NULL;
}

static const char *hint_by_permission(void)
{
    if (geteuid() == 0)
        return "mounting is not permitted here: start the container with --cap-add SYS_ADMIN and, "
               "where AppArmor is on, --security-opt apparmor=unconfined";
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return "fusermount3 cannot become root here (no_new_privs, as in a service with "
               "NoNewPrivileges or a container); mount as root, or from outside";
    if (has_apparmor_profile())
        return "AppArmor lets fusermount3 mount only below $HOME, /mnt, /media and /tmp; mount "
               "there, or allow your mountpoint in /etc/apparmor.d/local/fusermount3";
    return "mounting is not permitted here: start the container with --device /dev/fuse --cap-add "
           "SYS_ADMIN";
}

const char *fs_mountpoint_hint(int errnum, const char *said)
{
    if (access("/dev/fuse", F_OK) != 0)
        return "there is no /dev/fuse: load the kernel module fuse, or start the container with "
               "--device /dev/fuse --cap-add SYS_ADMIN";
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return "cannot open /dev/fuse: give the user access to it, or start the container with "
               "--device /dev/fuse";
    close(fd);
    const char *hint = hint_by_words(said);
    if (hint)
        return hint;
    return errnum == EPERM || errnum == EACCES || strstr(said, "denied")
               ? hint_by_permission()
               : "is fusermount3 installed, and does the user own the mountpoint?";
}

static int identify(const char *path, struct fs_mount_id *id, struct mxfs_error *err)
{
    int root = open_path(path);

    if (root < 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "%s: %s", path, strerror(errno));
    int rc = fs_table_identify(root, id);
    close(root);
    if (rc == -EINVAL)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "%s: nothing is mounted here", path);
    return rc == 0 ? 0 : mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", path, strerror(-rc));
}

int fs_mountpoint_find(const char *path, struct fs_mount_id *id, struct fs_table_row *row,
                       struct mxfs_error *err)
{
    int rc = identify(path, id, err);

    if (rc != 0)
        return rc;
    rc = fs_table_find(id, row);
    if (rc == -ESRCH)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "%s: nothing is mounted here", path);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                         "%s: cannot tell what is mounted here: " FS_TABLE
                         ": %s; to unmount anyway: umount %s",
                         path, strerror(-rc), path);
    if (strcmp(row->type, our_type) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "%s: a mount of type %s, not an mxfs mount",
                         path, row->type);
    return 0;
}

static int unmount(const char *path, const struct fs_mount_id *id, struct mxfs_error *err)
{
    struct fs_place place;
    int rc = fs_place_open(&place, path);

    if (rc == 0)
        rc = fs_place_unmount(&place, id, false);
    fs_place_close(&place);
    if (rc == -EBUSY)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EBUSY,
                         "%s: in use (see by whom: fuser -vm %s); to detach it and keep open files "
                         "working: fusermount3 -uz %s",
                         path, path, path);
    if (rc == -EPERM) /* fusermount3 has printed why */
        return mxfs_fail(err, MXFS_EXIT_FAILED, EPERM, "%s: not unmounted", path);
    if (rc == -ESTALE)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ESTALE,
                         "%s: not unmounted: another mount took its place", path);
    return rc == 0 ? 0 : mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", path, strerror(-rc));
}

int mxfs_fs_unmount(const char *path, struct mxfs_error *err)
{
    struct fs_mount_id id;
    struct fs_table_row row;
    int rc = fs_mountpoint_find(path, &id, &row, err);

    return rc == 0 ? unmount(row.path, &id, err) : rc;
}
