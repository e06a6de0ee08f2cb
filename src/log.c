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
/* Set by the thread that serves the first request, while the signal thread may be logging. */
static atomic_bool to_syslog;

void mxfs_log_open(enum mxfs_log_level max)
{
    max_level = max;
}

void mxfs_log_to_syslog(void)
{
    openlog("mxfs", LOG_PID, LOG_DAEMON);
    atomic_store(&to_syslog, true);
}

bool mxfs_log_enabled(enum mxfs_log_level level)
{
    return level <= max_level;
}

static int syslog_priority(enum mxfs_log_level level)
{
    static const int priority[] = {
        [MXFS_LOG_ERROR] = LOG_ERR,
        [MXFS_LOG_WARNING] = LOG_WARNING,
        [MXFS_LOG_NOTICE] = LOG_NOTICE,
        [MXFS_LOG_DEBUG] = LOG_DEBUG,
    };

    return priority[level];
}

/*
 * Without stdio: libfuse cancels its threads when a mount ends, and a thread cancelled inside
 * perror() keeps the lock of stderr, on which the next line would wait for ever.
 */
void mxfs_log_line(const char *text)
{
    char line[LINE_TEXT + 8];
    int n = snprintf(line, sizeof(line), "mxfs: %.*s\n", LINE_TEXT, text);

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
    char raw[LINE_TEXT], line[LINE_TEXT];
    va_list args;

    if (!mxfs_log_enabled(level))
        return;
    va_start(args, fmt);
    vsnprintf(raw, sizeof(raw), fmt, args);
    va_end(args);
    mxfs_escape(line, sizeof(line), raw, strlen(raw));
    if (atomic_load(&to_syslog))
        syslog(syslog_priority(level), "%s", line);
    else
        mxfs_log_line(line);
}

/* Seconds of a monotonic clock, from 1, because 0 means "never" in mxfs_log_limit. */
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
