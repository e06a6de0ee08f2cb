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

void mxfs_log_open(mxfs_log_sink *sink, void *data, enum mxfs_log_level max)
{
    max_level = max;
    sink_data = data;
    atomic_store(&current_sink, sink);
}

static void log_syslog(void *data, enum mxfs_log_level level, const char *line)
{
    static const int priority[] = {
        [MXFS_LOG_ERROR] = LOG_ERR,
        [MXFS_LOG_WARNING] = LOG_WARNING,
        [MXFS_LOG_NOTICE] = LOG_NOTICE,
        [MXFS_LOG_DEBUG] = LOG_DEBUG,
    };

    (void)data;
    syslog(priority[level], "%s", line);
}

void mxfs_log_to_syslog(void)
{
    openlog("mxfs", LOG_PID, LOG_DAEMON);
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

    /* Of several threads within a second, only the one that moves `last` writes. */
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
