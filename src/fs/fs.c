/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The life of a mount: mount, serve, stop.
 *
 * One thread takes all signals. SIGTERM and SIGHUP detach the mount and give open readers some time
 * to finish; SIGINT, or a second signal, stops at once. SIGUSR1 logs the statistics. A helper
 * process, started first, does the unmounting, for which this process gives up the right.
 *
 * The file is long because mounting, serving and stopping share one session and its order matters.
 */
#include "mxfs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mountpoint.h"
#include "mxfs/compiler.h"
#include "mxfs/log.h"
#include "ops.h"
#include "readahead.h"
#include "room.h"
#include "sandbox.h"
#include "stats.h"
#include "unmounter.h"

enum {
    WAKE = SIGUSR2, /* interrupts a waiting thread; its handler does nothing */
    STOP_POLL_MS = 10,
    STOP_LIMIT_MS = 5000, /* for running requests, once the loop has been told to end */
    ANSWER_POLL_MS = 50,
    ANSWER_POLLS = 200, /* for the first request; not a time: the process may be suspended */
};

/* A mount while it is served. */
struct session {
    struct fuse_session *se;       /* owned */
    struct fs_place place;         /* the mountpoint */
    struct fs_mount_id mount;      /* what is mounted there */
    struct fs_unmounter unmounter; /* running from before the mount until after it */
    struct fs_sandbox sandbox;     /* prepared before the mount */
    struct fs_context *fs;         /* shared with the requests */
    pthread_t signals;             /* the thread that takes signals */
    unsigned polls;                /* how often that thread has waited for the first answer */
    atomic_bool ready;             /* the mount has answered a request */
    atomic_bool finished;          /* the loop has ended */
    atomic_bool detached;          /* the mount has left the tree of names */
    atomic_bool idled;             /* it was unmounted because it was idle */
    atomic_int refused;            /* why it cannot answer: 0 or -errno */
    atomic_int left;               /* why it is still there after all: 0 or -errno */
};

static void ignore_wake(int signal)
{
    (void)signal;
}

/*
 * Interrupts the main thread, or the signal thread once the main thread blocks WAKE. Sent to the
 * process: not every C library can signal a thread in the sandbox.
 */
static void wake(void)
{
    kill(getpid(), WAKE);
}

static void detach(struct session *s)
{
    int rc = fs_unmounter_detach(&s->unmounter);

    atomic_store(&s->left, rc);
    if (rc == 0)
        atomic_store(&s->detached, true);
}

/*
 * Ends the loop now: the main thread waits on a semaphore, and a signal interrupts that. There is
 * no waiting for a thread whose read of the source hangs, and it may even keep this process from
 * exiting. Closing the descriptors of /dev/fuse is enough to release all readers.
 */
static void stop_now(struct session *s)
{
    const struct timespec pause = {0, STOP_POLL_MS * 1000 * 1000};

    /* Until the mount is ready, the helper may wait for an answer that never comes. */
    if (!atomic_load(&s->detached) && atomic_load(&s->ready))
        detach(s);
    fuse_session_exit(s->se);
    for (int ms = 0; !atomic_load(&s->finished) && ms < STOP_LIMIT_MS; ms += STOP_POLL_MS) {
        wake();
        nanosleep(&pause, NULL);
    }
    if (atomic_load(&s->finished))
        return;
    mxfs_log(MXFS_LOG_WARNING, "%s: exiting although a read of the source is stuck", s->place.path);
    close_range(3, ~0u, 0);
    _exit(MXFS_EXIT_OK);
}

static void signal_set(sigset_t *set)
{
    static const int taken[] = {SIGTERM, SIGHUP, SIGINT, SIGUSR1, WAKE};
    sigemptyset(set);
    for (size_t i = 0; i < MXFS_COUNT(taken); i++)
        sigaddset(set, taken[i]);
}

static bool is_stop(int signal)
{
    return signal == SIGTERM || signal == SIGHUP;
}

