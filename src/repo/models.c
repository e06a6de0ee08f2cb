/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The models of a folder: indexes first, in name order; then every file that none of them claimed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "mxfs/log.h"
#include "mxfs/path.h"

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

static int out_of_memory(const struct mxfs_folder *folder, struct mxfs_error *err)
{
    return mxfs_fail_memory(err, folder->path);
}

/* Plans the files of a model and hands it over to the folder. */
static int add_model(struct mxfs_folder *folder, struct mxfs_model *model, struct mxfs_error *err)
{
    if (mxfs_repo_grow((void **)&folder->models, folder->model_count, sizeof(*folder->models))) {
        mxfs_model_close(model);
        free(model);
        return out_of_memory(folder, err);
    }
    folder->models[folder->model_count++] = model;
    for (size_t i = 0; i < model->shard_count; i++) {
        struct mxfs_plan *plan = malloc(sizeof(*plan));
        if (!plan ||
            mxfs_repo_grow((void **)&folder->plans, folder->plan_count, sizeof(*folder->plans))) {
            free(plan);
            return out_of_memory(folder, err);
        }
        int rc = mxfs_plan_init(plan, model, i, err);
        if (rc != 0) {
            free(plan);
            return rc;
        }
        folder->plans[folder->plan_count++] = plan;
    }
    return 0;
}

typedef int open_fn(struct mxfs_model *model, const char *path,
                    const struct mxfs_model_options *options, struct mxfs_error *err);

/* Opens a model without adding it yet. */
static int open_one(const struct repo_walk *walk, struct mxfs_folder *folder, const char *name,
                    open_fn *open, struct mxfs_model **out, struct mxfs_error *err)
{
    char *path = mxfs_path_join(folder->path, name);
    struct mxfs_model *model = calloc(1, sizeof(*model));
    int rc =
        path && model ? open(model, path, &walk->options->model, err) : out_of_memory(folder, err);

    free(path);
    if (rc != 0) {
        free(model);
        return rc;
    }
    *out = model;
    return 0;
}

static void discard(struct mxfs_model *model)
{
    mxfs_model_close(model);
    free(model);
}

/* Whether there is another safetensors file than those of indexes. */
static bool has_unclaimed(const struct repo_listing *l)
{
    for (size_t i = 0; i < l->file_count; i++) {
        if (mxfs_repo_ends_in(l->files[i].name, ".safetensors") && !l->files[i].claimed)
            return true;
    }
    return false;
}

/* Whether another index has one of the shards. A shard that is not listed must not be shown. */
static int look_for_shards(struct repo_listing *l, const struct mxfs_model *m, bool *claimed,
                           struct mxfs_error *err)
{
    *claimed = false;
    for (size_t i = 0; i < m->shard_count; i++) {
        const char *path = m->shards[i].source.path;
        const struct repo_file *f = find_file(l, mxfs_path_basename(path));
        if (!f)
            return mxfs_fail(err, MXFS_EXIT_SOURCE, EACCES,
                             "%s: is not among the files that are shown", path);
        *claimed |= f->claimed;
    }
    return 0;
}

/* What an index whose shards are not (all) there means. */
static int judge_missing(const struct repo_walk *walk, const struct mxfs_folder *folder,
                         const struct repo_listing *l, const char *index,
                         const struct mxfs_model *m, bool *ignore, struct mxfs_error *err)
{
    *ignore = false;
    if (m->missing == 0)
        return 0;
    if (m->shard_count == 0 && has_unclaimed(l)) {
        mxfs_log(MXFS_LOG_WARNING,
                 "%s/%s: none of its shards is there, but others are; it is ignored and not shown",
                 folder->path, index);
        *ignore = true;
        return 0;
    }
    if (walk->options->model.partial && m->shard_count > 0)
        return 0;
    return mxfs_fail(err, MXFS_EXIT_SOURCE, ENOENT,
                     "%s: download incomplete: %zu of %zu shards missing, first %s%s", folder->path,
                     m->missing, m->missing + m->shard_count, m->first_missing,
                     m->shard_count > 0 ? " (--partial shows what is there)" : "");
}

static int open_index(const struct repo_walk *walk, struct mxfs_folder *folder,
                      struct repo_listing *l, struct repo_file *index, struct mxfs_error *err)
{
    struct mxfs_model *m;
    bool ignore, claimed = false;

    int rc = open_one(walk, folder, index->name, mxfs_model_open_index, &m, err);
    if (rc != 0)
        return rc;
    rc = judge_missing(walk, folder, l, index->name, m, &ignore, err);
    if (rc == 0 && !ignore)
        rc = look_for_shards(l, m, &claimed, err);
    if (claimed) {
        mxfs_log(MXFS_LOG_WARNING,
                 "%s/%s: shares files with another index; it is ignored and not shown",
                 folder->path, index->name);
        ignore = true;
    }
    if (rc != 0 || ignore) {
        index->hidden = true;
        discard(m);
        return rc;
    }
    for (size_t i = 0; i < m->shard_count; i++)
        find_file(l, mxfs_path_basename(m->shards[i].source.path))->claimed = true;
    return add_model(folder, m, err);
}

static int compare_plans(const void *a, const void *b)
{
    const struct mxfs_plan *x = *(struct mxfs_plan *const *)a, *y = *(struct mxfs_plan *const *)b;
    return strcmp(mxfs_plan_source(x)->path, mxfs_plan_source(y)->path);
}

int mxfs_repo_open_models(const struct repo_walk *walk, struct mxfs_folder *folder,
                          struct repo_listing *listing, struct mxfs_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < listing->file_count && rc == 0; i++) {
        if (mxfs_repo_ends_in(listing->files[i].name, ".safetensors.index.json"))
            rc = open_index(walk, folder, listing, &listing->files[i], err);
    }
    for (size_t i = 0; i < listing->file_count && rc == 0; i++) {
        struct repo_file *f = &listing->files[i];
        struct mxfs_model *m;
        if (f->claimed || !mxfs_repo_ends_in(f->name, ".safetensors"))
            continue;
        f->claimed = true;
        rc = open_one(walk, folder, f->name, mxfs_model_open_single, &m, err);
        if (rc == 0)
            rc = add_model(folder, m, err);
    }
    if (folder->plan_count > 1)
        qsort(folder->plans, folder->plan_count, sizeof(struct mxfs_plan *), compare_plans);
    return rc;
}
