/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libFuzzer: whole model folders, made by a program (program.h), through everything that a source
 * passes: the library and eight threads of it, the tree of a mount, list, cat and export.
 *
 * All of them must agree on every byte. What an input may cost is bounded too: processor time by
 * the size of its texts, and under a sanitizer the heap by what README.md promises. So a cost that
 * grows faster than the input is a finding.
 */
#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "mxfs.h"
#include "mxfs/bytes.h"
#include "mxfs/tree.h"
#include "mxfs/view.h"
#include "program.h"

enum {
    THREADS = 8,
    CACHE = 1 << 20,
    WHOLE_MAX = 1 << 19, /* bytes of all files up to which every byte is read */
    PIECE = 100000,      /* bytes read of a larger file at a time */
    PIECES = 5,          /* of each larger file */
    FILES_MAX = 8,
    /*
     * Seconds for an input, and for each megabyte of its texts. Sanitizers take ten times as long
     * as the product; the machine may be busy, but this is processor time.
     */
    SECONDS = 4,
    SECONDS_PER_MB = 16,
    /* Bytes of heap: for the source, for each tensor and for each byte of text. */
    HEAP = 12 << 20,
    HEAP_TENSOR = 400,
    HEAP_TEXT = 12,
};

static char dir[] = "/tmp/mxfs-fuzz-XXXXXX", source[64], dest[64];

/* Heap. */

static _Atomic int64_t heap, heap_most;

/* From the sanitizers' runtime; absent in a plain build. */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
                                              void (*)(const volatile void *))
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *) __attribute__((weak));

static void count_malloc(const volatile void *p, size_t size)
{
    int64_t now = atomic_fetch_add(&heap, (int64_t)size) + (int64_t)size;

    (void)p;
    for (int64_t most = heap_most; now > most;) {
        if (atomic_compare_exchange_weak(&heap_most, &most, now))
            break;
    }
}

static void count_free(const volatile void *p)
{
    if (p)
        atomic_fetch_sub(&heap, (int64_t)__sanitizer_get_allocated_size(p));
}

/* Folders. */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    remove(path);
    return 0;
}

