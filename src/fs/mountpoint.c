/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Mountpoints: checked before mounting, and unmounted by umount2() or fusermount3.
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

#include "mxfs/compiler.h"
#include "mxfs/fs.h"
#include "mxfs/log.h"
#include "mxfs/path.h"

extern char **environ;

enum {
    MOUNT_TYPE_MAX = 64,
    /* Source and mountpoint, each byte an octal escape of 4, and a page of options. */
    MOUNT_LINE_MAX = 2 * 4 * PATH_MAX + 4096,
};

static const char our_type[] = "fuse.mxfs", mount_table[] = "/proc/self/mounts";

/* Runs fusermount3 with `how`: "-u", "-uz" to unmount lazily, or "-uq" without messages. */
static int run_helper(const char *path, const char *how)
{
    const char *argv[] = {"fusermount3", how, "--", path, NULL};
    char *args[MXFS_COUNT(argv)]; /* POSIX promises not to change them, but asks for char * */
    pid_t pid;
    int status;

    memcpy(args, argv, sizeof(args));
    int rc = posix_spawnp(&pid, args[0], NULL, NULL, args, environ);
    if (rc != 0)
        return -rc;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

int fs_mountpoint_detach(const char *path)
{
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return 0;
    return errno == EPERM ? run_helper(path, "-uz") : -errno;
}

int fs_mountpoint_release(const char *path)
{
    if (umount2(path, UMOUNT_NOFOLLOW) == 0)
        return 0;
    return errno == EPERM ? run_helper(path, "-uq") : -errno;
}

dev_t fs_mountpoint_device(const char *path)
{
    struct statx st;
    int how = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

    return statx(AT_FDCWD, path, how, 0, &st) == 0 ? makedev(st.stx_dev_major, st.stx_dev_minor)
                                                   : 0;
}

/* The type of the topmost mount at `path`, "" when there is none. Returns 0 or -errno. */
static int find_mount(const char *path, char type[MOUNT_TYPE_MAX])
{
    static char line[MOUNT_LINE_MAX]; /* getmntent()'s own buffer is too short for long paths */
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
    int rc = fs_mountpoint_detach(path);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                         "%s: a dead mxfs mount is in the way and cannot be cleared (%s); try: "
                         "fusermount3 -u %s",
                         path, strerror(-rc), path);
    mxfs_log(MXFS_LOG_NOTICE, "%s: cleared the dead mount that an earlier mxfs left", path);
    return 0;
}

/* statvfs() always asks the daemon; the kernel may answer stat() from its cache for an hour. */
static bool is_dead(const char *path)
{
    struct statvfs st;
    return statvfs(path, &st) != 0 && errno == ENOTCONN;
}

int mxfs_fs_clear(const char *path, struct mxfs_error *err)
{
    return is_dead(path) ? clear_dead_mount(path, err) : 0;
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

/*
 * The path as the mount table has it, without symbolic links; the caller frees. The mount itself
 * may be dead or closed to us, so then only its parent folder is resolved. NULL with errno set.
 */
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

static int unmount(const char *path, struct mxfs_error *err)
{
    int rc = umount2(path, UMOUNT_NOFOLLOW) == 0 ? 0 : -errno;

    if (rc == -EBUSY)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EBUSY,
                         "%s: in use (see by whom: fuser -vm %s); to detach it and keep open files "
                         "working: fusermount3 -uz %s",
                         path, path, path);
    if (rc == -EPERM && run_helper(path, "-u") != 0) /* has printed the reason */
        return mxfs_fail(err, MXFS_EXIT_FAILED, EPERM, "%s: not unmounted", path);
    if (rc != 0 && rc != -EPERM)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", path, strerror(-rc));
    return 0;
}

int fs_mountpoint_find(const char *path, char **real, struct mxfs_error *err)
{
    char type[MOUNT_TYPE_MAX];

    *real = table_path(path);
    if (!*real)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "%s: %s", path, strerror(errno));
    int rc = find_mount(*real, type);
    if (rc != 0)
        return mxfs_fail(
            err, MXFS_EXIT_FAILED, -rc,
            "%s: cannot tell what is mounted here: %s: %s; to unmount anyway: umount %s", path,
            mount_table, strerror(-rc), path);
    if (type[0] == '\0')
        return mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "%s: nothing is mounted here", path);
    if (strcmp(type, our_type) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "%s: a mount of type %s, not an mxfs mount",
                         path, type);
    return 0;
}

int mxfs_fs_unmount(const char *path, struct mxfs_error *err)
{
    char *real;
    int rc = fs_mountpoint_find(path, &real, err);

    if (rc == 0)
        rc = unmount(real, err);
    free(real);
    return rc;
}
