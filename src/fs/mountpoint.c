/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Mountpoints.
 */
#include "mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mxfs/log.h"

extern char **environ;

static int run_helper(const char *path)
{
    char *argv[] = {"fusermount3", "-u", "-z", "--", (char *)path, NULL};
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
    return errno == EPERM ? run_helper(path) : -errno;
}

/* Whether what is mounted last at `path` is ours. */
static bool is_mxfs_mount(const char *path)
{
    FILE *f = setmntent("/proc/self/mounts", "r");
    struct mntent *e;
    bool ours = false;

    while (f && (e = getmntent(f))) {
        if (strcmp(e->mnt_dir, path) == 0)
            ours = strcmp(e->mnt_type, "fuse.mxfs") == 0;
    }
    if (f)
        endmntent(f);
    return ours;
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

int mxfs_mountpoint_check(const char *path, struct mxfs_error *err)
{
    struct stat st;

    if (is_dead(path)) {
        int rc = clear_dead_mount(path, err);
        if (rc != 0)
            return rc;
    }
    if (stat(path, &st) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "%s: mountpoint: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOTDIR, "%s: mountpoint: not a directory", path);
    return 0;
}

const char *mxfs_mountpoint_hint(int errnum)
{
    if (access("/dev/fuse", F_OK) != 0)
        return "there is no /dev/fuse: load the fuse module, or start the container with "
               "--device /dev/fuse --cap-add SYS_ADMIN";
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return "/dev/fuse cannot be opened: give the user access to it, or the container "
               "--device /dev/fuse";
    close(fd);
    if (errnum == EPERM)
        return "mounting is not permitted here: a container needs --cap-add SYS_ADMIN";
    return "is fusermount3 installed, and the mountpoint the user's own?";
}
