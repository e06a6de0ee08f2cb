/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs SOURCE MOUNTPOINT.
 *
 * The source is opened, parsed and checked while the process is still attached to the terminal.
 * Unless --foreground, a child then mounts and serves. The parent waits on a pipe and returns 0
 * only once the mount answers requests. A child that fails before that still prints to the
 * terminal's stderr, and its exit code becomes the parent's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "fit.h"
#include "mxfs/fs.h"
#include "mxfs/limits.h"
#include "mxfs/log.h"
#include "mxfs/notify.h"
#include "mxfs/path.h"
#include "open.h"
#include "point.h"

/* A mount in the making. */
struct mount {
    const struct mxfs_view *view;
    const struct mxfs_options *options;
    const char *mountpoint; /* absolute */
    int folder;             /* what is at the mountpoint, open, or -1 */
    int pipe;               /* to the waiting parent; -1 in the foreground */
    int null;               /* /dev/null, which replaces the terminal; -1 in the foreground */
    char line[1024];        /* logged once the mount answers */
};

static unsigned thread_count(const struct mxfs_options *o)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (o->threads)
        return (unsigned)o->threads;
    /* At least ten: reads that wait for slow storage must not stall `ls`. */
    return cores < 10 ? 10 : cores > 16 ? 16 : (unsigned)cores;
}

static void describe(struct mount *m, unsigned threads)
{
    struct cmd_totals t = cmd_totals_of(m->view);
    char schemes[256] = "";
    size_t n = 0;

    for (size_t i = 0; i < t.scheme_count && n < sizeof(schemes); i++)
        n += (size_t)snprintf(schemes + n, sizeof(schemes) - n, "%s%s", i ? ", " : " as ",
                              t.schemes[i]);
    snprintf(m->line, sizeof(m->line),
             "%s on %s: %zu tensors, %zu dequantized%s, %" PRIu64 " -> %" PRIu64
             " bytes, kernel %s, %u threads",
             m->view->path, m->mountpoint, t.tensors, t.dequantized, schemes, t.bytes_in,
             t.bytes_out, m->view->env.codec.kernel->name, threads);
}

/* Keeps descriptors 0 to 2 open, so that no file opened later becomes stdout. */
static void leave_terminal(int null)
{
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
}

/* It would keep the filesystem that the mountpoint is on from being unmounted. */
static void close_folder(struct mount *m)
{
    if (m->folder >= 0)
        close(m->folder);
    m->folder = -1;
}

static void on_ready(void *data)
{
    struct mount *m = data;
    char status[sizeof(m->line)], state[sizeof(status) + 32];

    close_folder(m);
    /* A newline in a path would start another variable. */
    mxfs_escape(status, sizeof(status), m->line, strlen(m->line));
    snprintf(state, sizeof(state), "READY=1\nSTATUS=%s", status);
    mxfs_notify_once(state);
    if (m->pipe < 0) {
        mxfs_log(MXFS_LOG_NOTICE, "%s", m->line);
        return;
    }
    mxfs_log_to_syslog();
    leave_terminal(m->null);
    mxfs_log(MXFS_LOG_NOTICE, "%s", m->line);
    while (write(m->pipe, "1", 1) < 0 && errno == EINTR)
        ;
    close(m->pipe);
    m->pipe = -1;
}

static void warn_unreachable(const char *what, int rc)
{
    if (rc != 0)
        mxfs_log(MXFS_LOG_WARNING, "cannot connect to %s: %s", what, strerror(-rc));
}

/* Once it serves, the daemon cannot connect to anything. */
static void connect_outlets(bool background)
{
    int rc = background ? mxfs_log_connect() : 0;

    if (rc != -ENOENT && rc != -ECONNREFUSED) /* no syslog is usual in containers */
        warn_unreachable("/dev/log", rc);
    warn_unreachable("the service manager", mxfs_notify_connect());
}

static int serve(struct mount *m, const struct mxfs_tree *tree, struct mxfs_error *err)
{
    const struct mxfs_options *o = m->options;
    const struct mxfs_fs_options fs = {
        .source = m->view->path,
        .mountpoint = m->mountpoint,
        .folder = m->folder,
        .allow_other = o->allow_other,
        .auto_unmount = o->auto_unmount,
        .sandbox = !o->no_sandbox,
        .direct_io = o->direct_io,
        .xattr = o->xattr,
        .readahead = o->readahead,
        .debug = o->debug,
        .cache_size = m->view->env.cache_size,
        .threads = thread_count(o),
        .idle_timeout = (unsigned)o->idle_timeout,
        .stop_timeout = (unsigned)o->stop_timeout,
        .ready = on_ready,
        .ready_data = m,
    };

    describe(m, fs.threads);
    connect_outlets(m->pipe >= 0);
    int rc = mxfs_fs_run(tree, &fs, err);
    if (rc == 0)
        mxfs_log(MXFS_LOG_NOTICE, "%s: unmounted", m->mountpoint);
    return rc;
}

