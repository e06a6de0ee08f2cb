/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The public library: a handle is an open repository, what its reads need, and its tensors
 * numbered.
 */
#include "mxfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/options.h"
#include "mxfs/path.h"
#include "mxfs/repo.h"
#include "mxfs/version.h"
#include "mxfs/vfile.h"

struct mxfs_handle {
    struct mxfs_repo repo;
    struct mxfs_vfile_env env;
    struct mxfs_plan **plans; /* of all folders; borrowed */
    char **files;             /* their paths */
    size_t *first; /* number of the first tensor of each; one more than there are plans */
    size_t count;  /* of plans */
};

/* What opening passes to the visitors of folders. */
struct opening {
    struct mxfs_handle *handle;
    const struct mxfs_options *options;
    struct mxfs_error *err;
};

static int judge_folder(void *data, struct mxfs_folder *folder)
{
    struct opening *o = data;

    for (size_t i = 0; i < folder->model_count; i++) {
        const struct mxfs_grouping *g = &folder->models[i]->grouping;
        int rc = mxfs_vfile_check_cache(&o->handle->env, g, o->err);
        if (rc != 0)
            return rc;
        if (g->refusal_count == 0 || o->options->unsupported == MXFS_UNSUPPORTED_RAW)
            continue;
        const struct mxfs_refusal *r = &g->refusals[0];
        return mxfs_fail(o->err, MXFS_EXIT_UNSUPPORTED, ENOTSUP, "%s: unsupported: %s: %s (%s)",
                         folder->path, r->scheme, r->reason,
                         r->first ? mxfs_quote(r->first->name, r->first->name_len).text : "");
    }
    return 0;
}

static int count_plans(void *data, struct mxfs_folder *folder)
{
    *(size_t *)data += folder->plan_count;
    return 0;
}

static int add_plans(void *data, struct mxfs_folder *folder)
{
    struct opening *o = data;
    struct mxfs_handle *h = o->handle;

    for (size_t p = 0; p < folder->plan_count; p++) {
        h->plans[h->count] = folder->plans[p];
        h->files[h->count] = mxfs_repo_file(&h->repo, folder, folder->plans[p]);
        if (!h->files[h->count])
            return -ENOMEM;
        h->first[h->count + 1] = h->first[h->count] + folder->plans[p]->count;
        h->count++;
    }
    return 0;
}

static int number_tensors(struct opening *o)
{
    struct mxfs_handle *h = o->handle;
    size_t plans = 0;

    mxfs_repo_visit(&h->repo.root, count_plans, &plans);
    h->plans = calloc(plans + 1, sizeof(struct mxfs_plan *));
    h->files = calloc(plans + 1, sizeof(char *));
    h->first = calloc(plans + 1, sizeof(*h->first));
    if (!h->plans || !h->files || !h->first)
        return -ENOMEM;
    return mxfs_repo_visit(&h->repo.root, add_plans, o);
}

static int open_path(struct opening *o, const char *path)
{
    const struct mxfs_options *options = o->options;
    struct mxfs_handle *h = o->handle;
    /* There is no other user to be kept in. */
    struct mxfs_repo_options how = mxfs_repo_options_of(options);

    how.confined = false;
    int rc = mxfs_vfile_env_init(&h->env, options->kernel, options->cache_size, o->err);
    if (rc == 0)
        rc = mxfs_repo_open(&h->repo, path, &how, o->err);
    if (rc == 0)
        rc = mxfs_repo_visit(&h->repo.root, judge_folder, o);
    if (rc == 0)
        rc = number_tensors(o);
    return rc;
}

