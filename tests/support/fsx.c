/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A read-only fsx: reads a file at random in every possible way, and compares it with another file
 * that has the same bytes.
 *
 *   fsx FILE ORACLE SEED FIRST COUNT THREADS SINK
 *
 * SINK is the mountpoint of sinkfs.c. Operation i depends only on SEED and i, so FIRST=i COUNT=1
 * THREADS=1 repeats a failing one. Prints the seed first; a mismatch names the operation, its kind,
 * offset and length.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LENGTH_MAX = 1 << 18, PAGE = 4096, FORGOTTEN = 1 << 20 };

static const char *path, *sink_folder;
static const uint8_t *oracle, *map_private, *map_shared;
static uint64_t size, seed, first, count;
static _Atomic uint64_t next_op, bytes_read;
static atomic_bool failed;

/* The descriptors and mappings of a thread. */
struct thread {
    int fd, direct, pipe[2], sink;
    uint8_t *buf; /* page-aligned, LENGTH_MAX + PAGE */
};

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

struct op {
    uint64_t index, offset;
    size_t len;
    unsigned kind;
};

static struct op make_op(uint64_t index)
{
    uint64_t r = mix(seed * 0x100000001B3u + index);
    static const size_t scales[] = {1, 16, 512, PAGE, 65536, LENGTH_MAX};
    struct op o = {.index = index};

    o.kind = (unsigned)(r % 64);
    r = mix(r);
    o.len = mix(r) % scales[r % 6] + 1;
    /* A random offset, now and then at or beyond the end. */
    o.offset = mix(r + 1) % (r % 61 == 0 ? size + 2 * PAGE : size);
    return o;
}

static size_t expected(const struct op *o)
{
    if (o->offset >= size)
        return 0;
    return o->len < size - o->offset ? o->len : (size_t)(size - o->offset);
}

static bool fail(const struct op *o, const char *kind, ssize_t got)
{
    if (!atomic_exchange(&failed, true))
        fprintf(stderr,
                "fsx: operation %llu (%s) at %llu, length %zu: got %zd%s%s; replay: SEED=%llu "
                "FIRST=%llu COUNT=1 THREADS=1\n",
                (unsigned long long)o->index, kind, (unsigned long long)o->offset, o->len, got,
                got < 0 ? " " : "", got < 0 ? strerror(errno) : " bytes or wrong ones",
                (unsigned long long)seed, (unsigned long long)o->index);
    return false;
}

/* Compares the `got` bytes at buf; there should be `want`. */
static bool same(const struct op *o, const char *kind, const uint8_t *buf, ssize_t got)
{
    size_t want = expected(o);

    if (got != (ssize_t)want || memcmp(buf, oracle + (want ? o->offset : 0), want) != 0)
        return fail(o, kind, got);
    atomic_fetch_add_explicit(&bytes_read, want, memory_order_relaxed);
    return true;
}

