/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Mountpoints.
 */
#include "mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mxfs/fs.h"
#include "mxfs/log.h"
#include "mxfs/path.h"

extern char **environ;

enum {
    MOUNT_TYPE_MAX = 64,
    /* Source and mountpoint, every byte as an octal escape, and a page of options. */
    MOUNT_LINE_MAX = 2 * 4 * PATH_MAX + 4096,
};

static const char our_type[] = "fuse.mxfs", mount_table[] = "/proc/self/mounts";

/* `how`: "-u", or "-uz" to unmount lazily, or "-uq" to say nothing. */
static int run_helper(const char *path, const char *how)
{
    char *argv[] = {"fusermount3", (char *)how, "--", (char *)path, NULL};
    pid_t pid;
    int status;

    int rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (rc != 0)
        return -rc;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

int mxfs_mountpoint_detach(const char *path)
{
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return 0;
    return errno == EPERM ? run_helper(path, "-uz") : -errno;
}

int mxfs_mountpoint_release(const char *path)
{
    if (umount2(path, UMOUNT_NOFOLLOW) == 0)
        return 0;
    return errno == EPERM ? run_helper(path, "-uq") : -errno;
}

dev_t mxfs_mountpoint_device(const char *path)
{
    struct statx st;
    int how = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

    return statx(AT_FDCWD, path, how, 0, &st) == 0 ? makedev(st.stx_dev_major, st.stx_dev_minor)
                                                   : 0;
}

/* The type of what is mounted last at `path`; empty when nothing is. Returns 0 or -errno. */
static int find_mount(const char *path, char type[MOUNT_TYPE_MAX])
{
    static char line[MOUNT_LINE_MAX]; /* getmntent()'s own has room for one short path */
    FILE *f = setmntent(mount_table, "r");
    struct mntent entry, *e;

    type[0] = '\0';
    if (!f)
        return -errno;
    while ((e = getmntent_r(f, &entry, line, sizeof(line)))) {
        if (strcmp(e->mnt_dir, path) == 0)
            snprintf(type, MOUNT_TYPE_MAX, "%s", e->mnt_type);
    }
    endmntent(f);
    return 0;
}

static bool is_mxfs_mount(const char *path)
{
    char type[MOUNT_TYPE_MAX];

    return find_mount(path, type) == 0 && strcmp(type, our_type) == 0;
}

static int clear_dead_mount(const char *path, struct mxfs_error *err)
{
    if (!is_mxfs_mount(path))
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOTCONN,
                         "%s: a dead mount is in the way; clear it with: fusermount3 -u %s", path,
                         path);
    int rc = mxfs_mountpoint_detach(path);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                         "%s: a dead mxfs mount is in the way and cannot be cleared (%s); try: "
                         "fusermount3 -u %s",
                         path, strerror(-rc), path);
    mxfs_log(MXFS_LOG_NOTICE, "%s: cleared the dead mount of an mxfs that is gone", path);
    return 0;
}

/* Asks the filesystem, not the kernel's memory of it: attributes outlive the daemon by an hour. */
static bool is_dead(const char *path)
{
    struct statvfs st;
    return statvfs(path, &st) != 0 && errno == ENOTCONN;
}

int mxfs_fs_clear(const char *path, struct mxfs_error *err)
{
    return is_dead(path) ? clear_dead_mount(path, err) : 0;
}

int mxfs_mountpoint_check(const char *path, struct mxfs_error *err)
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

/* Ubuntu's profile lets fusermount3 mount in a few places only; what it forbids fails with EACCES.
 */
static bool has_apparmor_profile(void)
{
    FILE *f = fopen("/sys/module/apparmor/parameters/enabled", "re");
    bool enabled = f && fgetc(f) == 'Y';

    if (f)
        fclose(f);
    return enabled && access("/etc/apparmor.d/fusermount3", F_OK) == 0;
}

