/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a source for a command.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "mxfs/cpu.h"
#include "mxfs/log.h"
#include "mxfs/path.h"

/* A unit may take a quarter of the cache, so that readers of several places do not evict each
 * other. */
enum { UNITS_IN_CACHE = 4 };

static int choose_kernel(struct cmd_source *s, const struct mxfs_options *o, struct mxfs_error *err)
{
    uint32_t cpu = mxfs_cpu_detect();

    s->env.codec.kernel =
        o->kernel ? mxfs_kernel_named(o->kernel, cpu, err) : mxfs_kernel_select(cpu);
    if (!s->env.codec.kernel)
        return -EINVAL;
    s->tables = aligned_alloc(64, (sizeof(*s->tables) + 63) / 64 * 64);
    if (!s->tables)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "out of memory");
    mxfs_tables_init(s->tables);
    s->env.codec.tables = s->tables;
    return 0;
}

/* The smallest unit of a group may still be larger than the whole cache. */
static int check_cache_size(const struct cmd_source *s, const struct mxfs_options *o,
                            struct mxfs_error *err)
{
    for (size_t i = 0; i < s->model.grouping.count; i++) {
        const struct mxfs_group *g = &s->model.grouping.groups[i];
        struct mxfs_unit unit;
        if (!g->scheme->unit_at || g->elements == 0)
            continue;
        g->scheme->unit_at(g, 0, &unit);
        if (unit.bytes + 4096 > o->cache_size)
            return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL,
                             "--cache-size=%" PRIu64 ": too small for tensor %s, which needs at "
                             "least %zu bytes",
                             o->cache_size, mxfs_quote(g->name, g->name_len).text,
                             unit.bytes + 4096);
    }
    return 0;
}

int cmd_source_open(struct cmd_source *source, const struct mxfs_options *options,
                    struct mxfs_error *err)
{
    static const int outs[] = {-1, MXFS_OUT_BF16, MXFS_OUT_F16, MXFS_OUT_F32};
    const struct mxfs_model_options how = {
        .out = outs[options->dtype],
        .unit_max = options->cache_size / UNITS_IN_CACHE,
    };

    memset(source, 0, sizeof(*source));
    source->path = mxfs_path_absolute(options->operand[0]);
    int rc = source->path ? choose_kernel(source, options, err)
                          : mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "out of memory");
    if (rc == 0)
        rc = mxfs_model_open_file(&source->model, source->path, &how, err);
    if (rc == 0)
        rc = check_cache_size(source, options, err);
    if (rc == 0)
        rc = mxfs_plan_init(&source->plan, &source->model, source->model.main, err);
    if (rc == 0 && mxfs_cache_new(&source->env.cache, options->cache_size) != 0)
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "out of memory");
    if (rc != 0)
        cmd_source_close(source);
    return rc;
}

static void print_refusal(const struct cmd_source *s, const struct mxfs_refusal *r)
{
    char scheme[128];

    mxfs_escape(scheme, sizeof(scheme), r->scheme, strlen(r->scheme));
    fprintf(stderr, "mxfs: %s: unsupported: %s: %s", mxfs_path_basename(s->path), scheme,
            r->reason);
    if (r->first)
        fprintf(stderr, " (%zu, first %s); --unsupported=raw shows %s as stored", r->count,
                mxfs_quote(r->first->name, r->first->name_len).text, r->count == 1 ? "it" : "them");
    fputc('\n', stderr);
}

static void log_notices(const struct cmd_source *s)
{
    for (size_t i = 0; i < MXFS_NOTICE_COUNT; i++) {
        const struct mxfs_notice *n = &s->model.grouping.notices[i];
        if (n->count > 0)
            mxfs_log(MXFS_LOG_NOTICE, "%s: %s (%zu, first %s)", mxfs_path_basename(s->path),
                     n->text, n->count, mxfs_quote(n->first->name, n->first->name_len).text);
    }
}

int cmd_source_judge(const struct cmd_source *source, const struct mxfs_options *options,
                     struct mxfs_error *err)
{
    const struct mxfs_grouping *g = &source->model.grouping;

    log_notices(source);
    if (g->refusal_count == 0 || options->unsupported == MXFS_UNSUPPORTED_RAW)
        return 0;
    /* Half a pair is no wonder while shards are missing. */
    if (source->model.missing > 0)
        return mxfs_fail(
            err, MXFS_EXIT_SOURCE, ENOENT,
            "%s: incomplete: %zu shards that the index names are missing, first %s; "
            "tensor %s needs one of them",
            source->path, source->model.missing, source->model.first_missing,
            g->refusals[0].first
                ? mxfs_quote(g->refusals[0].first->name, g->refusals[0].first->name_len).text
                : "(unknown)");
    for (size_t i = 0; i < g->refusal_count; i++)
        print_refusal(source, &g->refusals[i]);
    err->code = MXFS_EXIT_UNSUPPORTED;
    return -ENOTSUP;
}

void cmd_source_close(struct cmd_source *source)
{
    mxfs_cache_free(source->env.cache);
    mxfs_plan_fini(&source->plan);
    mxfs_model_close(&source->model);
    free(source->tables);
    free(source->path);
    memset(source, 0, sizeof(*source));
}
