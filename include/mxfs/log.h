/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Log lines: stderr in the foreground, syslog as a daemon.
 *
 * Thread safety: mxfs_log_open() before threads start; the rest is internally locked (stdio,
 * syslog).
 */
#ifndef MXFS_LOG_H
#define MXFS_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "mxfs/compiler.h"

/** How important a line is; lines above the configured level are dropped. */
enum mxfs_log_level {
    MXFS_LOG_SILENT = -1, /**< only for mxfs_log_open(): nothing is written */
    MXFS_LOG_ERROR,
    MXFS_LOG_WARNING,
    MXFS_LOG_NOTICE,
    MXFS_LOG_DEBUG,
};

/** Sets the level; lines go to stderr until mxfs_log_to_syslog(). */
void mxfs_log_open(enum mxfs_log_level max);

/** From here on lines go to syslog (facility daemon). */
void mxfs_log_to_syslog(void);

/** Writes "mxfs: TEXT" and a newline to stderr, as it is, at most 2 KiB; takes no lock. */
void mxfs_log_line(const char *text);

/** Writes one line "mxfs: ..."; control characters are escaped. */
void mxfs_log(enum mxfs_log_level level, const char *fmt, ...) MXFS_PRINTF(2, 3);

/** Whether lines of this level are written at all. */
bool mxfs_log_enabled(enum mxfs_log_level level);

/** State of one rate-limited place; zero-initialised. */
struct mxfs_log_limit {
    _Atomic int64_t last;     /**< second of the last line written, 0 when none */
    _Atomic uint64_t dropped; /**< lines held back since */
};

/**
 * Whether a line may be written now: at most one a second per place. *dropped is the number
 * held back since the last one.
 */
bool mxfs_log_allow(struct mxfs_log_limit *limit, uint64_t *dropped);

/** Room for mxfs_log_dropped(). */
enum { MXFS_LOG_DROPPED_TEXT = 48 };

/** The end of such a line: "" or " (17 more before)"; returns `out`. */
const char *mxfs_log_dropped(char out[MXFS_LOG_DROPPED_TEXT], uint64_t dropped);

#endif
