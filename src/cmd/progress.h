/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The progress bar, and the signals that end what it shows.
 */
#ifndef MXFS_CMD_PROGRESS_H
#define MXFS_CMD_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/** How wide a terminal is; 80 where it does not say, or `fd` is none. */
int cmd_columns(int fd);

/**
 * A progress bar on stderr, if that is a terminal: what is done, rate, time left. Only `done` may
 * be touched by several threads.
 */
struct cmd_progress {
    bool shown;            /**< stderr is a terminal */
    uint64_t total;        /**< bytes */
    atomic_ullong done;    /**< of them */
    struct timespec start; /**< of all */
    struct timespec last;  /**< when the rate was measured last */
    uint64_t last_done;
    double rate; /**< bytes a second, of the last few seconds */
};

/** Starts; `quiet`: show nothing. */
void cmd_progress_begin(struct cmd_progress *progress, uint64_t total, bool quiet);

/** Draws. */
void cmd_progress_draw(struct cmd_progress *progress);

/** Takes the bar away; `what`, if not NULL, gets a last line with size, time and rate. */
void cmd_progress_end(struct cmd_progress *progress, const char *what);

/**
 * From here on SIGINT, SIGTERM and SIGHUP only set a flag, once: a second one kills. Signals that
 * are ignored stay so.
 */
void cmd_interrupt_catch(void);
/** Whether one came. */
bool cmd_interrupt_came(void);
/** Handles them as before; if one came, dies of it. */
void cmd_interrupt_release(void);

#endif
