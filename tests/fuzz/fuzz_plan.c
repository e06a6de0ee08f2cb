/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libFuzzer: any header with data behind it, as far as a mount would take it.
 *
 * The input is: one byte of choices, a config.json up to a NUL (may be empty), the JSON of a header
 * and, behind a NUL, the first bytes of its data (for formats that describe themselves there).
 * Length prefix and the rest of the data, a pattern, are added here, so that mutations of the JSON
 * reach the matchers. Whatever is accepted is planned and every byte of it read, at once and in
 * uneven pieces; both must agree, and NumPy's view must have the size that it says.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mxfs/bytes.h"
#include "mxfs/cpu.h"
#include "mxfs/vfile.h"

enum { DATA_MAX = 1 << 20, SHOWN_MAX = 8 << 20 };

static char dir[] = "/tmp/mxfs-fuzz-XXXXXX";
static struct mxfs_vfile_env env;

static void remove_dir(void)
{
    static const char *const names[] = {"config.json", "model.safetensors"};
    char path[64];

    for (size_t i = 0; i < MXFS_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void set_up(void)
{
    struct mxfs_error err = {0};

    if (env.cache)
        return;
    if (!mkdtemp(dir) || mxfs_vfile_env_init(&env, NULL, 1 << 20, &err) != 0)
        abort();
    atexit(remove_dir);
}

static void put(int fd, const void *bytes, size_t n)
{
    if (write(fd, bytes, n) != (ssize_t)n)
        abort();
}

/* Writes the prefix of a header if there is one, text, data and `rest` bytes of a pattern, in which
 * every code and scale turns up. */
static void write_file(const char *name, const uint8_t *prefix, const uint8_t *text, size_t len,
                       const uint8_t *given, size_t given_len, size_t rest)
{
    char path[64];
    uint8_t block[4096];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        abort();
    put(fd, prefix, prefix ? 8 : 0);
    put(fd, text, len);
    put(fd, given, given_len);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (uint8_t)(i * 167 + (i >> 8));
    for (size_t at = 0; at < rest; at += sizeof(block))
        put(fd, block, rest - at < sizeof(block) ? rest - at : sizeof(block));
    close(fd);
}

/* The largest number after "data_offsets" is how much data the header wants. */
static size_t data_size(const char *json, size_t len)
{
    static const char key[] = "data_offsets";
    size_t most = 0;

    for (size_t i = 0; i + sizeof(key) < len; i++) {
        if (memcmp(json + i, key, sizeof(key) - 1) != 0)
            continue;
        size_t n = 0;
        for (size_t j = i + sizeof(key); j < len && j < i + 64 && json[j] != ']'; j++) {
            n = json[j] >= '0' && json[j] <= '9' ? n * 10 + (size_t)(json[j] - '0') : 0;
            most = n > most && n <= DATA_MAX ? n : most;
        }
    }
    return most;
}

static void read_whole(const struct mxfs_plan *plan, uint8_t *buf, size_t step)
{
    struct mxfs_vfile_reader reader = {.env = &env};

    for (uint64_t at = 0; at < plan->size;) {
        ssize_t n = mxfs_vfile_read(&reader, plan, buf + at, step, at);
        assert(n > 0);
        at += (uint64_t)n;
    }
    assert(mxfs_vfile_read(&reader, plan, buf, 1, plan->size) == 0);
    mxfs_vfile_reader_fini(&reader);
}

static void read_views(const struct mxfs_plan *plan, const uint8_t *whole, uint8_t *buf)
{
    struct mxfs_vfile_reader reader = {.env = &env};

    for (size_t i = 0; i < plan->count; i++) {
        const struct mxfs_output *o = &plan->outputs[i];
        struct mxfs_output_info info = mxfs_output_info(o);
        ssize_t n = mxfs_vfile_read_output(&reader, plan, o, buf, info.size + 1, 0);
        assert(n == (ssize_t)info.size);
        assert(n == 0 || memcmp(buf, whole + o->offset, (size_t)n) == 0);
        uint64_t size = mxfs_vfile_npy_size(o);
        if (size < SHOWN_MAX)
            assert(mxfs_vfile_read_npy(&reader, plan, o, buf, size + 1, 0) == (ssize_t)size);
    }
    mxfs_vfile_reader_fini(&reader);
}

static void check(struct mxfs_model *model)
{
    struct mxfs_error err = {0};
    struct mxfs_plan plan;

    if (mxfs_vfile_check_memory(&env, model, &err) != 0 ||
        mxfs_plan_init(&plan, model, model->main, &err) != 0)
        return;
    if (plan.size < SHOWN_MAX) {
        uint8_t *a = malloc(plan.size + 1), *b = malloc(SHOWN_MAX + 1);
        read_whole(&plan, a, SHOWN_MAX);
        read_whole(&plan, b, 777);
        assert(memcmp(a, b, plan.size) == 0);
        read_views(&plan, a, b);
        free(a);
        free(b);
    }
    mxfs_plan_fini(&plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mxfs_error err = {0};
    struct mxfs_model model;
    char path[64];

    set_up();
    if (size < 2)
        return 0;
    const uint8_t *json = memchr(data + 1, 0, size - 1);
    if (!json)
        return 0;
    size_t config = (size_t)(json - data) - 1, left = size - config - 2;
    uint8_t prefix[8];
    json++;
    const uint8_t *end = memchr(json, 0, left);
    size_t n = end ? (size_t)(end - json) : left;
    size_t wanted = data_size((const char *)json, n), given = end ? left - n - 1 : 0;
    given = given < wanted ? given : wanted;
    snprintf(path, sizeof(path), "%s/config.json", dir);
    if (config > 0)
        write_file("config.json", NULL, data + 1, config, data, 0, 0);
    else
        unlink(path);
    mxfs_store_le64(prefix, n);
    write_file("model.safetensors", prefix, json, n, end ? end + 1 : json, given, wanted - given);
    /* A fresh cache for each file: keys are addresses, which come again. */
    mxfs_cache_free(env.cache);
    if (mxfs_cache_new(&env.cache, 1 << 20, 5 << 17) != 0)
        abort();
    snprintf(path, sizeof(path), "%s/model.safetensors", dir);
    const struct mxfs_choices choices = {.dtype = data[0] % 4, .unit_max = 1 << 18};
    if (mxfs_model_open_single(&model, path, &choices, &err) == 0) {
        check(&model);
        mxfs_model_close(&model);
    } else {
        assert(err.text[0] && !strchr(err.text, '\n'));
    }
    return 0;
}