static void remove_all(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_dir(void)
{
    remove_all(dir);
}

static void set_up(void)
{
    if (source[0])
        return;
    if (!mkdtemp(dir))
        abort();
    atexit(remove_dir);
    snprintf(source, sizeof(source), "%s/source", dir);
    snprintf(dest, sizeof(dest), "%s/dest", dir);
    if (__sanitizer_install_malloc_and_free_hooks)
        __sanitizer_install_malloc_and_free_hooks(count_malloc, count_free);
}

/* Reading by the library. */

struct file {
    uint64_t size;
    const char *name;
    uint8_t *whole; /* NULL: too large */
};

struct opened {
    struct mxfs_handle *handle;
    struct file files[FILES_MAX];
    size_t count;
};

struct thread {
    pthread_t thread;
    const struct opened *o;
    unsigned number;
};

static uint64_t shuffle(uint64_t i)
{
    i = (i + 1) * 0x9E3779B97F4A7C15u;
    return i ^ i >> 29;
}

static void read_whole(struct mxfs_reader *r, const struct file *f, size_t file, unsigned number)
{
    size_t step = number == 0 ? 777 : number == 1 ? WHOLE_MAX : 50000 + 1000 * number;
    uint8_t *buf = malloc(step);

    for (uint64_t at = 0; at < f->size;) {
        ssize_t n = mxfs_read_file(r, file, buf, step, at);
        assert(n > 0 && memcmp(buf, f->whole + at, (size_t)n) == 0);
        at += (uint64_t)n;
    }
    free(buf);
}

/* Twice, in one read and in three. */
static void read_pieces(struct mxfs_reader *r, const struct file *f, size_t file, unsigned number)
{
    uint8_t *a = malloc(PIECE), *b = malloc(PIECE);

    for (uint64_t i = 0; i < PIECES; i++) {
        uint64_t at = i == 0 ? f->size - PIECE : shuffle(i * THREADS + number) % (f->size - PIECE);
        size_t third = PIECE / 3;
        ssize_t n = mxfs_read_file(r, file, a, PIECE, at);
        assert(n == PIECE);
        for (size_t from = 0; from < PIECE; from += third)
            assert(mxfs_read_file(r, file, b + from, mxfs_min_u64(third, PIECE - from), at + from) >
                   0);
        assert(memcmp(a, b, PIECE) == 0);
    }
    free(a);
    free(b);
}

static void *read_files(void *data)
{
    const struct thread *t = data;
    struct mxfs_reader *r = mxfs_reader_new(t->o->handle);

    for (size_t i = 0; i < t->o->count; i++) {
        size_t file = (i + t->number) % t->o->count;
        const struct file *f = &t->o->files[file];
        if (f->whole)
            read_whole(r, f, file, t->number);
        else
            read_pieces(r, f, file, t->number);
    }
    mxfs_reader_free(r);
    return NULL;
}

static void read_by_threads(const struct opened *o)
{
    struct thread threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.o = o, .number = i};
        if (pthread_create(&threads[i].thread, NULL, read_files, &threads[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i].thread, NULL);
}

/* Every tensor is where it says. */
static void read_tensors(const struct opened *o)
{
    struct mxfs_reader *r = mxfs_reader_new(o->handle);

    for (size_t i = 0; i < mxfs_tensor_count(o->handle); i++) {
        struct mxfs_description d = {.struct_size = sizeof(d)};
        mxfs_describe(o->handle, i, &d);
        if (d.file >= o->count || !o->files[d.file].whole)
            continue;
        uint8_t *buf = malloc(d.size + 1);
        assert(mxfs_read_tensor(r, i, buf, d.size + 1, 0) == (ssize_t)d.size);
        assert(memcmp(buf, o->files[d.file].whole + d.offset, d.size) == 0);
        free(buf);
    }
    mxfs_reader_free(r);
}

static void load_files(struct opened *o)
{
    struct mxfs_reader *r = mxfs_reader_new(o->handle);
    uint64_t total = 0;

    o->count = mxfs_min_u64(mxfs_file_count(o->handle), FILES_MAX);
    for (size_t i = 0; i < o->count; i++) {
        struct mxfs_file_description d = {.struct_size = sizeof(d)};
        mxfs_describe_file(o->handle, i, &d);
        o->files[i] = (struct file){d.size, d.name, NULL};
        if (d.size <= PIECE || total + d.size <= WHOLE_MAX) {
            total += d.size;
            o->files[i].whole = malloc(d.size);
            assert(mxfs_read_file(r, i, o->files[i].whole, d.size, 0) == (ssize_t)d.size);
        }
    }
    mxfs_reader_free(r);
}

/* The commands. */

/* Runs a command with its output sent away. */
static int run(int (*command)(const struct mxfs_options *options, struct mxfs_error *err),
               const struct mxfs_options *options)
{
    struct mxfs_error err = {0};
    int saved = dup(1), null = open("/dev/null", O_WRONLY);

    fflush(stdout);
    dup2(null, 1);
    int rc = command(options, &err);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    close(null);
    if (getenv("MXFS_FUZZ_COSTS"))
        fprintf(stderr, "rc %d %s\n", rc, err.text);
    assert((rc == 0) == (err.text[0] == '\0'));
    assert(!strchr(err.text, '\n'));
    return rc;
}

static struct mxfs_options options_for(const struct mxfs_choices *choices, const char *operand)
{
    return (struct mxfs_options){
        .choices = *choices, .operand = {source, operand}, .quiet = true, .jobs = 2};
}

/* A source that is unsupported can be listed all the same. */
static void list(const struct mxfs_choices *choices, int status)
{
    for (int form = 0; form < 3; form++) {
        struct mxfs_options o = options_for(choices, NULL);
        o.json = form == 1;
        o.tree = form == 2;
        int rc = run(cmd_list, &o);
        assert(rc == 0 || status != MXFS_OK);
        assert(rc != 0 || status != MXFS_MALFORMED);
    }
}

static void cat(const struct mxfs_choices *choices, const struct opened *o, const char *name)
{
    struct mxfs_options options = options_for(choices, name);
    struct mxfs_description d = {.struct_size = sizeof(d)};
    size_t at = mxfs_find(o->handle, name, strlen(name));

    if (at != MXFS_NO_TENSOR)
        mxfs_describe(o->handle, at, &d);
    /* Where two models have the name, only the library chooses one. */
    if (d.size <= WHOLE_MAX && run(cmd_cat, &options) == 0)
        assert(at != MXFS_NO_TENSOR);
}

static void compare_export(const struct file *f)
{
    char path[512];
    uint8_t *data = malloc(f->size + 1);

    snprintf(path, sizeof(path), "%s/%s", dest, f->name);
    int fd = open(path, O_RDONLY);
    assert(fd >= 0 && read(fd, data, f->size + 1) == (ssize_t)f->size);
    assert(memcmp(data, f->whole, f->size) == 0);
    close(fd);
    free(data);
}

static void export_files(const struct mxfs_choices *choices, const struct opened *o)
{
    struct mxfs_options options = options_for(choices, dest);

    for (size_t i = 0; i < o->count; i++) {
        if (!o->files[i].whole)
            return;
    }
    if (mxfs_file_count(o->handle) > FILES_MAX)
        return;
    assert(run(cmd_export, &options) == 0);
    for (size_t i = 0; i < o->count; i++)
        compare_export(&o->files[i]);
    remove_all(dest);
}

/* The tree of a mount. */

static void visit_file(const struct mxfs_tree *tree, struct mxfs_vfile_reader *reader, uint64_t ino,
                       const struct stat *st)
{
    static const char *const names[] = {"user.mxfs.scheme", "user.mxfs.shape", "user.mxfs.sources",
                                        "user.mxfs.dtype"};
    static char buf[65536];
    uint64_t size = (uint64_t)st->st_size;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        mxfs_tree_getxattr(tree, ino, names[i], buf, sizeof(buf));
    mxfs_tree_listxattr(tree, ino, buf, sizeof(buf));
    ssize_t n = mxfs_tree_read(tree, ino, reader, buf, sizeof(buf), 0);
    assert(n == (ssize_t)mxfs_min_u64(size, sizeof(buf)));
    assert(mxfs_tree_read(tree, ino, reader, buf, sizeof(buf), size) == 0);
}

static void visit(const struct mxfs_tree *tree, struct mxfs_vfile_reader *reader, uint64_t folder)
{
    struct mxfs_tree_entry e;
    uint64_t cookie = 0;

    while (mxfs_tree_next(tree, folder, &cookie, &e) > 0) {
        char name[1025];
        struct stat st;
        assert(e.name_len < sizeof(name) && !memchr(e.name, '/', e.name_len));
        memcpy(name, e.name, e.name_len);
        name[e.name_len] = '\0';
        assert(mxfs_tree_lookup(tree, folder, name, &st) == 0 && st.st_ino == e.st.st_ino);
        if (!S_ISDIR(e.st.st_mode))
            visit_file(tree, reader, e.st.st_ino, &e.st);
        else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            visit(tree, reader, e.st.st_ino);
    }
}

static void walk_tree(const struct mxfs_choices *choices)
{
    const struct mxfs_tree_options options = {.tensors = true, .npy = true};
    struct mxfs_error err = {0};
    struct mxfs_view view;
    struct mxfs_tree *tree;

    assert(mxfs_view_open(&view, source, choices, &err) == 0);
    if (mxfs_tree_new(&tree, &view, &options, &err) == 0) {
        struct mxfs_vfile_reader reader = mxfs_tree_reader(tree);
        visit(tree, &reader, 1);
        assert(reader.memory_size <= 1 << 20); /* a piece at most twice the limit */
        mxfs_vfile_reader_fini(&reader);
        mxfs_tree_free(tree);
    } else {
        assert(err.text[0]);
    }
    mxfs_view_close(&view);
}

/* One input. */

static struct mxfs_choices choices_of(unsigned bits)
{
    struct mxfs_choices c = mxfs_choices_default;

    c.dtype = (int)(bits % 4);
    c.unsupported = bits & 4 ? MXFS_UNSUPPORTED_RAW : MXFS_UNSUPPORTED_REFUSE;
    c.partial = bits & 8;
    c.only = bits & 16 ? "*0*" : NULL;
    c.cache_size = bits & 32 ? 4 * CACHE : CACHE;
    return c;
}

static void check(const struct mxfs_choices *c, const struct program_result *made)
{
    const struct mxfs_open_options options = {sizeof(options),
                                              c->cache_size,
                                              c->only,
                                              NULL,
                                              NULL,
                                              c->dtype,
                                              c->unsupported == MXFS_UNSUPPORTED_RAW,
                                              c->partial};
    char why[MXFS_ERROR_SIZE] = "";
    struct opened o = {0};
    int rc = mxfs_open_with(&o.handle, source, &options, why, sizeof(why));
    if (getenv("MXFS_FUZZ_COSTS"))
        fprintf(stderr, "%d %s\n", rc, why);

    assert((rc == MXFS_OK) == (why[0] == '\0') && !strchr(why, '\n'));
    if (rc != MXFS_OK) {
        list(c, rc);
        return;
    }
    load_files(&o);
    read_by_threads(&o);
    read_tensors(&o);
    if (!(made->choices & 64)) {
        list(c, rc);
        walk_tree(c);
    }
    if (!(made->choices & 128)) {
        cat(c, &o, made->first);
        export_files(c, &o);
    }
    for (size_t i = 0; i < o.count; i++)
        free(o.files[i].whole);
    mxfs_close(o.handle);
}

static double processor_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void expect_bounded(const struct program_result *made, double seconds, int64_t bytes)
{
    double most = SECONDS + SECONDS_PER_MB * ((double)made->text / 1e6);
    int64_t heap_bound =
        HEAP + 2 * WHOLE_MAX + (int64_t)(HEAP_TENSOR * made->tensors + HEAP_TEXT * made->text);

    if (getenv("MXFS_FUZZ_COSTS"))
        fprintf(stderr, "%zu tensors, %zu bytes of text: %.2f of %.2f s, %.1f of %.1f MB\n",
                made->tensors, made->text, seconds, most, (double)bytes / 1e6,
                (double)heap_bound / 1e6);
    if (seconds > most || bytes > heap_bound) {
        fprintf(stderr, "%zu tensors, %zu bytes of text took %.1f s and %.1f MB\n", made->tensors,
                made->text, seconds, (double)bytes / 1e6);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program_result made;

    set_up();
    if (mkdir(source, 0700) != 0)
        abort();
    program_run(source, data, size, &made);
    const struct mxfs_choices choices = choices_of(made.choices);
    int64_t before = heap;
    heap_most = before;
    double start = processor_time();
    check(&choices, &made);
    expect_bounded(&made, processor_time() - start, heap_most - before);
    remove_all(source);
    return 0;
}
