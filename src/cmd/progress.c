/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The progress bar, and the signals that interrupt a long job.
 */
#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"
#include "mxfs/error.h"
#include "mxfs/text.h"

enum { BAR_MAX = 40, TEXT_MAX = 160, COLUMNS_USUAL = 80 };

static double seconds_between(const struct timespec *from, const struct timespec *to)
{
    return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

void cmd_progress_begin(struct cmd_progress *progress, uint64_t total, bool quiet)
{
    memset(progress, 0, sizeof(*progress));
    progress->shown = !quiet && isatty(STDERR_FILENO);
    progress->total = total;
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
    progress->last = progress->start;
}

/* Updates the rate: an average over the first two seconds, then a moving average in which the
 * weight of a measurement falls to a third within two seconds. */
static void measure_rate(struct cmd_progress *p, uint64_t done)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    double dt = seconds_between(&p->last, &now);
    if (dt < 0.05)
        return;
    double rate = (double)(done - p->last_done) / dt, since = seconds_between(&p->start, &now);
    double weight = dt / (since < 2 ? since : 2);
    p->rate += (rate - p->rate) * (weight < 1 ? weight : 1);
    p->last = now;
    p->last_done = done;
}

/* Writes "0:07", "1:02:03", or "-" if unknown. Rounds up, so that 0:00 means done. */
static void format_eta(char *out, size_t size, double seconds)
{
    int s = seconds < 100 * 3600 ? (int)seconds + (seconds > (int)seconds) : -1;

    if (s < 0)
        snprintf(out, size, "-");
    else if (s < 3600)
        snprintf(out, size, "%d:%02d", s / 60, s % 60);
    else
        snprintf(out, size, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
}

int cmd_columns(int fd)
{
    struct winsize w;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : COLUMNS_USUAL;
}

void cmd_progress_draw(struct cmd_progress *progress)
{
    uint64_t done = atomic_load_explicit(&progress->done, memory_order_relaxed);
    char sizes[3][MXFS_TEXT_SIZE], eta[32], text[TEXT_MAX], bar[BAR_MAX + 1];

    if (!progress->shown)
        return;
    measure_rate(progress, done);
    double part = progress->total ? (double)done / (double)progress->total : 1;
    format_eta(eta, sizeof(eta), (double)(progress->total - done) / progress->rate);
    mxfs_text_size(sizes[2], (uint64_t)progress->rate);
    size_t n = (size_t)snprintf(text, sizeof(text), "%3d%%  %s of %s  %s/s  ETA %s",
                                (int)(part * 100), mxfs_text_size(sizes[0], done),
                                mxfs_text_size(sizes[1], progress->total), sizes[2], eta);
    size_t width = (size_t)cmd_columns(STDERR_FILENO);
    if (n >= width) /* a narrow terminal gets only the essentials */
        n = (size_t)snprintf(text, sizeof(text), "%3d%%  %s/s  ETA %s", (int)(part * 100), sizes[2],
                             eta);
    size_t used = n + 6;
    size_t room = width > used ? mxfs_min_u64(width - used, BAR_MAX) : 0;
    size_t full = (size_t)((double)room * part);
    memset(bar, '#', full);
    memset(bar + full, '.', room - full);
    bar[room] = '\0';
    /* One write, so that the terminal never shows half a line. */
    if (room >= 5)
        fprintf(stderr, "\r[%s] %s\x1b[K", bar, text);
    else
        fprintf(stderr, "\r%.*s\x1b[K", (int)width - 1, text);
    fflush(stderr);
}

void cmd_progress_end(struct cmd_progress *progress, const char *what)
{
    char text[3][MXFS_TEXT_SIZE], shown[512];
    struct timespec now;

    if (!progress->shown)
        return;
    fputs("\r\x1b[K", stderr);
    if (what) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        double s = seconds_between(&progress->start, &now);
        mxfs_escape(shown, sizeof(shown), what, strlen(what));
        fprintf(stderr, "%s: %s in %s, %s/s\n", shown, mxfs_text_size(text[0], progress->total),
                mxfs_text_time(text[1], s),
                mxfs_text_size(text[2], (uint64_t)((double)progress->total / (s > 0 ? s : 1))));
    }
    fflush(stderr);
    progress->shown = false;
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[MXFS_COUNT(stop_signals)];
static volatile sig_atomic_t came;

static void on_signal(int number)
{
    came = number;
}

void cmd_interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < MXFS_COUNT(stop_signals); i++) {
        sigaction(stop_signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(stop_signals[i], &action, NULL);
    }
}

bool cmd_interrupt_came(void)
{
    return came != 0;
}

void cmd_interrupt_release(void)
{
    for (size_t i = 0; i < MXFS_COUNT(stop_signals); i++)
        sigaction(stop_signals[i], &before[i], NULL);
    if (came)
        raise(came);
}
