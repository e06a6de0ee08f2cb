/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The progress bar, and the signals that interrupt a long job.
 */
#ifndef MXFS_CMD_PROGRESS_H
#define MXFS_CMD_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** The width of the terminal `fd`; 80 if it is unknown or `fd` is not a terminal. */
int cmd_columns(int fd);

/**
 * A progress bar on stderr, if that is a terminal: bytes done, rate and time left. Any thread may
 * add to `done`; only one thread uses the rest.
 */
struct cmd_progress {
    bool shown;            /**< the bar is drawn */
    uint64_t total;        /**< bytes to do */
    atomic_ullong done;    /**< bytes done */
    struct timespec start; /**< when the job began */
    struct timespec last;  /**< when the rate was last measured */
    uint64_t last_done;    /**< `done` at that time */
    double rate;           /**< bytes per second, over the last few seconds */
};

/** Starts the clock; with `quiet`, nothing will be drawn. */
void cmd_progress_begin(struct cmd_progress *progress, uint64_t total, bool quiet);

/** Draws the bar. */
void cmd_progress_draw(struct cmd_progress *progress);

/** Erases the bar. Unless `what` is NULL, prints it with total size, time and average rate. */
void cmd_progress_end(struct cmd_progress *progress, const char *what);

/**
 * From here on the first SIGINT, SIGTERM or SIGHUP sets a flag; a second one kills the process.
 * Signals that are ignored stay ignored.
 */
void cmd_interrupt_catch(void);

/** Whether such a signal came. */
bool cmd_interrupt_came(void);

/** Restores the handlers; if a signal came, raises it again. */
void cmd_interrupt_release(void);

#endif