/* Reads with pread() up to the end of the file, where alone a short read is legal. */
static ssize_t read_all(int fd, uint8_t *buf, size_t len, uint64_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(fd, buf + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static bool op_pread(struct thread *t, const struct op *o)
{
    return same(o, "pread", t->buf, read_all(t->fd, t->buf, o->len, o->offset));
}

static bool op_preadv(struct thread *t, const struct op *o)
{
    size_t a = o->len / 3, b = o->len / 2 - a;
    struct iovec v[3] = {{t->buf, a}, {t->buf + a, b}, {t->buf + a + b, o->len - a - b}};
    return same(o, "preadv", t->buf, preadv(t->fd, v, 3, (off_t)o->offset));
}

static bool op_map(const struct op *o, bool shared)
{
    const uint8_t *map = shared ? map_shared : map_private;
    size_t want = expected(o);

    return same(o, shared ? "shared mapping" : "private mapping", map + (want ? o->offset : 0),
                (ssize_t)want);
}

static bool op_direct(struct thread *t, const struct op *o)
{
    struct op a = *o;

    a.offset = o->offset / PAGE * PAGE;
    a.len = (o->len + PAGE - 1) / PAGE * PAGE;
    if (a.len > LENGTH_MAX)
        a.len = LENGTH_MAX;
    return same(&a, "O_DIRECT", t->buf, read_all(t->direct, t->buf, a.len, a.offset));
}

static ssize_t drain(int fd, uint8_t *buf, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = read(fd, buf + done, len - done);
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Splices through a pipe, at most as much as it can hold. */
static bool op_pipe(struct thread *t, const struct op *o, bool sending)
{
    struct op a = *o;
    off_t at = (off_t)o->offset;

    a.len = o->len < 32768 ? o->len : 32768;
    size_t want = expected(&a);
    size_t done = 0;
    while (done < want) {
        ssize_t n = sending ? sendfile(t->pipe[1], t->fd, &at, want - done)
                            : splice(t->fd, &at, t->pipe[1], NULL, want - done, 0);
        if (n <= 0)
            return fail(&a, sending ? "sendfile" : "splice", n);
        if (drain(t->pipe[0], t->buf + done, (size_t)n) < 0)
            return fail(&a, "pipe", -1);
        done += (size_t)n;
    }
    return same(&a, sending ? "sendfile" : "splice", t->buf, (ssize_t)done);
}

static bool op_copy_range(struct thread *t, const struct op *o)
{
    off_t from = (off_t)o->offset, to = 0;
    size_t want = expected(o), done = 0;

    while (done < want) {
        ssize_t n = copy_file_range(t->fd, &from, t->sink, &to, want - done, 0);
        if (n <= 0)
            return fail(o, "copy_file_range", n);
        done += (size_t)n;
    }
    return same(o, "copy_file_range", t->buf, read_all(t->sink, t->buf, want, 0));
}

/* Makes a new mapping of just the pages that it reads. */
static bool op_new_map(struct thread *t, const struct op *o)
{
    uint64_t begin = o->offset / PAGE * PAGE;
    size_t want = expected(o), ahead = (size_t)(o->offset - begin);

    if (want == 0)
        return op_pread(t, o);
    int flags = o->index % 2 == 0 ? MAP_PRIVATE : MAP_SHARED | MAP_POPULATE;
    const uint8_t *map = mmap(NULL, ahead + want, PROT_READ, flags, t->fd, (off_t)begin);
    if (map == MAP_FAILED)
        return fail(o, "mmap", -1);
    bool good = same(o, "new mapping", map + ahead, (ssize_t)want);
    munmap((void *)map, ahead + want);
    return good;
}

/* Reads at the file position of a duplicate, which the descriptor shares. */
static bool op_seek(struct thread *t, const struct op *o)
{
    int fd = dup(t->fd);
    size_t done = 0;
    ssize_t n = fd >= 0 && lseek(t->fd, (off_t)o->offset, SEEK_SET) == (off_t)o->offset ? 1 : -1;

    while (n > 0 && done < o->len) {
        n = read(fd, t->buf + done, o->len - done);
        done += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return n < 0 ? fail(o, "lseek and read", n) : same(o, "read", t->buf, (ssize_t)done);
}

static bool op_dup(struct thread *t, const struct op *o)
{
    int fd = dup(t->fd);
    bool good = same(o, "dup", t->buf, read_all(fd, t->buf, o->len, o->offset));
    close(fd);
    return good;
}

static bool op_reopen(struct thread *t, const struct op *o)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && same(o, "open", t->buf, read_all(fd, t->buf, o->len, o->offset));
    if (fd < 0)
        return fail(o, "open", -1);
    close(fd);
    return good;
}

/* A child reads through a descriptor that it inherits. After a fork from a threaded process only
 * async-signal-safe calls are allowed, so it makes just one. */
static bool op_inherit(struct thread *t, const struct op *o)
{
    size_t want = expected(o);
    pid_t child = fork();

    if (child == 0)
        _exit(pread(t->fd, t->buf, want, (off_t)o->offset) == (ssize_t)want &&
                      memcmp(t->buf, oracle + (want ? o->offset : 0), want) == 0
                  ? 0
                  : 1);
    int status = 1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return fail(o, "inherited descriptor", status);
    return true;
}

/* Makes the kernel drop pages of the file, so that the next reads reach the daemon again. It keeps
 * pages that are mapped, so the mappings release them first. */
static bool op_forget(struct thread *t, const struct op *o)
{
    uint64_t begin = (o->offset < size ? o->offset : 0) / PAGE * PAGE;
    size_t len = size - begin < FORGOTTEN ? (size_t)(size - begin) : FORGOTTEN;

    madvise((void *)(map_private + begin), len, MADV_DONTNEED);
    madvise((void *)(map_shared + begin), len, MADV_DONTNEED);
    posix_fadvise(t->fd, (off_t)begin, (off_t)len, POSIX_FADV_DONTNEED);
    return op_pread(t, o);
}

static bool run_op(struct thread *t, const struct op *o)
{
    switch (o->kind) {
    case 0 ... 19:
        return op_pread(t, o);
    case 20 ... 25:
        return op_preadv(t, o);
    case 26 ... 33:
        return op_map(o, false);
    case 34 ... 41:
        return op_map(o, true);
    case 42 ... 46:
        return op_direct(t, o);
    case 47 ... 49:
        return op_pipe(t, o, true);
    case 50 ... 51:
        return op_pipe(t, o, false);
    case 52:
        return op_copy_range(t, o);
    case 53:
        return op_dup(t, o);
    case 54:
        return o->index % 4 < 2 ? op_new_map(t, o) : op_seek(t, o);
    case 55:
        return op_reopen(t, o);
    case 56:
        return mix(o->index) % 64 == 0 ? op_inherit(t, o) : op_pread(t, o);
    default:
        return op_forget(t, o);
    }
}

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "fsx: %s: %s\n", what, strerror(errno));
        exit(2);
    }
}