/* By what libfuse 3 and fusermount3 say; NULL when that tells nothing. */
static const char *hint_by_words(const char *said)
{
    if (strstr(said, "user_allow_other"))
        return "as root add a line user_allow_other to it, or leave --allow-other out";
    if (strstr(said, "failed to exec"))
        return "only root mounts without it: install the package fuse3";
    if (strstr(said, "mountpoint"))
        return "expected a folder that belongs to the user";
    return NULL;
}

static const char *hint_by_permission(void)
{
    if (geteuid() == 0)
        return "mounting is not permitted here: a container needs --cap-add SYS_ADMIN, and "
               "--security-opt apparmor=unconfined where AppArmor is on";
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return "fusermount3 cannot become root here (no_new_privs, as in a service with "
               "NoNewPrivileges or a container): mount as root or outside";
    if (has_apparmor_profile())
        return "AppArmor lets fusermount3 mount below $HOME, /mnt, /media and /tmp: choose such a "
               "mountpoint, or allow yours in /etc/apparmor.d/local/fusermount3";
    return "mounting is not permitted here: a container needs --device /dev/fuse --cap-add "
           "SYS_ADMIN";
}

const char *mxfs_mountpoint_hint(int errnum, const char *said)
{
    if (access("/dev/fuse", F_OK) != 0)
        return "there is no /dev/fuse: load the fuse module, or start the container with "
               "--device /dev/fuse --cap-add SYS_ADMIN";
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return "/dev/fuse cannot be opened: give the user access to it, or the container "
               "--device /dev/fuse";
    close(fd);
    const char *hint = hint_by_words(said);
    if (hint)
        return hint;
    return errnum == EPERM || errnum == EACCES || strstr(said, "denied")
               ? hint_by_permission()
               : "is fusermount3 installed, and the mountpoint the user's own?";
}

/* The path as the mount table has it: without links. The mount itself may be dead or closed to us,
 * so only what is above it is asked. NULL when that is not there. */
static char *table_path(const char *path)
{
    char *whole = realpath(path, NULL), *above, *dir = mxfs_path_dirname(path);

    if (whole || (errno != ENOTCONN && errno != EACCES) || !dir) {
        free(dir);
        return whole;
    }
    above = realpath(dir, NULL);
    whole = above ? mxfs_path_join(above, mxfs_path_basename(path)) : NULL;
    free(above);
    free(dir);
    return whole;
}

static int take_away(const char *path, struct mxfs_error *err)
{
    int rc = umount2(path, UMOUNT_NOFOLLOW) == 0 ? 0 : -errno;

    if (rc == -EBUSY)
        return mxfs_fail(
            err, MXFS_EXIT_FAILED, EBUSY,
            "%s: in use (fuser -vm %s shows by whom); fusermount3 -uz %s takes it away "
            "and lets open files live on",
            path, path, path);
    if (rc == -EPERM && run_helper(path, "-u") != 0) /* it has said why */
        return mxfs_fail(err, MXFS_EXIT_FAILED, EPERM, "%s: not unmounted", path);
    if (rc != 0 && rc != -EPERM)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", path, strerror(-rc));
    return 0;
}

int mxfs_mountpoint_find(const char *path, char **real, struct mxfs_error *err)
{
    char type[MOUNT_TYPE_MAX];

    *real = table_path(path);
    if (!*real)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "%s: %s", path, strerror(errno));
    int rc = find_mount(*real, type);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                         "%s: no telling what is mounted here: %s: %s; umount %s does not ask",
                         path, mount_table, strerror(-rc), path);
    if (type[0] == '\0')
        return mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "%s: nothing is mounted here", path);
    if (strcmp(type, our_type) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "%s: this mount is of type %s, not of mxfs",
                         path, type);
    return 0;
}

int mxfs_fs_unmount(const char *path, struct mxfs_error *err)
{
    char *real;
    int rc = mxfs_mountpoint_find(path, &real, err);

    if (rc == 0)
        rc = take_away(real, err);
    free(real);
    return rc;
}