/* Detaches the mount; the loop ends when the last reader closes its file. */
static void stop_softly(struct session *s)
{
    detach(s);
    if (!atomic_load(&s->detached))
        stop_now(s);
}

/* Milliseconds until the mount can reach its idle timeout; 0 when it has. */
static int64_t idle_left(const struct session *s)
{
    int64_t limit = (int64_t)s->fs->options->idle_timeout * 1000;

    if (atomic_load(&s->fs->counters.open) > 0)
        return limit;
    int64_t left = atomic_load(&s->fs->counters.last) + limit - fs_now();
    return left > 0 ? left : 0;
}

/* Not a lazy unmount: a working directory inside, or a mount below, postpones it. */
static void unmount_if_idle(struct session *s)
{
    if (idle_left(s) > 0)
        return;
    if (fs_unmounter_release(&s->unmounter) == 0) {
        atomic_store(&s->idled, true);
        atomic_store(&s->detached, true);
    } else {
        mxfs_log(MXFS_LOG_DEBUG, "%s: idle, but in use", s->place.path);
        atomic_store(&s->fs->counters.last, fs_now());
    }
}

/*
 * The mount is ready when it has answered a request, not when the kernel's INIT has come: libfuse
 * allocates later still, and where it cannot, it fails the request, or ends the loop.
 */
static void check_ready(struct session *s)
{
    int rc = fs_unmounter_probed(&s->unmounter, ANSWER_POLL_MS);

    if (rc > 0) {
        atomic_store(&s->ready, true);
        s->fs->options->ready(s->fs->options->ready_data);
    } else if (rc < 0 || ++s->polls >= ANSWER_POLLS) {
        atomic_store(&s->refused, rc < 0 ? rc : -ETIMEDOUT);
        stop_now(s);
    }
}

/* Milliseconds that open readers have left, given that SIGTERM came at `stopped`. */
static int64_t stop_left(const struct session *s, int64_t stopped)
{
    int64_t left = stopped + (int64_t)s->fs->options->stop_timeout * 1000 - fs_now();
    return left > 0 ? left : 0;
}

/*
 * Waits for a signal and returns it, 0 when the time for something else has come, or a negative
 * number when interrupted. `stopped` is when SIGTERM came, or 0.
 */
static int next_signal(struct session *s, const sigset_t *set, int64_t stopped)
{
    bool ready = atomic_load(&s->ready);

    if (!stopped && ready && (!s->fs->options->idle_timeout || atomic_load(&s->detached)))
        return sigwaitinfo(set, NULL);
    int64_t ms = stopped ? stop_left(s, stopped) : ready ? idle_left(s) : 0;
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    int signal = sigtimedwait(set, NULL, &left);
    return signal < 0 && errno == EAGAIN ? 0 : signal;
}

static void *take_signals(void *arg)
{
    struct session *s = arg;
    int64_t stopped = 0;
    sigset_t set;

    signal_set(&set);
    while (!atomic_load(&s->finished)) {
        int signal = next_signal(s, &set, stopped);
        if (signal == SIGUSR1)
            fs_stats_log(s->fs);
        else if (signal == 0 && !stopped && !atomic_load(&s->ready))
            check_ready(s);
        else if (signal == 0 && !stopped)
            unmount_if_idle(s);
        /* The time for open readers is limited, because an idle mapping would never end. */
        else if (signal == 0 || signal == SIGINT || (stopped && is_stop(signal)))
            stop_now(s);
        else if (is_stop(signal)) {
            stop_softly(s);
            stopped = fs_now();
        }
    }
    return NULL;
}

