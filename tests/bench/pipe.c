/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Either end of a pipe, to compare `mxfs export SOURCE -` with.
 *
 *   pipe pour BYTES   writes BYTES bytes from one buffer to stdout: the most that a pipe can carry
 *   pipe drain        reads stdin to its end and prints how many seconds that took
 *
 * Pipe size and transfer size are those of export.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static uint8_t buffer[MIB];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int pour(uint64_t left)
{
    memset(buffer, 0x3f, sizeof(buffer));
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, MIB);
    while (left > 0) {
        ssize_t n = write(STDOUT_FILENO, buffer, left < MIB ? left : MIB);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            perror("write");
            return EXIT_FAILURE;
        }
        left -= (uint64_t)n;
    }
    return EXIT_SUCCESS;
}

static int drain(void)
{
    double start = now();
    ssize_t n;

    while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
        ;
    if (n < 0) {
        perror("read");
        return EXIT_FAILURE;
    }
    printf("%.9f\n", now() - start);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "pour") == 0)
        return pour(strtoull(argv[2], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "drain") == 0)
        return drain();
    fprintf(stderr, "usage: pipe pour BYTES | pipe drain\n");
    return 2;
}
