/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The log: lines on stderr in the foreground, in syslog as a daemon.
 *
 * Thread safety: mxfs_log_open() before threads start. The rest may be called by any thread: each
 * line is one write() or one send().
 */
#ifndef MXFS_LOG_H
#define MXFS_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mxfs/compiler.h"

/** Importance of a line, most important first; lines above the configured level are dropped. */
enum mxfs_log_level {
    MXFS_LOG_SILENT = -1, /**< only for mxfs_log_open(): nothing is written */
    MXFS_LOG_ERROR,       /**< the command failed */
    MXFS_LOG_WARNING,     /**< something does not work as requested */
    MXFS_LOG_NOTICE,      /**< events in the life of a mount */
    MXFS_LOG_DEBUG,       /**< with --debug */
};

/** Sets the level; lines go to stderr until mxfs_log_to_syslog(). */
void mxfs_log_open(enum mxfs_log_level max);

/**
 * Connects to /dev/log, while the process still may. Returns 0 or -errno. It is not connected
 * again: lines are lost once a syslog daemon has replaced the socket, which systemd's keeps when
 * restarted.
 */
int mxfs_log_connect(void);

/**
 * Sends all further lines to syslog (facility daemon), or nowhere if not connected. A syslog that
 * does not read delays a line by at most a second, and is then not told.
 */
void mxfs_log_to_syslog(void);

/** Writes "mxfs: TEXT" and a newline to stderr, unescaped, at most 2 KiB; takes no lock. */
void mxfs_log_line(const char *text);

/** Writes one line "mxfs: ..." with control characters escaped. */
void mxfs_log(enum mxfs_log_level level, const char *fmt, ...) MXFS_PRINTF(2, 3);

/** Whether lines of this level are written. */
bool mxfs_log_enabled(enum mxfs_log_level level);

/** State of one rate-limited place; zero-initialised. */
struct mxfs_log_limit {
    _Atomic int64_t last;     /**< second in which the last line was written, 0 for never */
    _Atomic uint64_t dropped; /**< lines dropped since */
};

/**
 * Whether a line may be written now: at most one a second from each place. If so, *dropped is the
 * number of lines dropped since the last one.
 */
bool mxfs_log_allow(struct mxfs_log_limit *limit, uint64_t *dropped);

/** Bytes that mxfs_log_dropped() needs. */
enum { MXFS_LOG_DROPPED_TEXT = 48 };

/** Writes the end of such a line, "" or " (17 more before)", to `out` and returns it. */
const char *mxfs_log_dropped(char out[MXFS_LOG_DROPPED_TEXT], uint64_t dropped);

#endif