int mxfs_open(struct mxfs_handle **out, const char *path, const char *options, char *why,
              size_t why_size)
{
    struct mxfs_error err = {0};
    struct mxfs_options parsed;
    struct mxfs_handle *h = calloc(1, sizeof(*h));
    char *absolute = mxfs_path_absolute(path);
    int no_path = absolute ? 0 : -errno;
    struct opening o = {h, &parsed, &err};

    *out = NULL;
    int rc = mxfs_options_from_list(&parsed, options ? options : "", &err);
    if (rc == 0)
        rc = !h ? -ENOMEM : no_path ? no_path : open_path(&o, absolute);
    free(absolute);
    mxfs_options_fini(&parsed);
    if (rc == 0) {
        *out = h;
        return MXFS_OK;
    }
    if (err.code == MXFS_EXIT_OK)
        mxfs_fail(&err, MXFS_EXIT_FAILED, -rc, "%s: %s", path, strerror(-rc));
    if (why_size > 0)
        snprintf(why, why_size, "%s", err.text);
    mxfs_close(h);
    return (int)err.code;
}

void mxfs_close(struct mxfs_handle *handle)
{
    if (!handle)
        return;
    for (size_t i = 0; handle->files && handle->files[i]; i++)
        free(handle->files[i]);
    free(handle->files);
    free(handle->plans);
    free(handle->first);
    mxfs_vfile_env_fini(&handle->env);
    mxfs_repo_close(&handle->repo);
    free(handle);
}

size_t mxfs_tensor_count(const struct mxfs_handle *handle)
{
    return handle->first[handle->count];
}

/* The output of a number, and the file that it is of. */
static const struct mxfs_output *output_at(const struct mxfs_handle *h, size_t index, size_t *file)
{
    size_t low = 0, high = h->count;

    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (h->first[mid] <= index)
            low = mid;
        else
            high = mid;
    }
    *file = low;
    const struct mxfs_plan *plan = h->plans[low];
    return &plan->outputs[plan->by_name[index - h->first[low]]];
}

struct mxfs_description mxfs_describe(const struct mxfs_handle *handle, size_t index)
{
    size_t file;
    const struct mxfs_output *o = output_at(handle, index, &file);
    struct mxfs_output_info info = mxfs_output_info(o);

    return (struct mxfs_description){
        .name = info.name,
        .name_len = info.name_len,
        .dtype = mxfs_dtype_name(info.dtype),
        .scheme = o->group ? o->group->scheme->name : "plain",
        .shape = info.shape,
        .rank = info.rank,
        .size = info.size,
        .file = file,
        .offset = o->offset,
    };
}

size_t mxfs_find(const struct mxfs_handle *handle, const char *name, size_t name_len)
{
    for (size_t i = 0; i < handle->count; i++) {
        size_t place = mxfs_plan_find(handle->plans[i], name, name_len);
        if (place != MXFS_NOT_FOUND)
            return handle->first[i] + place;
    }
    return MXFS_NO_TENSOR;
}

ssize_t mxfs_read_tensor(const struct mxfs_handle *handle, size_t index, void *buf, size_t len,
                         uint64_t offset)
{
    struct mxfs_vfile_reader reader = {.env = &handle->env};
    size_t file;
    const struct mxfs_output *o = output_at(handle, index, &file);
    ssize_t n = mxfs_vfile_read_output(&reader, handle->plans[file], o, buf, len, offset);

    mxfs_vfile_reader_fini(&reader);
    return n;
}

size_t mxfs_file_count(const struct mxfs_handle *handle)
{
    return handle->count;
}

const char *mxfs_file_name(const struct mxfs_handle *handle, size_t file)
{
    return handle->files[file];
}

uint64_t mxfs_file_size(const struct mxfs_handle *handle, size_t file)
{
    return handle->plans[file]->size;
}

ssize_t mxfs_read_file(const struct mxfs_handle *handle, size_t file, void *buf, size_t len,
                       uint64_t offset)
{
    struct mxfs_vfile_reader reader = {.env = &handle->env};
    ssize_t n = mxfs_vfile_read(&reader, handle->plans[file], buf, len, offset);

    mxfs_vfile_reader_fini(&reader);
    return n;
}

const char *mxfs_version(void)
{
    return MXFS_VERSION;
}
