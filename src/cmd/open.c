/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a source for a command.
 */
#include "open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "mxfs/log.h"

enum { WHERE_TEXT = 4096 };

/* What a visitor of all folders needs. */
struct visit {
    const struct cmd_source *source;
    const struct mxfs_options *options;
    struct mxfs_error *err;
    size_t refused; /* models */
    size_t groups;  /* of all models */
};

static int check_cache_size(void *data, struct mxfs_folder *folder)
{
    struct visit *v = data;
    int rc = 0;

    for (size_t m = 0; m < folder->model_count && rc == 0; m++)
        rc = mxfs_vfile_check_cache(&v->source->env, &folder->models[m]->grouping, v->err);
    return rc;
}

int cmd_source_open(struct cmd_source *source, const struct mxfs_options *options,
                    struct mxfs_error *err)
{
    const struct mxfs_repo_options how = mxfs_repo_options_of(options);

    memset(source, 0, sizeof(*source));
    int rc = cmd_path(&source->path, options->operand[0], MXFS_EXIT_SOURCE, err);
    if (rc == 0)
        rc = mxfs_vfile_env_init(&source->env, options->kernel, options->cache_size, err);
    if (rc == 0)
        rc = mxfs_repo_open(&source->repo, source->path, &how, err);
    if (rc == 0)
        rc = mxfs_repo_visit(&source->repo.root, check_cache_size,
                             &(struct visit){.source = source, .options = options, .err = err});
    if (rc != 0)
        cmd_source_close(source);
    return rc;
}

/* How a model is called in messages: its file, or its folder. */
static const char *label(const struct cmd_source *s, const struct mxfs_folder *folder)
{
    return s->repo.is_file ? s->path : folder->path;
}

static void print_refusal(const char *where, const struct mxfs_refusal *r)
{
    char scheme[128], place[WHERE_TEXT];

    mxfs_escape(place, sizeof(place), where, strlen(where));
    mxfs_escape(scheme, sizeof(scheme), r->scheme, strlen(r->scheme));
    fprintf(stderr, "mxfs: %s: unsupported: %s: %s", place, scheme, r->reason);
    if (r->first)
        fprintf(stderr, " (%zu, first %s)", r->count,
                mxfs_quote(r->first->name, r->first->name_len).text);
    if (r->fits)
        fprintf(stderr, "; the tensors fit %s, --scheme=%s decodes them as that", r->fits->name,
                r->fits->name);
    if (r->first)
        fprintf(stderr, "; --unsupported=raw shows %s as stored", r->count == 1 ? "it" : "them");
    fputc('\n', stderr);
}

static void log_notices(const char *where, const struct mxfs_grouping *g)
{
    for (size_t i = 0; i < MXFS_NOTICE_COUNT; i++) {
        const struct mxfs_notice *n = &g->notices[i];
        if (n->count > 0)
            mxfs_log(MXFS_LOG_NOTICE, "%s: %s (%zu, first %s)", where, n->text, n->count,
                     mxfs_quote(n->first->name, n->first->name_len).text);
    }
}

/* Half a pair is no wonder while shards are missing. */
static int fail_incomplete(const char *where, const struct mxfs_model *m, struct mxfs_error *err)
{
    const struct mxfs_tensor *first = m->grouping.refusals[0].first;

    return mxfs_fail(
        err, MXFS_EXIT_SOURCE, ENOENT,
        "%s: incomplete: %zu of %zu shards missing, first %s; tensor %s needs one that is missing",
        where, m->missing, m->missing + m->shard_count, m->first_missing,
        first ? mxfs_quote(first->name, first->name_len).text : "(unknown)");
}

static int judge_folder(void *data, struct mxfs_folder *folder)
{
    struct visit *v = data;
    const char *where = label(v->source, folder);

    for (size_t i = 0; i < folder->model_count; i++) {
        const struct mxfs_model *m = folder->models[i];
        mxfs_log(MXFS_LOG_DEBUG, "%s: a model of %zu files, %zu tensors, %zu quantized groups",
                 where, m->shard_count, m->tensors.count, m->grouping.count);
        log_notices(where, &m->grouping);
        v->groups += m->grouping.count;
        if (v->options->unsupported == MXFS_UNSUPPORTED_RAW || m->grouping.refusal_count == 0)
            continue;
        if (m->missing > 0 && m->grouping.refusals[0].half)
            return fail_incomplete(where, m, v->err);
        for (size_t r = 0; r < m->grouping.refusal_count; r++)
            print_refusal(where, &m->grouping.refusals[r]);
        v->refused++;
    }
    return 0;
}

int cmd_source_judge(const struct cmd_source *source, const struct mxfs_options *options,
                     struct mxfs_error *err)
{
    struct visit v = {.source = source, .options = options, .err = err};

    int rc = mxfs_repo_visit((struct mxfs_folder *)&source->repo.root, judge_folder, &v);
    if (rc == 0 && options->only && cmd_source_totals(source).tensors == 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOENT, "%s: no tensor matches --only=%s",
                         source->path, options->only);
    if (rc == 0 && v.refused == 0 && v.groups == 0 && options->scheme && !options->only)
        return mxfs_fail(err, MXFS_EXIT_UNSUPPORTED, ENOTSUP, "%s: no tensor fits --scheme=%s",
                         source->path, options->scheme);
    if (rc == 0 && v.refused > 0) {
        err->code = MXFS_EXIT_UNSUPPORTED;
        rc = -ENOTSUP;
    }
    return rc;
}

static void add_scheme(struct cmd_totals *t, const char *name)
{
    for (size_t i = 0; i < t->scheme_count; i++) {
        if (strcmp(t->schemes[i], name) == 0)
            return;
    }
    if (t->scheme_count < CMD_SCHEMES_MAX)
        t->schemes[t->scheme_count++] = name;
}

static int add_totals(void *data, struct mxfs_folder *folder)
{
    struct cmd_totals *t = data;

    for (size_t p = 0; p < folder->plan_count; p++) {
        const struct mxfs_plan *plan = folder->plans[p];
        uint64_t in, out;
        mxfs_plan_totals(plan, &in, &out);
        t->bytes_in += in;
        t->bytes_out += out;
        t->files++;
        t->tensors += plan->count;
        for (size_t i = 0; i < plan->count; i++) {
            if (!plan->outputs[i].group)
                continue;
            t->dequantized++;
            add_scheme(t, mxfs_output_scheme(&plan->outputs[i]));
        }
    }
    return 0;
}

struct cmd_totals cmd_source_totals(const struct cmd_source *source)
{
    struct cmd_totals totals = {0};
    mxfs_repo_visit((struct mxfs_folder *)&source->repo.root, add_totals, &totals);
    return totals;
}

void cmd_source_close(struct cmd_source *source)
{
    mxfs_vfile_env_fini(&source->env);
    mxfs_repo_close(&source->repo);
    free(source->path);
    memset(source, 0, sizeof(*source));
}
