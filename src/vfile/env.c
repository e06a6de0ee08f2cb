/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The environment of reads: kernel, constant tables, cache and the memory of look-ahead.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "mxfs/cpu.h"
#include "read.h"

/* The cache charges whole pages: a unit takes up to a page more than its own bytes. */
enum { UNIT_SLACK = 4096 };

static int choose_kernel(struct mxfs_vfile_env *env, const char *kernel, struct mxfs_error *err)
{
    uint32_t cpu = mxfs_cpu_detect();

    env->codec.kernel = kernel ? mxfs_kernel_named(kernel, cpu, err) : mxfs_kernel_select(cpu);
    if (!env->codec.kernel)
        return -EINVAL;
    env->tables = aligned_alloc(64, (sizeof(*env->tables) + 63) / 64 * 64);
    if (!env->tables)
        return mxfs_fail_memory(err, NULL);
    mxfs_tables_init(env->tables);
    env->codec.tables = env->tables;
    return 0;
}

static int make_cache(struct mxfs_vfile_env *env, struct mxfs_error *err)
{
    env->ahead = calloc(1, sizeof(*env->ahead));
    if (!env->ahead ||
        mxfs_cache_new(&env->cache, env->cache_size, vfile_ahead_bytes(env->cache_size)) != 0)
        return mxfs_fail_memory(err, NULL);
    return 0;
}

int mxfs_vfile_env_init(struct mxfs_vfile_env *env, const char *kernel, uint64_t cache_size,
                        struct mxfs_error *err)
{
    memset(env, 0, sizeof(*env));
    env->cache_size = cache_size;
    int rc = choose_kernel(env, kernel, err);
    if (rc == 0)
        rc = make_cache(env, err);
    if (rc != 0)
        mxfs_vfile_env_fini(env);
    return rc;
}

void mxfs_vfile_env_fini(struct mxfs_vfile_env *env)
{
    mxfs_cache_free(env->cache);
    free(env->ahead);
    free(env->tables);
    memset(env, 0, sizeof(*env));
}

/* Refuses groups whose smallest unit does not fit in the cache. */
static int check_unit(const struct mxfs_vfile_env *env, const struct mxfs_group *g,
                      struct mxfs_error *err)
{
    struct mxfs_unit unit;

    g->scheme->unit_at(g, 0, &unit);
    if (unit.bytes + UNIT_SLACK <= env->cache_size)
        return 0;
    return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                     "--cache-size=%" PRIu64 ": too small for tensor %s, which needs at least %zu "
                     "bytes",
                     env->cache_size, mxfs_quote(g->name, g->name_len).text,
                     unit.bytes + UNIT_SLACK);
}

/* Refuses groups where one tile takes too many bytes to decode: some schemes need all scales of its
 * row. */
static int check_tile(const struct mxfs_model *model, const struct mxfs_group *g,
                      struct mxfs_error *err)
{
    struct mxfs_span span[MXFS_PARTS_MAX];
    uint64_t bytes = vfile_spans(g, 0, g->tile, span);

    if (bytes <= VFILE_LOAD_MAX)
        return 0;
    return mxfs_fail(err, MXFS_EXIT_MALFORMED, E2BIG,
                     "%s: tensor %s: its rows are too long: decoding a value takes %" PRIu64
                     " bytes of codes and scales; the limit is %d",
                     mxfs_model_source(model, g->part[0])->path,
                     mxfs_quote(g->name, g->name_len).text, bytes, VFILE_LOAD_MAX);
}

int mxfs_vfile_check_memory(const struct mxfs_vfile_env *env, const struct mxfs_model *model,
                            struct mxfs_error *err)
{
    const struct mxfs_grouping *grouping = &model->grouping;
    int rc = 0;

    for (size_t i = 0; i < grouping->count && rc == 0; i++) {
        const struct mxfs_group *g = &grouping->groups[i];
        if (g->elements > 0)
            rc = g->scheme->unit_at ? check_unit(env, g, err) : check_tile(model, g, err);
    }
    return rc;
}