/* In the parent: returns 0 once the child reports that the mount answers, else its failure. */
static int wait_ready(pid_t child, int pipe, struct mxfs_error *err)
{
    char byte;
    int status;
    ssize_t n;

    while ((n = read(pipe, &byte, 1)) < 0 && errno == EINTR)
        ;
    close(pipe);
    if (n == 1)
        return 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) /* the child has printed why */
        return mxfs_fail_told(err, (enum mxfs_exit)WEXITSTATUS(status), EIO);
    return mxfs_fail(err, MXFS_EXIT_FAILED, EIO, "the daemon died before the mount answered");
}

static int serve_in_background(struct mount *m, const struct mxfs_tree *tree,
                               struct mxfs_error *err)
{
    int pipes[2];

    m->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (m->null < 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "/dev/null: %s", strerror(errno));
    if (pipe2(pipes, O_CLOEXEC) != 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "cannot create a pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0) {
        close(pipes[0]);
        close(pipes[1]);
        return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "cannot fork: %s", strerror(errno));
    }
    if (child > 0) {
        close(pipes[1]);
        return wait_ready(child, pipes[0], err);
    }
    close(pipes[0]);
    setsid();
    if (chdir("/") != 0)
        mxfs_log(MXFS_LOG_WARNING, "cannot change directory to /: %s", strerror(errno));
    m->pipe = pipes[1];
    return serve(m, tree, err);
}

static int mount_view(struct mount *m, struct mxfs_error *err)
{
    const struct mxfs_options *o = m->options;
    /* A folder has no extra views, so that `cp -r` copies the model only once. */
    int usual = m->view->repo.is_file ? MXFS_VIEW_TENSORS | MXFS_VIEW_NPY : 0;
    int views = o->view_bits >= 0 ? o->view_bits : usual;
    const struct mxfs_tree_options how = {
        .tensors = views & MXFS_VIEW_TENSORS,
        .npy = views & MXFS_VIEW_NPY,
        .source_permissions = o->allow_other,
        .set_uid = o->uid != MXFS_NOT_GIVEN,
        .set_gid = o->gid != MXFS_NOT_GIVEN,
        .set_umask = o->umask != MXFS_NOT_GIVEN,
        .uid = (uid_t)o->uid,
        .gid = (gid_t)o->gid,
        .umask = (mode_t)o->umask,
    };
    struct mxfs_tree *tree;

    if (o->xattr && views == 0)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                         "--xattr applies only to tensor files; add --views=tensors, npy or both");
    int rc = mxfs_tree_new(&tree, m->view, &how, err);
    if (rc != 0)
        return rc;
    rc = o->foreground ? serve(m, tree, err) : serve_in_background(m, tree, err);
    mxfs_tree_free(tree);
    return rc;
}

/*
 * Closes descriptors that a launcher left open: the daemon would keep them for life. Skipped if
 * SOURCE may be one of them.
 */
static void close_inherited(const struct mxfs_options *o)
{
    const char *source = o->operand[0];

    if (!o->foreground && strncmp(source, "/dev/fd/", 8) != 0 && strncmp(source, "/proc/", 6) != 0)
        close_range(3, ~0u, 0);
}

static int open_and_mount(const struct mxfs_options *o, const char *mountpoint,
                          struct mxfs_error *err)
{
    struct mxfs_view view;
    struct mount mount = {.view = &view,
                          .options = o,
                          .mountpoint = mountpoint,
                          .folder = -1,
                          .pipe = -1,
                          .null = -1};
    struct mxfs_choices choices = o->choices;
    uint64_t limit = mxfs_limits_memory(MXFS_LIMITS_GROUPS, MXFS_LIMITS_MOUNTS);

    int rc = cmd_point_check(mountpoint, err);
    if (rc == 0)
        rc = mxfs_fs_clear(mountpoint, err);
    if (rc == 0)
        rc = cmd_fit_cache(&choices.cache_size, limit, err);
    if (rc != 0)
        return rc;
    rc = cmd_open_judged(&view, o->operand[0], &choices, err);
    if (rc != 0)
        return rc;
    if (limit != UINT64_MAX)
        rc = cmd_fit_tensors(choices.cache_size, cmd_totals_of(&view).tensors, limit, err);
    if (rc == 0)
        rc = cmd_point_open(mountpoint, &mount.folder, err);
    if (rc == 0)
        rc = mount_view(&mount, err);
    close_folder(&mount);
    mxfs_view_close(&view);
    return rc;
}

int cmd_mount(const struct mxfs_options *options, struct mxfs_error *err)
{
    char *mountpoint;

    close_inherited(options);
    int rc = mxfs_path_resolve(&mountpoint, options->operand[1], MXFS_EXIT_FAILED, err);
    if (rc == 0)
        rc = open_and_mount(options, mountpoint, err);
    free(mountpoint);
    return rc;
}