static int serve(struct session *s, struct mxfs_error *err)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (!config)
        return mxfs_fail_memory(err, NULL);
    fuse_loop_cfg_set_clone_fd(config, s->sandbox.may_open);
    fuse_loop_cfg_set_max_threads(config, s->fs->options->threads);
    fuse_loop_cfg_set_idle_threads(config, s->fs->options->threads);
    int rc = fuse_session_loop_mt(s->se, config);
    fuse_loop_cfg_destroy(config);
    fs_decoder_fini(&s->fs->decoder);
    if (rc == -ECONNABORTED) /* unmounted while a request was being fetched: a normal end */
        return 0;
    if (rc < 0) /* -1: libfuse could not create a thread, and has logged why */
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: cannot serve the mount: %s",
                         s->place.path, rc == -1 ? "cannot create a worker thread" : strerror(-rc));
    return 0;
}

/* Called before mounting, so that a signal in between cannot leave the mount behind. */
static void take_over_signals(void)
{
    struct sigaction action = {.sa_handler = ignore_wake};
    sigset_t set;

    signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(WAKE, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Serves with the signal thread running. */
static int serve_with_signals(struct session *s, struct mxfs_error *err)
{
    sigset_t only_wake;

    int rc = pthread_create(&s->signals, NULL, take_signals, s);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, rc, "cannot create a thread: %s", strerror(rc));
    sigemptyset(&only_wake);
    sigaddset(&only_wake, WAKE);
    pthread_sigmask(SIG_UNBLOCK, &only_wake, NULL);
    rc = serve(s, err);
    int refused = atomic_load(&s->refused);
    if (refused != 0)
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, -refused, "%s: the mount does not answer: %s",
                       s->place.path, strerror(-refused));
    else if (rc == 0 && !atomic_load(&s->ready) && !atomic_load(&s->detached))
        rc =
            mxfs_fail(err, MXFS_EXIT_FAILED, EIO, "%s: stopped before it was ready", s->place.path);
    pthread_sigmask(SIG_BLOCK, &only_wake, NULL);
    atomic_store(&s->finished, true);
    wake();
    pthread_join(s->signals, NULL);
    return rc;
}

/* Passes libfuse's messages on to our log. */
static void fuse_message(enum fuse_log_level level, const char *fmt, va_list args)
{
    char line[512];
    int n = vsnprintf(line, sizeof(line), fmt, args);

    while (n > 0 && n < (int)sizeof(line) && line[n - 1] == '\n')
        line[--n] = '\0';
    if (n > 0)
        mxfs_log(level <= FUSE_LOG_ERR ? MXFS_LOG_WARNING : MXFS_LOG_DEBUG, "%s", line);
}

/* The first message of libfuse or fusermount3 while mounting, to be part of our one line. */
static char mount_message[256];

static void keep_message(enum fuse_log_level level, const char *fmt, va_list args)
{
    (void)level;
    if (mount_message[0] == '\0')
        vsnprintf(mount_message, sizeof(mount_message), fmt, args);
}

static void cut_at_newline(char *text)
{
    text[strcspn(text, "\n")] = '\0';
}

