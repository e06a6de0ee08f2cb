/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Reads a part of a file the way some programs do, and prints how long it took: one measurement of
 * the benchmark. The file's pages are dropped from the page cache first, and opening it is not
 * timed.
 *
 *   reader MODE FILE OFFSET LENGTH [NUMBER]
 *
 *   read       1 MiB at a time                      seconds
 *   sequential 128 KiB at a time, FADV_SEQUENTIAL   seconds
 *   direct     1 MiB at a time, O_DIRECT            seconds
 *   mmap       a private mapping, every page once   seconds
 *   parallel   NUMBER threads, a part each, 1 MiB   seconds
 *   fault      NUMBER threads, a part of one mapping each   seconds
 *   random     NUMBER reads of 4 KiB                median latency in seconds
 *   touched    the same, within LENGTH bytes, one of which was read before
 *   once       one pread of LENGTH bytes            seconds
 *   warm       the same from the page cache, but not from the CPU cache
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20, MAX_THREADS = 64, MAX_SAMPLES = 100000, EVICT = 128 << 20 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/** A part of the file and how to read it. */
struct part {
    int fd;
    const uint8_t *map; /**< the whole file, in modes that map it */
    uint64_t offset, length;
    size_t block;
    uint64_t sum; /**< keeps the compiler from dropping the reads */
};

static void *buffer(size_t size)
{
    void *p = aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE);
    if (!p)
        die("memory");
    memset(p, 1, size);
    return p;
}

static void read_exactly(int fd, uint8_t *p, uint64_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t n = pread(fd, p, len, (off_t)offset);
        if (n <= 0)
            die("pread");
        p += n;
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
}

static void *read_part(void *arg)
{
    struct part *p = arg;
    uint8_t *buf = buffer(p->block);
    for (uint64_t at = 0; at < p->length; at += p->block) {
        uint64_t left = p->length - at;
        read_exactly(p->fd, buf, left < p->block ? left : p->block, p->offset + at);
    }
    free(buf);
    return NULL;
}

static void *touch_part(void *arg)
{
    struct part *p = arg;
    for (uint64_t at = 0; at < p->length; at += PAGE)
        p->sum += *(volatile const uint8_t *)(p->map + p->offset + at);
    return NULL;
}

/* Reads `threads` parts of p at the same time. */
static double run_parts(const struct part *p, unsigned threads, void *(*run)(void *))
{
    pthread_t thread[MAX_THREADS];
    struct part part[MAX_THREADS];
    uint64_t each = p->length / threads / MIB * MIB;
    double start = now();

    for (unsigned i = 0; i < threads; i++) {
        part[i] = *p;
        part[i].offset += i * each;
        part[i].length = each;
        if (pthread_create(&thread[i], NULL, run, &part[i]) != 0)
            die("pthread_create");
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    return now() - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double random_reads(const struct part *p, unsigned count)
{
    static double sample[MAX_SAMPLES];
    uint8_t *buf = buffer(PAGE);
    uint64_t x = 88172645463325252u;

    for (unsigned i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        uint64_t at = p->offset / PAGE * PAGE + x % (p->length / PAGE) * PAGE;
        double start = now();
        read_exactly(p->fd, buf, PAGE, at);
        sample[i] = now() - start;
    }
    free(buf);
    qsort(sample, count, sizeof(*sample), compare);
    return sample[count / 2];
}

static double time_once(struct part *p)
{
    uint8_t *buf = buffer(p->length);
    double start = now();
    read_exactly(p->fd, buf, p->length, p->offset);
    double took = now() - start;
    free(buf);
    return took;
}

static double time_part(struct part *p, void *(*run)(void *))
{
    double start = now();
    run(p);
    return now() - start;
}

/* Reads a byte of the region first, so that the filesystem's own caches are warm. */
static double random_touched(const struct part *p, unsigned count)
{
    uint8_t byte;
    read_exactly(p->fd, &byte, 1, p->offset);
    return random_reads(p, count);
}

static double run(const char *mode, struct part *p, unsigned number)
{
    if (strcmp(mode, "random") == 0)
        return random_reads(p, number);
    if (strcmp(mode, "touched") == 0)
        return random_touched(p, number);
    if (strcmp(mode, "parallel") == 0)
        return run_parts(p, number, read_part);
    if (strcmp(mode, "fault") == 0)
        return run_parts(p, number, touch_part);
    if (strcmp(mode, "mmap") == 0)
        return time_part(p, touch_part);
    if (strcmp(mode, "warm") == 0) {
        time_once(p);
        free(buffer(EVICT));
    }
    if (strcmp(mode, "once") == 0 || strcmp(mode, "warm") == 0)
        return time_once(p);
    return time_part(p, read_part);
}

static bool is(const char *mode, const char *a, const char *b)
{
    return strcmp(mode, a) == 0 || strcmp(mode, b) == 0;
}

static void prepare(const char *mode, const char *path, struct part *p)
{
    struct stat st;

    p->fd = open(path, O_RDONLY | O_CLOEXEC | (strcmp(mode, "direct") == 0 ? O_DIRECT : 0));
    if (p->fd < 0 || fstat(p->fd, &st) != 0)
        die(path);
    if (strcmp(mode, "warm") != 0)
        posix_fadvise(p->fd, 0, 0, POSIX_FADV_DONTNEED);
    p->block = strcmp(mode, "sequential") == 0 ? 128 << 10 : MIB;
    if (strcmp(mode, "sequential") == 0)
        posix_fadvise(p->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (!is(mode, "mmap", "fault"))
        return;
    p->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, p->fd, 0);
    if (p->map == MAP_FAILED)
        die("mmap");
}

int main(int argc, char **argv)
{
    struct part p = {0};
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: reader MODE FILE OFFSET LENGTH [NUMBER]\n");
        return 2;
    }
    unsigned number = argc == 6 ? (unsigned)strtoul(argv[5], NULL, 10) : 1;
    if (number < 1 || number > (is(argv[1], "random", "touched") ? MAX_SAMPLES : MAX_THREADS))
        return 2;
    p.offset = strtoull(argv[3], NULL, 10);
    p.length = strtoull(argv[4], NULL, 10);
    prepare(argv[1], argv[2], &p);
    printf("%.9f\n", run(argv[1], &p, number));
    return 0;
}
