/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The helper process that unmounts. After fork() it takes no lock and uses no heap.
 */
#include "unmounter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mountpoint.h"
#include "mxfs/compiler.h"
#include "sandbox.h"

/* A request is one of these bytes; the answer is an int, 0 or -errno. */
enum request { MOUNTED = 'm', DETACH = 'd', RELEASE = 'r' };

/* Closes all but the socket: no terminal, no source, no pipe that would be kept alive. */
static int keep_only(int socket)
{
    int null = open("/dev/null", O_RDWR), own = fcntl(socket, F_DUPFD_CLOEXEC, 3);

    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    if (own > 3)
        close_range(3, (unsigned)own - 1, 0);
    close_range((unsigned)own + 1, ~0u, 0);
    return own;
}

/* Signals that end the daemon may be sent to its process group, and the helper must outlive it. */
static void outlive_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};

    for (size_t i = 0; i < MXFS_COUNT(ignored); i++)
        signal(ignored[i], SIG_IGN);
}

/* *device tells our mount from another one at the same path; 0 when not known. */
static int answer(enum request request, const char *mountpoint, dev_t *device)
{
    if (request == MOUNTED) {
        *device = fs_mountpoint_device(mountpoint);
        return 0;
    }
    if (*device != 0 && fs_mountpoint_device(mountpoint) != *device)
        return -ESTALE;
    return request == DETACH ? fs_mountpoint_detach(mountpoint) : fs_mountpoint_release(mountpoint);
}

static void work(int socket, const char *mountpoint, bool on_death)
{
    bool attached = false;
    dev_t device = 0;
    char request;

    while (recv(socket, &request, 1, 0) == 1) {
        int rc = answer(request, mountpoint, &device);
        attached = request == MOUNTED || (rc != 0 && rc != -ESTALE);
        send(socket, &rc, sizeof(rc), 0);
    }
    if (attached && on_death)
        answer(DETACH, mountpoint, &device);
}

int fs_unmounter_start(struct fs_unmounter *helper, const char *mountpoint, bool on_death,
                       struct mxfs_error *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "cannot create a socket: %s",
                         strerror(errno));
    helper->pid = fork();
    if (helper->pid < 0) {
        int e = errno;
        close(ends[0]);
        close(ends[1]);
        return mxfs_fail(err, MXFS_EXIT_FAILED, e, "cannot fork: %s", strerror(e));
    }
    if (helper->pid == 0) {
        close(ends[0]); /* or recv() would never see the end */
        prctl(PR_SET_NAME, "mxfs-unmount");
        outlive_signals();
        int socket = keep_only(ends[1]);
        if (chdir("/") == 0 && socket >= 0) {
            fs_sandbox_keep_mounting();
            work(socket, mountpoint, on_death);
        }
        _exit(0);
    }
    close(ends[1]);
    helper->socket = ends[0];
    return 0;
}

static int ask(struct fs_unmounter *helper, enum request request)
{
    const char byte = (char)request;
    int reply;
    ssize_t n;

    if (send(helper->socket, &byte, 1, MSG_NOSIGNAL) != 1)
        return -errno;
    while ((n = recv(helper->socket, &reply, sizeof(reply), 0)) < 0 && errno == EINTR)
        ;
    return n == sizeof(reply) ? reply : -EPIPE;
}

void fs_unmounter_mounted(struct fs_unmounter *helper)
{
    ask(helper, MOUNTED);
}

int fs_unmounter_detach(struct fs_unmounter *helper)
{
    return ask(helper, DETACH);
}

int fs_unmounter_release(struct fs_unmounter *helper)
{
    return ask(helper, RELEASE);
}

void fs_unmounter_stop(struct fs_unmounter *helper)
{
    close(helper->socket);
    while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