/* fuse_session_mount() with stderr, which fusermount3 inherits, captured. Returns 0 or -errno. */
static int mount_quietly(struct fuse_session *se, const char *mountpoint)
{
    int capture = memfd_create("mxfs-mount", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
    char helper[sizeof(mount_message)] = "";

    mount_message[0] = '\0';
    fuse_set_log_func(keep_message);
    if (capture >= 0 && saved >= 0)
        dup2(capture, STDERR_FILENO);
    errno = 0;
    int rc = fuse_session_mount(se, mountpoint) == 0 ? 0 : errno ? -errno : -EIO;
    if (capture >= 0 && saved >= 0) {
        dup2(saved, STDERR_FILENO);
        ssize_t n = pread(capture, helper, sizeof(helper) - 1, 0);
        helper[n > 0 ? n : 0] = '\0';
    }
    fuse_set_log_func(fuse_message);
    if (helper[0])
        memcpy(mount_message, helper, sizeof(helper));
    cut_at_newline(mount_message);
    close(capture);
    close(saved);
    return rc;
}

/* Whether two descriptors are of one folder; true if the second is none. */
static bool is_same(int folder, int expected)
{
    struct stat a, b;

    return expected < 0 || (fstat(folder, &a) == 0 && fstat(expected, &b) == 0 &&
                            a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/*
 * Mounts on the folder that is at the place now. By descriptor where this process mounts itself, so
 * that a link that is put in its place meanwhile leads nowhere; fusermount3 wants a path, and looks
 * for itself.
 */
static int mount_at(struct session *s)
{
    char path[PATH_MAX];
    int folder = fs_place_root(&s->place);

    if (folder < 0)
        return folder;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
    bool by_fd = fs_sandbox_may_mount() && access(path, F_OK) == 0;
    int rc = -ESTALE;
    if (is_same(folder, s->fs->options->folder))
        rc = mount_quietly(s->se, by_fd ? path : s->place.path);
    close(folder);
    return rc;
}

/* Fills `mount` with the one that was just made at the place. */
static int identify_mount(const struct fs_place *place, struct fs_mount_id *mount)
{
    int root = fs_place_root(place);

    if (root < 0)
        return root;
    int rc = fs_table_identify(root, mount);
    close(root);
    return rc;
}

static int mount_session(struct session *s, struct mxfs_error *err)
{
    int rc = mount_at(s);

    if (rc == -ESTALE)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ESTALE,
                         "%s: cannot mount: the mountpoint was moved just now", s->place.path);

    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: cannot mount: %s (%s)", s->place.path,
                         mount_message[0] ? mount_message : strerror(-rc),
                         fs_mountpoint_hint(-rc, mount_message));
    rc = identify_mount(&s->place, &s->mount);
    if (rc == 0)
        rc = fs_unmounter_mounted(&s->unmounter);
    return rc == 0 ? 0
                   : mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                               "%s: cannot find the mount that was just made: %s", s->place.path,
                               strerror(-rc));
}

/* Escapes a value for libfuse's -o list; the caller frees. */
static char *escape_option(const char *value)
{
    char *out = malloc(2 * strlen(value) + 1), *to = out;
    for (; out && *value; value++) {
        if (*value == ',' || *value == '\\')
            *to++ = '\\';
        *to++ = *value;
    }
    if (out)
        *to = '\0';
    return out;
}

/* A session that is not mounted yet. Our fixed options come last, so that they win. */
static struct fuse_session *new_session(struct fs_context *fs)
{
    const struct mxfs_fs_options *o = fs->options;
    const struct fuse_lowlevel_ops ops = fs_ops_for(o);
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct fuse_session *se = NULL;
    char *source = escape_option(o->source), *list = NULL;

    if (source &&
        asprintf(&list, "%sdefault_permissions,ro,nosuid,nodev,subtype=mxfs,fsname=%s",
                 o->allow_other ? "allow_other," : "", source) >= 0 &&
        fuse_opt_add_arg(&args, "mxfs") == 0 && fuse_opt_add_arg(&args, "-o") == 0 &&
        fuse_opt_add_arg(&args, list) == 0 && (!o->debug || fuse_opt_add_arg(&args, "-d") == 0))
        se = fuse_session_new(&args, &ops, sizeof(ops), fs);
    free(source);
    free(list);
    fuse_opt_free_args(&args);
    return se;
}

/*
 * Closes the connection and frees the session. fuse_session_unmount() would unmount again, and hit
 * another mount at that path, unless poll() reports POLLERR for its descriptor, as it does for a
 * dead connection. The write end of a pipe without a reader reports the same, so the descriptor is
 * replaced by one.
 */
static void close_session(struct fuse_session *se)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) == 0) {
        close(ends[0]);
        dup2(ends[1], fuse_session_fd(se));
        close(ends[1]);
        fuse_session_unmount(se);
    }
    fuse_session_destroy(se);
}

