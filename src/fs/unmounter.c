/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The helper process that unmounts. It is forked while the process has one thread.
 */
#include "unmounter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mxfs/compiler.h"
#include "sandbox.h"

/* Milliseconds for an answer of the helper, which may have to run fusermount3. */
enum { ANSWER_LIMIT_MS = 5000 };

/* A request is one of these bytes. PROBED is none, only the answer that follows MOUNTED's. */
enum request { MOUNTED = 'm', PROBED = 'p', DETACH = 'd', RELEASE = 'r' };

/* The answer to a request. */
struct answer {
    int request; /* which it answers: a late one must not be taken for the next */
    int rc;      /* 0 or -errno */
};

/* The state of the helper. */
struct state {
    int socket;
    struct fs_place place;
    struct fs_mount_id mount; /* ours, once it exists */
    bool known;               /* `mount` is filled */
    bool attached;            /* and it has not been unmounted */
};

/*
 * Closes all but the socket and the place's folder: no terminal, no source, no pipe that would be
 * kept alive. Neither is inherited by fusermount3.
 */
static bool keep_only(struct state *s)
{
    int null = open("/dev/null", O_RDWR), dir = s->place.dir;

    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    /* First out of the way of the numbers that they shall have. */
    s->socket = fcntl(s->socket, F_DUPFD, 5);
    dir = dir < 0 ? dir : fcntl(dir, F_DUPFD, 5);
    if (s->socket < 0 || (s->place.dir >= 0 && dir < 0))
        return false;
    s->socket = dup3(s->socket, 3, O_CLOEXEC);
    if (dir >= 0)
        s->place.dir = dup3(dir, 4, O_CLOEXEC);
    close_range(dir >= 0 ? 5 : 4, ~0u, 0);
    return true;
}

/* Signals that end the daemon may be sent to its process group, and the helper must outlive it. */
static void outlive_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE};

    for (size_t i = 0; i < MXFS_COUNT(ignored); i++)
        signal(ignored[i], SIG_IGN);
}

/* Accepted once, before anything untrusted is served: later the daemon may have been taken over. */
static int remember(struct state *s)
{
    if (s->known)
        return -EALREADY;
    int root = fs_place_root(&s->place);
    if (root < 0)
        return root;
    int rc = fs_table_identify(root, &s->mount);
    close(root);
    s->known = s->attached = rc == 0;
    return rc;
}

/* Asks the mount for what only its daemon can know. */
static int probe(const struct state *s)
{
    struct statfs st;
    int root = fs_place_root(&s->place);

    if (root < 0)
        return root;
    int rc = !fs_table_is(root, &s->mount) ? -ESTALE : fstatfs(root, &st) == 0 ? 0 : -errno;
    close(root);
    return rc;
}

static int unmount(struct state *s, bool lazily)
{
    int rc = s->known ? fs_place_unmount(&s->place, &s->mount, lazily) : -EINVAL;

    if (rc == 0)
        s->attached = false;
    return rc;
}

static void answer(int socket, int request, int rc)
{
    const struct answer a = {request, rc};

    send(socket, &a, sizeof(a), 0);
}

static void work(struct state *s, bool on_death)
{
    char request;

    while (recv(s->socket, &request, 1, 0) == 1) {
        if (request == MOUNTED) {
            int rc = remember(s);
            answer(s->socket, MOUNTED, rc);
            if (rc == 0)
                answer(s->socket, PROBED, probe(s));
        } else if (request == DETACH || request == RELEASE) {
            answer(s->socket, request, unmount(s, request == DETACH));
        }
    }
    if (s->attached && on_death)
        unmount(s, true);
}

_Noreturn static void help(int socket, const struct fs_place *place, bool on_death)
{
    struct state s = {.socket = socket, .place = *place};

    prctl(PR_SET_NAME, "mxfs-unmount");
    outlive_signals();
    fs_place_relax(&s.place);
    if (chdir("/") == 0 && keep_only(&s)) {
        fs_sandbox_keep_mounting();
        work(&s, on_death);
    }
    _exit(0);
}

int fs_unmounter_start(struct fs_unmounter *helper, const struct fs_place *place, bool on_death,
                       struct mxfs_error *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "cannot create a socket: %s",
                         strerror(errno));
    *helper = (struct fs_unmounter){.socket = ends[0], .pid = fork()};
    if (helper->pid < 0) {
        int e = errno;
        close(ends[0]);
        close(ends[1]);
        return mxfs_fail(err, MXFS_EXIT_FAILED, e, "cannot fork: %s", strerror(e));
    }
    if (helper->pid == 0) {
        close(ends[0]); /* or recv() would never see the end */
        help(ends[1], place, on_death);
    }
    close(ends[1]);
    return 0;
}

/* Waits for the answer to `request`, at most `ms` milliseconds. *rc is what it says. */
static int wait_answer(struct fs_unmounter *helper, enum request request, int ms, int *rc)
{
    struct pollfd fd = {.fd = helper->socket, .events = POLLIN};
    struct answer a = {0};

    while (a.request != (int)request) {
        int n = poll(&fd, 1, ms);
        if (n == 0)
            return -ETIMEDOUT;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 1 && recv(helper->socket, &a, sizeof(a), MSG_DONTWAIT) != sizeof(a))
            return -EPIPE;
    }
    *rc = a.rc;
    return 0;
}

/* A helper that was slow, or stopped for a while, is asked again once its late answer is there. */
static bool is_silent(struct fs_unmounter *helper)
{
    struct answer late;

    while (helper->silent && recv(helper->socket, &late, sizeof(late), MSG_DONTWAIT) > 0)
        helper->silent = false;
    return helper->silent;
}

static int ask(struct fs_unmounter *helper, enum request request)
{
    const char byte = (char)request;
    int rc;

    if (is_silent(helper))
        return -ETIMEDOUT;
    if (send(helper->socket, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
        return -errno;
    int failure = wait_answer(helper, request, ANSWER_LIMIT_MS, &rc);
    helper->silent = failure == -ETIMEDOUT;
    return failure != 0 ? failure : rc;
}

int fs_unmounter_mounted(struct fs_unmounter *helper)
{
    return ask(helper, MOUNTED);
}

int fs_unmounter_probed(struct fs_unmounter *helper, int ms)
{
    int rc = 0, failure = wait_answer(helper, PROBED, ms, &rc);

    if (failure == -ETIMEDOUT)
        return 0;
    return failure != 0 ? failure : rc != 0 ? rc : 1;
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
    if (helper->silent) /* stopped: it will unmount, and end, once it continues */
        return;
    while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