static const uint8_t *map_file(const char *file, int flags)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, flags, fd, 0);

    must(map != MAP_FAILED, file);
    close(fd);
    return map;
}

static void *work(void *arg)
{
    struct thread t;
    char sink[PATH_MAX];

    snprintf(sink, sizeof(sink), "%s/%zu", sink_folder, (size_t)(uintptr_t)arg);
    t.fd = open(path, O_RDONLY | O_CLOEXEC);
    t.direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    t.sink = open(sink, O_RDWR | O_CLOEXEC);
    must(t.fd >= 0 && t.direct >= 0 && t.sink >= 0 && pipe2(t.pipe, O_CLOEXEC) == 0, path);
    t.buf = aligned_alloc(PAGE, LENGTH_MAX + PAGE);
    must(t.buf, "memory");
    for (uint64_t i; (i = atomic_fetch_add(&next_op, 1)) < first + count;) {
        struct op o = make_op(i);
        if (atomic_load(&failed) || !run_op(&t, &o))
            break;
    }
    free(t.buf);
    close(t.fd), close(t.direct), close(t.sink), close(t.pipe[0]), close(t.pipe[1]);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    struct stat st;

    if (argc != 8) {
        fprintf(stderr, "usage: fsx FILE ORACLE SEED FIRST COUNT THREADS SINK\n");
        return 2;
    }
    path = argv[1];
    seed = strtoull(argv[3], NULL, 0);
    first = strtoull(argv[4], NULL, 0);
    count = strtoull(argv[5], NULL, 0);
    int n = atoi(argv[6]);
    must(n >= 1 && n <= 64, "THREADS");
    sink_folder = argv[7];
    must(stat(argv[2], &st) == 0, argv[2]);
    size = (uint64_t)st.st_size;
    must(stat(path, &st) == 0, path);
    if ((uint64_t)st.st_size != size) {
        fprintf(stderr, "fsx: %s has %lld bytes, %s has %llu\n", path, (long long)st.st_size,
                argv[2], (unsigned long long)size);
        return 1;
    }
    oracle = map_file(argv[2], MAP_PRIVATE);
    map_private = map_file(path, MAP_PRIVATE);
    map_shared = map_file(path, MAP_SHARED);
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    atomic_store(&next_op, first);
    for (int i = 0; i < n; i++)
        must(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i) == 0, "pthread_create");
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    printf("%llu operations, %llu bytes compared\n",
           (unsigned long long)(atomic_load(&next_op) - first - (uint64_t)n),
           (unsigned long long)atomic_load(&bytes_read));
    return atomic_load(&failed) ? 1 : 0;
}