/* Warns when an explicit size is refused; the default size is only a wish. */
static void prepare_readahead(struct session *s)
{
    int fd = fs_readahead_open(s->mount.device);
    uint64_t wanted = s->fs->options->readahead;

    s->fs->readahead = fd;
    if (fd < 0 && wanted > FS_READAHEAD_OFFERED)
        mxfs_log(MXFS_LOG_WARNING,
                 "--readahead=%" PRIu64 "K: only root may set more than 128K; using 128K (%s)",
                 wanted >> 10, strerror(-fd));
}

/* Serves the mount until it is unmounted or stopped; unmounts in the latter case. */
static int run_mounted(struct session *s, struct mxfs_error *err)
{
    prepare_readahead(s);
    s->fs->started = fs_now();
    atomic_store(&s->fs->counters.last, s->fs->started);
    int rc = fs_sandbox_enter(&s->sandbox, err);
    if (rc == 0)
        rc = serve_with_signals(s, err);
    if (atomic_load(&s->idled))
        mxfs_log(MXFS_LOG_NOTICE, "%s: idle for %u seconds", s->place.path,
                 s->fs->options->idle_timeout);
    return rc;
}

/* Ends the connection, then sees to it that nothing stays mounted. */
static int end(struct session *s, int rc, struct mxfs_error *err)
{
    close_session(s->se);
    if (!atomic_load(&s->detached))
        detach(s);
    int left = atomic_load(&s->left);
    if (left == 0)
        return rc;
    mxfs_log(MXFS_LOG_WARNING,
             "%s: not unmounted: %s; a dead mount is left, clear it with: fusermount3 -u %s",
             s->place.path, left == -ESTALE ? "another mount is on top of it" : strerror(-left),
             s->place.path);
    return rc != 0 ? rc : mxfs_fail_told(err, MXFS_EXIT_FAILED, -left);
}

static int run_session(struct session *s, struct mxfs_error *err)
{
    int rc = fs_unmounter_start(&s->unmounter, &s->place, s->fs->options->auto_unmount, err);

    if (rc != 0)
        return rc;
    s->se = new_session(s->fs);
    rc = s->se ? mount_session(s, err)
               : mxfs_fail(err, MXFS_EXIT_FAILED, EINVAL, "cannot create a FUSE session");
    fs_place_close(&s->place);
    if (rc == 0)
        rc = end(s, run_mounted(s, err), err);
    else if (s->se)
        fuse_session_destroy(s->se);
    fs_unmounter_stop(&s->unmounter);
    return rc;
}

static int run(struct fs_context *fs, const char *mountpoint, struct mxfs_error *err)
{
    struct session s = {.fs = fs};

    take_over_signals();
    int rc = fs_place_open(&s.place, mountpoint);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: mountpoint: %s", mountpoint,
                         strerror(-rc));
    rc = fs_sandbox_prepare(&s.sandbox, fs->options->sandbox, err);
    if (rc == 0)
        rc = run_session(&s, err);
    fs_sandbox_free(&s.sandbox);
    fs_place_close(&s.place);
    return rc;
}

int mxfs_fs_run(const struct mxfs_tree *tree, const struct mxfs_fs_options *options,
                struct mxfs_error *err)
{
    struct fs_context fs = {
        .tree = tree,
        .options = options,
        .buffers = {.lock = PTHREAD_MUTEX_INITIALIZER, .tree = tree},
    };
    char mountpoint[PATH_MAX];

    int rc = fs_room_check(options, err);
    if (rc == 0)
        rc = fs_mountpoint_check(options->mountpoint, err);
    if (rc != 0)
        return rc;
    /* Without symbolic links, because they could point elsewhere by the time we unmount. */
    if (!realpath(options->mountpoint, mountpoint))
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "%s: mountpoint: %s", options->mountpoint,
                         strerror(errno));
    fs_decoder_init(&fs.decoder, fs_read, &fs, &fs.buffers);
    rc = run(&fs, mountpoint, err);
    fs_buffers_free(&fs.buffers);
    return rc;
}
