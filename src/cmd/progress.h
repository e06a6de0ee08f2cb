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

/** The width of the terminal `fd`; 80 if it is unknown or `fd` is no terminal. */
int cmd_columns(int fd);

/**
 * A progress bar on stderr, if that is a terminal: what is done, rate, time left. Several threads
 * may add to `done`; the rest belongs to one thread.
 */
struct cmd_progress {
    bool shown;            /**< stderr is a terminal */
    uint64_t total;        /**< bytes */
    atomic_ullong done;    /**< of them */
    struct timespec start; /**< of the job */
    struct timespec last;  /**< when the rate was last measured */
    uint64_t last_done;    /**< `done` at that time */
    double rate;           /**< bytes a second, over the last few seconds */
};

/** Starts; `quiet`: show nothing. */
void cmd_progress_begin(struct cmd_progress *progress, uint64_t total, bool quiet);

/** Draws the bar. */
void cmd_progress_draw(struct cmd_progress *progress);

/** Erases the bar; with `what`, prints a last line of its size, time and rate. */
void cmd_progress_end(struct cmd_progress *progress, const char *what);

/**
 * From here on the first SIGINT, SIGTERM or SIGHUP sets a flag; a second one kills. Signals that
 * are ignored stay ignored.
 */
void cmd_interrupt_catch(void);

/** Whether one came. */
bool cmd_interrupt_came(void);

/** Restores the handlers; if a signal came, dies of it. */
void cmd_interrupt_release(void);

#endif
