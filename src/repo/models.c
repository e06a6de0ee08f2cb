/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The models of a folder: first those of indexes, by name; then the files that belong to none of
 * them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "mxfs/array.h"
#include "mxfs/log.h"
#include "mxfs/path.h"

/* The folder whose models are being opened. */
struct opening {
    struct mxfs_folder *folder;
    struct repo_listing *listing;
    const struct mxfs_choices *choices;
    struct mxfs_error *err;
};

static struct repo_file *find_file(struct repo_listing *l, const char *name)
{
    for (size_t low = 0, high = l->file_count; low < high;) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(l->files[mid].name, name);
        if (c == 0)
            return &l->files[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void discard(struct mxfs_model *model)
{
    mxfs_model_close(model);
    free(model);
}

static int add_plan(struct mxfs_folder *folder, struct mxfs_model *model, size_t shard,
                    struct mxfs_error *err)
{
    struct mxfs_plan **plans = mxfs_array_grow(folder->plans, folder->plan_count + 1,
                                               &folder->plan_capacity, sizeof(struct mxfs_plan *));
    if (!plans)
        return mxfs_fail_memory(err, folder->path);
    folder->plans = plans;
    struct mxfs_plan *plan = malloc(sizeof(*plan));
    if (!plan)
        return mxfs_fail_memory(err, folder->path);
    int rc = mxfs_plan_init(plan, model, shard, err);
    if (rc != 0) {
        free(plan);
        return rc;
    }
    plans[folder->plan_count++] = plan;
    return 0;
}

/* Adds a model to the folder, which then owns it; discards it on failure. */
static int hand_over(struct mxfs_folder *f, struct mxfs_model *model, struct mxfs_error *err)
{
    struct mxfs_model **models = mxfs_array_grow(f->models, f->model_count + 1, &f->model_capacity,
                                                 sizeof(struct mxfs_model *));

    if (!models) {
        discard(model);
        return mxfs_fail_memory(err, f->path);
    }
    f->models = models;
    models[f->model_count++] = model;
    return 0;
}

/* Adds a model to the folder, and plans its files. */
static int add_model(const struct opening *o, struct mxfs_model *model)
{
    struct mxfs_folder *f = o->folder;
    int rc = hand_over(f, model, o->err);

    for (size_t i = 0; i < model->shard_count && rc == 0; i++)
        rc = add_plan(f, model, i, o->err);
    return rc;
}

/* Indexes in a folder. Every one of them has its shards opened, although most may then be ignored;
 * real folders have one or two. */
enum { INDEXES_MAX = 64 };

typedef int open_fn(struct mxfs_model *model, const char *path, const struct mxfs_choices *choices,
                    struct mxfs_error *err);

/* Opens a model without adding it yet. */
static int open_model(const struct opening *o, const char *path, open_fn *open,
                      struct mxfs_model **out)
{
    struct mxfs_model *model = path ? calloc(1, sizeof(*model)) : NULL;

    if (!model)
        return mxfs_fail_memory(o->err, o->folder->path);
    int rc = open(model, path, o->choices, o->err);
    if (rc != 0) {
        free(model);
        return rc;
    }
    *out = model;
    return 0;
}

static int open_one(const struct opening *o, const char *name, open_fn *open,
                    struct mxfs_model **out)
{
    char *path = mxfs_path_join(o->folder->path, name);
    int rc = open_model(o, path, open, out);

    free(path);
    return rc;
}

/* Whether there are safetensors files that belong to no index. */
static bool has_unclaimed(const struct repo_listing *l)
{
    for (size_t i = 0; i < l->file_count; i++) {
        if (repo_name_ends_in(l->files[i].name, ".safetensors") && !l->files[i].claimed)
            return true;
    }
    return false;
}

/* Decides about an index with missing shards: fails, sets *ignore, or accepts it. */
static int judge_missing(const struct opening *o, const char *index, const struct mxfs_model *m,
                         bool *ignore)
{
    if (m->missing == 0)
        return 0;
    if (m->shard_count == 0 && has_unclaimed(o->listing)) {
        mxfs_log(MXFS_LOG_WARNING,
                 "%s/%s: ignored and not shown: none of its shards exists, but other files do",
                 o->folder->path, index);
        *ignore = true;
        return 0;
    }
    if (o->choices->partial && m->shard_count > 0)
        return 0;
    return mxfs_fail(o->err, MXFS_EXIT_SOURCE, ENOENT,
                     "%s: download incomplete: %zu of %zu shards missing, first %s%s",
                     o->folder->path, m->missing, m->missing + m->shard_count, m->first_missing,
                     m->shard_count > 0 ? " (--partial shows the tensors that are available)" : "");
}

/*
 * Sets *claimed if another index has one of the shards. Fails if a shard is not in the listing,
 * because such a file must not be shown.
 */
static int look_for_shards(const struct opening *o, const struct mxfs_model *m, bool *claimed)
{
    for (size_t i = 0; i < m->shard_count; i++) {
        const char *path = m->shards[i].source.path;
        const struct repo_file *f = find_file(o->listing, mxfs_path_basename(path));
        if (!f)
            return mxfs_fail(o->err, MXFS_EXIT_SOURCE, EACCES,
                             "%s: an index names this shard, but it is not among the files shown",
                             path);
        *claimed |= f->claimed;
    }
    return 0;
}

/* Decides whether the model of an index is shown: fails, or sets *ignore if it is not. */
static int judge_index(const struct opening *o, const char *index, const struct mxfs_model *m,
                       bool *ignore)
{
    bool claimed = false;
    int rc = judge_missing(o, index, m, ignore);

    if (rc == 0 && !*ignore)
        rc = look_for_shards(o, m, &claimed);
    if (rc == 0 && claimed) {
        mxfs_log(MXFS_LOG_WARNING,
                 "%s/%s: ignored and not shown: it shares files with another index",
                 o->folder->path, index);
        *ignore = true;
    }
    return rc;
}

static int open_index(const struct opening *o, struct repo_file *index)
{
    struct mxfs_model *m;
    bool ignore = false;
    int rc = open_one(o, index->name, mxfs_model_open_index, &m);

    if (rc != 0)
        return rc;
    rc = judge_index(o, index->name, m, &ignore);
    if (rc != 0 || ignore) {
        index->hidden = true;
        discard(m);
        return rc;
    }
    for (size_t i = 0; i < m->shard_count; i++)
        find_file(o->listing, mxfs_path_basename(m->shards[i].source.path))->claimed = true;
    return add_model(o, m);
}

static int open_single(const struct opening *o, struct repo_file *file)
{
    struct mxfs_model *m;
    int rc = open_one(o, file->name, mxfs_model_open_single, &m);

    file->claimed = true;
    return rc == 0 ? add_model(o, m) : rc;
}

int repo_open_named(struct mxfs_folder *folder, const char *path,
                    const struct mxfs_choices *choices, struct mxfs_error *err)
{
    const struct opening o = {.folder = folder, .choices = choices, .err = err};
    struct mxfs_model *m;
    int rc = open_model(&o, path, mxfs_model_open_file, &m);

    if (rc == 0)
        rc = hand_over(folder, m, err);
    return rc == 0 ? add_plan(folder, m, m->main, err) : rc;
}

const char *repo_plan_name(const struct mxfs_plan *plan)
{
    return mxfs_path_basename(plan->model->shards[plan->shard].source.path);
}

static int compare_plans(const void *a, const void *b)
{
    const struct mxfs_plan *x = *(struct mxfs_plan *const *)a, *y = *(struct mxfs_plan *const *)b;

    return strcmp(repo_plan_name(x), repo_plan_name(y));
}

/* All models of a folder share its config.json. */
static void know_config(struct mxfs_choices *known, const struct mxfs_folder *folder)
{
    if (folder->model_count > 0)
        known->config = &folder->models[0]->config;
}

static int fail_indexes(const struct opening *o)
{
    return mxfs_fail(o->err, MXFS_EXIT_MALFORMED, E2BIG,
                     "%s: has more than %d files *.safetensors.index.json, which is the limit",
                     o->folder->path, INDEXES_MAX);
}

int repo_open_models(struct mxfs_folder *folder, struct repo_listing *listing,
                     const struct mxfs_choices *choices, struct mxfs_error *err)
{
    struct mxfs_choices known = *choices;
    const struct opening o = {folder, listing, &known, err};
    size_t indexes = 0;
    int rc = 0;

    for (size_t i = 0; i < listing->file_count && rc == 0; i++) {
        if (!repo_name_ends_in(listing->files[i].name, ".safetensors.index.json"))
            continue;
        rc = ++indexes > INDEXES_MAX ? fail_indexes(&o) : open_index(&o, &listing->files[i]);
        know_config(&known, folder);
    }
    for (size_t i = 0; i < listing->file_count && rc == 0; i++) {
        struct repo_file *f = &listing->files[i];
        if (!f->claimed && repo_name_ends_in(f->name, ".safetensors"))
            rc = open_single(&o, f);
        know_config(&known, folder);
    }
    if (folder->plan_count > 1)
        qsort(folder->plans, folder->plan_count, sizeof(struct mxfs_plan *), compare_plans);
    return rc;
}
