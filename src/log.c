/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Log lines are formatted, escaped, and written whole, so that lines of threads do not mix.
 */
#include "mxfs/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "mxfs/error.h"

/* Bytes of the longest line, before and after escaping. */
enum { LINE_TEXT = 2048 };

/* Set before threads start, only read afterwards. */
static enum mxfs_log_level max_level = MXFS_LOG_NOTICE;
static void *sink_data;
/* Atomic since mxfs_log_to_syslog() replaces it while other threads may log. */
static _Atomic(mxfs_log_sink *) current_sink;
/* Set before threads start; -1 when not connected. */
static int syslog_socket = -1;
static bool syslog_is_stream;

void mxfs_log_open(mxfs_log_sink *sink, void *data, enum mxfs_log_level max)
{
    max_level = max;
    sink_data = data;
    atomic_store(&current_sink, sink);
}

/* SOCK_DGRAM suits journald and most others. Returns the descriptor or -errno. */
static int connect_syslog(int type)
{
    static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    const struct timeval limit = {.tv_sec = 1};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}

int mxfs_log_connect(void)
{
    int fd = connect_syslog(SOCK_DGRAM);

    if (fd == -EPROTOTYPE) {
        fd = connect_syslog(SOCK_STREAM);
        syslog_is_stream = true;
    }
    if (fd < 0)
        return fd;
    syslog_socket = fd;
    tzset(); /* localtime_r() need not open a file later */
    return 0;
}

/*
 * Writes RFC 3164. Not by syslog(3), which connects whenever it likes and takes a lock, and libfuse
 * could cancel a thread that has it.
 */
static void log_syslog(void *data, enum mxfs_log_level level, const char *text)
{
    static const int priority[] = {
        [MXFS_LOG_ERROR] = LOG_ERR,
        [MXFS_LOG_WARNING] = LOG_WARNING,
        [MXFS_LOG_NOTICE] = LOG_NOTICE,
        [MXFS_LOG_DEBUG] = LOG_DEBUG,
    };
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char line[LINE_TEXT + 64];
    const time_t now = time(NULL);
    struct tm t = {0};

    (void)data;
    localtime_r(&now, &t);
    int n = snprintf(line, sizeof(line), "<%d>%s %2d %02d:%02d:%02d mxfs[%d]: %s",
                     LOG_DAEMON | priority[level], months[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min,
                     t.tm_sec, (int)getpid(), text);
    /* In a stream the NUL ends the line. */
    size_t size = (size_t)n + (syslog_is_stream ? 1 : 0);
    while (send(syslog_socket, line, size, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void mxfs_log_to_syslog(void)
{
    atomic_store(&current_sink, log_syslog);
}

/*
 * Not through stdio: libfuse cancels its threads when a mount ends, and a thread cancelled inside
 * perror() keeps the lock of stderr, on which the next line would wait forever.
 */
void mxfs_log_stderr(void *data, enum mxfs_log_level level, const char *text)
{
    char line[LINE_TEXT + 8];
    int n = snprintf(line, sizeof(line), "mxfs: %.*s\n", LINE_TEXT, text);

    (void)data, (void)level;
    for (const char *at = line; n > 0;) {
        ssize_t written = write(STDERR_FILENO, at, (size_t)n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        at += written;
        n -= (int)written;
    }
}

void mxfs_log(enum mxfs_log_level level, const char *fmt, ...)
{
    mxfs_log_sink *sink = atomic_load(&current_sink);
    char raw[LINE_TEXT], line[LINE_TEXT];
    va_list args;

    if (!sink || level > max_level)
        return;
    va_start(args, fmt);
    vsnprintf(raw, sizeof(raw), fmt, args);
    va_end(args);
    mxfs_escape(line, sizeof(line), raw, strlen(raw));
    sink(sink_data, level, line);
}

/* Seconds of the monotonic clock, counted from 1: 0 means "never" in struct mxfs_log_limit. */
static int64_t now_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec + 1;
}

bool mxfs_log_allow(struct mxfs_log_limit *limit, uint64_t *dropped)
{
    int64_t now = now_seconds();
    int64_t last = atomic_load(&limit->last);

    /* If several threads log in one second, the one that advances `last` writes. */
    if (last >= now || !atomic_compare_exchange_strong(&limit->last, &last, now)) {
        atomic_fetch_add(&limit->dropped, 1);
        return false;
    }
    *dropped = atomic_exchange(&limit->dropped, 0);
    return true;
}

const char *mxfs_log_dropped(char out[MXFS_LOG_DROPPED_TEXT], uint64_t dropped)
{
    out[0] = '\0';
    if (dropped > 0)
        snprintf(out, MXFS_LOG_DROPPED_TEXT, " (%" PRIu64 " more before)", dropped);
    return out;
}
