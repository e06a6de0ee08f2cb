/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opens a source, and decides whether it may be shown.
 */
#include "mxfs/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/log.h"
#include "mxfs/path.h"

static int check_cache_size(const struct mxfs_view *v, struct mxfs_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < v->repo.folder_count; i++) {
        const struct mxfs_folder *f = v->repo.folders[i];
        for (size_t m = 0; m < f->model_count && rc == 0; m++)
            rc = mxfs_vfile_check_memory(&v->env, f->models[m], err);
    }
    return rc;
}

static int open_view(struct mxfs_view *v, const char *path, const struct mxfs_choices *choices,
                     struct mxfs_error *err)
{
    struct mxfs_choices own = *choices;
    int rc = mxfs_path_resolve(&v->path, path, MXFS_EXIT_SOURCE, err);
    if (rc != 0)
        return rc;
    own.unit_max = mxfs_vfile_unit_max(choices->cache_size);
    rc = mxfs_vfile_env_init(&v->env, choices->kernel, choices->cache_size, err);
    if (rc != 0)
        return rc;
    rc = mxfs_repo_open(&v->repo, v->path, &own, err);
    return rc == 0 ? check_cache_size(v, err) : rc;
}

int mxfs_view_open(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
                   struct mxfs_error *err)
{
    memset(view, 0, sizeof(*view));
    int rc = open_view(view, path, choices, err);
    if (rc != 0)
        mxfs_view_close(view);
    return rc;
}

/* The findings of mxfs_view_judge() so far. */
struct verdict {
    const struct mxfs_view *view;
    const struct mxfs_choices *choices;
    struct mxfs_error refusal; /* the last one */
    size_t groups;             /* of all models */
};

static void log_notices(const char *where, const struct mxfs_grouping *g)
{
    for (size_t i = 0; i < MXFS_NOTICE_COUNT; i++) {
        const struct mxfs_notice *n = &g->notices[i];
        if (n->count > 0)
            mxfs_log(MXFS_LOG_NOTICE, "%s: %s (%zu, first %s)", where, n->text, n->count,
                     mxfs_quote(n->first->name, n->first->name_len).text);
    }
}

/* A group that lacks parts while shards are missing is incomplete, not unsupported. */
static int fail_incomplete(const char *where, const struct mxfs_model *m, struct mxfs_error *err)
{
    const struct mxfs_tensor *first = m->grouping.refusals[0].first;

    return mxfs_fail(err, MXFS_EXIT_SOURCE, ENOENT,
                     "%s: incomplete: %zu of %zu shards missing, first %s; tensor %s needs a "
                     "missing shard",
                     where, m->missing, m->missing + m->shard_count, m->first_missing,
                     first ? mxfs_quote(first->name, first->name_len).text : "(unknown)");
}

/* Records `r` as the refusal to return; logs the one recorded before. */
static void refuse(struct verdict *v, const char *where, const struct mxfs_refusal *r)
{
    char tensors[MXFS_QUOTED + 32] = "", fits[160] = "", raw[64] = "";

    if (r->first) {
        snprintf(tensors, sizeof(tensors), " (%zu, first %s)", r->count,
                 mxfs_quote(r->first->name, r->first->name_len).text);
        snprintf(raw, sizeof(raw), "; use --unsupported=raw to show %s as stored",
                 r->count == 1 ? "it" : "them");
    }
    if (r->fits)
        snprintf(fits, sizeof(fits), "; they match %s; use --scheme=%s to decode them",
                 r->fits->name, r->fits->name);
    if (v->refusal.code != MXFS_EXIT_OK)
        mxfs_log(MXFS_LOG_ERROR, "%s", v->refusal.text);
    v->refusal = (struct mxfs_error){0};
    mxfs_fail(&v->refusal, MXFS_EXIT_UNSUPPORTED, ENOTSUP, "%s: unsupported: %s: %s%s%s%s", where,
              r->scheme, r->reason, tensors, fits, raw);
}

static int judge_model(struct verdict *v, const char *where, const struct mxfs_model *m,
                       struct mxfs_error *err)
{
    const struct mxfs_grouping *g = &m->grouping;

    mxfs_log(MXFS_LOG_DEBUG, "%s: a model of %zu files, %zu tensors, %zu quantized groups", where,
             m->shard_count, m->tensors.count, g->count);
    log_notices(where, g);
    v->groups += g->count;
    if (v->choices->unsupported == MXFS_UNSUPPORTED_RAW || g->refusal_count == 0)
        return 0;
    if (m->missing > 0 && g->refusals[0].half)
        return fail_incomplete(where, m, err);
    for (size_t r = 0; r < g->refusal_count; r++)
        refuse(v, where, &g->refusals[r]);
    return 0;
}

static int judge_models(struct verdict *v, struct mxfs_error *err)
{
    const struct mxfs_repo *repo = &v->view->repo;

    for (size_t i = 0; i < repo->folder_count; i++) {
        const struct mxfs_folder *f = repo->folders[i];
        const char *where = repo->is_file ? v->view->path : f->path;
        for (size_t m = 0; m < f->model_count; m++) {
            int rc = judge_model(v, where, f->models[m], err);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* Fails if the user's selection selects nothing. */
static int judge_selection(const struct verdict *v, struct mxfs_error *err)
{
    const struct mxfs_choices *c = v->choices;
    size_t shown = 0;

    for (size_t i = 0; i < v->view->repo.file_count; i++)
        shown += v->view->repo.files[i].plan->count;
    if (c->only && shown == 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOENT, "%s: no tensor matches --only=%s",
                         v->view->path, c->only);
    if (c->scheme && !c->only && v->groups == 0 && v->refusal.code == MXFS_EXIT_OK)
        return mxfs_fail(err, MXFS_EXIT_UNSUPPORTED, ENOTSUP, "%s: no tensor matches --scheme=%s",
                         v->view->path, c->scheme);
    return 0;
}

int mxfs_view_judge(const struct mxfs_view *view, const struct mxfs_choices *choices,
                    struct mxfs_error *err)
{
    struct verdict v = {.view = view, .choices = choices};
    int rc = judge_models(&v, err);

    if (rc == 0)
        rc = judge_selection(&v, err);
    if (v.refusal.code == MXFS_EXIT_OK)
        return rc;
    if (rc != 0) { /* that failure is returned, so log the refusal */
        mxfs_log(MXFS_LOG_ERROR, "%s", v.refusal.text);
        return rc;
    }
    if (err->code == MXFS_EXIT_OK)
        *err = v.refusal;
    return -ENOTSUP;
}

void mxfs_view_close(struct mxfs_view *view)
{
    mxfs_vfile_env_fini(&view->env);
    mxfs_repo_close(&view->repo);
    free(view->path);
    memset(view, 0, sizeof(*view));
}
