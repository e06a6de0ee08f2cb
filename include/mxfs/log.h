/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Log lines. They go to the sink that mxfs_log_open() sets; without one they are dropped, which is
 * what a library owes its host.
 *
 * Thread safety: mxfs_log_open() before threads start; the rest at any time by any thread, without
 * a lock.
 */
#ifndef MXFS_LOG_H
#define MXFS_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mxfs/compiler.h"

/** Importance of a line, most important first; lines above the configured level are dropped. */
enum mxfs_log_level {
    MXFS_LOG_ERROR,   /**< something failed */
    MXFS_LOG_WARNING, /**< something is ignored, or works less well than asked for */
    MXFS_LOG_NOTICE,  /**< worth knowing */
    MXFS_LOG_DEBUG,   /**< for --verbose and --debug */
};

/**
 * Takes one line: at most 2 KiB, control characters escaped, without a newline. Called by any
 * thread, also by several at once.
 */
typedef void mxfs_log_sink(void *data, enum mxfs_log_level level, const char *line);

/** Lines up to level `max` go to `sink` from now on; NULL drops all. */
void mxfs_log_open(mxfs_log_sink *sink, void *data, enum mxfs_log_level max);

/** The sink that writes "mxfs: LINE" and a newline to stderr; `data` is not used. */
void mxfs_log_stderr(void *data, enum mxfs_log_level level, const char *line);

/**
 * Connects to /dev/log, while the process still may. Returns 0 or -errno. It is not connected
 * again: lines are lost once a syslog daemon has replaced the socket. (Those that systemd starts
 * keep it when they are restarted.)
 */
int mxfs_log_connect(void);

/**
 * Replaces the sink by syslog (facility daemon), also while other threads log; lines are dropped
 * if it is not connected. A syslog daemon that does not read delays a line by at most a second.
 */
void mxfs_log_to_syslog(void);

/** Writes one line to the sink. */
void mxfs_log(enum mxfs_log_level level, const char *fmt, ...) MXFS_PRINTF(2, 3);

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

/** Formats the end of such a line, "" or " (17 more before)", and returns `out`. */
const char *mxfs_log_dropped(char out[MXFS_LOG_DROPPED_TEXT], uint64_t dropped);

#endif
