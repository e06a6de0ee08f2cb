/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The public library: a handle is a view whose tensors are numbered.
 */
#include "mxfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/log.h"
#include "mxfs/version.h"
#include "mxfs/view.h"

struct mxfs_handle {
    struct mxfs_view view;
    size_t *first;     /* number of the first tensor of each file, and the number of all tensors */
    char *names;       /* of all tensors, in the order of their numbers, each with a final NUL */
    size_t *name_from; /* where each one begins in `names` */
};

struct mxfs_reader {
    const struct mxfs_handle *handle;
    struct mxfs_vfile_reader reader;
};

/* The host's log, see mxfs_set_log(). */
static struct {
    void (*log)(void *data, int importance, const char *line);
    void *data;
} host;

static void log_to_host(void *data, enum mxfs_log_level level, const char *line)
{
    (void)data;
    host.log(host.data, (int)level, line);
}

void mxfs_set_log(void (*log)(void *data, int importance, const char *line), void *data)
{
    host.log = log;
    host.data = data;
    mxfs_log_open(log ? log_to_host : NULL, NULL, MXFS_LOG_NOTICE);
}

static const struct mxfs_output *nth_output(const struct mxfs_plan *plan, size_t n)
{
    return &plan->outputs[plan->by_name[n]];
}

static int number_tensors(struct mxfs_handle *h)
{
    const struct mxfs_repo *repo = &h->view.repo;

    h->first = calloc(repo->file_count + 1, sizeof(*h->first));
    if (!h->first)
        return -ENOMEM;
    for (size_t i = 0; i < repo->file_count; i++)
        h->first[i + 1] = h->first[i] + repo->files[i].plan->count;
    return 0;
}

/* Headers hold names without a final NUL; C programs expect one. */
static int copy_names(struct mxfs_handle *h)
{
    const struct mxfs_repo *repo = &h->view.repo;
    size_t total = 0, at = 0, number = 0;

    for (size_t f = 0; f < repo->file_count; f++) {
        for (size_t i = 0; i < repo->files[f].plan->count; i++)
            total += mxfs_output_info(&repo->files[f].plan->outputs[i]).name_len + 1;
    }
    h->names = malloc(total + 1);
    h->name_from = malloc((mxfs_tensor_count(h) + 1) * sizeof(*h->name_from));
    if (!h->names || !h->name_from)
        return -ENOMEM;
    for (size_t f = 0; f < repo->file_count; f++) {
        for (size_t i = 0; i < repo->files[f].plan->count; i++) {
            struct mxfs_output_info info = mxfs_output_info(nth_output(repo->files[f].plan, i));
            h->name_from[number++] = at;
            memcpy(h->names + at, info.name, info.name_len);
            at += info.name_len;
            h->names[at++] = '\0';
        }
    }
    return 0;
}

static int open_handle(struct mxfs_handle *h, const char *path, const struct mxfs_choices *choices,
                       struct mxfs_error *err)
{
    int rc = mxfs_choices_check(choices, err);
    if (rc != 0)
        return rc;
    rc = mxfs_view_open(&h->view, path, choices, err);
    if (rc != 0)
        return rc;
    rc = mxfs_view_judge(&h->view, choices, err);
    if (rc != 0)
        return rc;
    rc = number_tensors(h);
    return rc == 0 ? copy_names(h) : rc;
}

static int open_chosen(struct mxfs_handle **out, const char *path,
                       const struct mxfs_choices *choices, struct mxfs_error *err)
{
    struct mxfs_handle *h = calloc(1, sizeof(*h));
    int rc = h ? open_handle(h, path, choices, err) : -ENOMEM;

    if (rc == 0) {
        *out = h;
        return 0;
    }
    mxfs_close(h);
    return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", path,
                     rc == -ENOMEM ? "out of memory" : strerror(-rc));
}

/* Reports the result of opening to the caller. */
static int report(const struct mxfs_error *err, char *why, size_t why_size)
{
    if (err->code != MXFS_EXIT_OK && why_size > 0)
        snprintf(why, why_size, "%s", err->text);
    return (int)err->code;
}

int mxfs_open(struct mxfs_handle **out, const char *path, const char *options, char *why,
              size_t why_size)
{
    struct mxfs_choices choices = mxfs_choices_default;
    struct mxfs_error err = {0};
    char *list = strdup(options ? options : "");
    int rc = list ? mxfs_choices_parse(&choices, list, &err) : mxfs_fail_memory(&err, path);

    *out = NULL;
    if (rc == 0)
        open_chosen(out, path, &choices, &err);
    free(list);
    return report(&err, why, why_size);
}

/*
 * Converts the caller's options. Fields that it does not know keep their defaults; fields that we
 * do not know are ignored.
 */
static int choices_of(const struct mxfs_open_options *given, struct mxfs_choices *choices,
                      struct mxfs_error *err)
{
    struct mxfs_open_options o = MXFS_OPEN_OPTIONS_INIT;

    if (given)
        memcpy(&o, given, mxfs_min_u64(given->struct_size, sizeof(o)));
    if (o.cache_size != 0 && o.cache_size < MXFS_CACHE_SIZE_MIN)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "cache_size is below 1 MiB");
    if (o.type < MXFS_TYPE_AUTO || o.type > MXFS_TYPE_F32)
        return mxfs_fail(err, MXFS_EXIT_USAGE, EINVAL, "type %d is not an enum mxfs_type", o.type);
    *choices = (struct mxfs_choices){
        .dtype = o.type,
        .unsupported = o.raw ? MXFS_UNSUPPORTED_RAW : MXFS_UNSUPPORTED_REFUSE,
        .only = o.only,
        .scheme = o.scheme,
        .partial = o.partial != 0,
        .cache_size = o.cache_size ? o.cache_size : MXFS_CACHE_SIZE_DEFAULT,
        .kernel = o.kernel,
    };
    return 0;
}

int mxfs_open_with(struct mxfs_handle **out, const char *path,
                   const struct mxfs_open_options *options, char *why, size_t why_size)
{
    struct mxfs_choices choices;
    struct mxfs_error err = {0};

    *out = NULL;
    if (choices_of(options, &choices, &err) == 0)
        open_chosen(out, path, &choices, &err);
    return report(&err, why, why_size);
}

void mxfs_close(struct mxfs_handle *handle)
{
    if (!handle)
        return;
    free(handle->names);
    free(handle->name_from);
    free(handle->first);
    mxfs_view_close(&handle->view);
    free(handle);
}

size_t mxfs_tensor_count(const struct mxfs_handle *handle)
{
    return handle->first[handle->view.repo.file_count];
}

/* The file that a tensor is in: the last one that begins at or before its number. */
static size_t file_of(const struct mxfs_handle *h, size_t index)
{
    size_t low = 0, high = h->view.repo.file_count;

    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (h->first[mid] <= index)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/*
 * Copies the fields of `ours` that the caller knows to `out`; fields that only the caller knows
 * become zero.
 */
static void give(void *out, size_t out_size, const void *ours, size_t our_size)
{
    size_t tag = sizeof(out_size), known = mxfs_min_u64(out_size, our_size);

    if (out_size <= tag)
        return;
    memset((char *)out + tag, 0, out_size - tag);
    memcpy((char *)out + tag, (const char *)ours + tag, known - tag);
}

void mxfs_describe(const struct mxfs_handle *handle, size_t index, struct mxfs_description *out)
{
    size_t file = file_of(handle, index);
    const struct mxfs_plan *plan = handle->view.repo.files[file].plan;
    const struct mxfs_output *o = nth_output(plan, index - handle->first[file]);
    struct mxfs_output_info info = mxfs_output_info(o);
    const struct mxfs_description d = {
        .name = handle->names + handle->name_from[index],
        .name_len = info.name_len,
        .dtype = mxfs_dtype_name(info.dtype),
        .scheme = mxfs_output_scheme(o),
        .shape = info.shape,
        .rank = info.rank,
        .size = info.size,
        .file = file,
        .offset = o->offset,
    };

    give(out, out->struct_size, &d, sizeof(d));
}

size_t mxfs_find(const struct mxfs_handle *handle, const char *name, size_t name_len)
{
    for (size_t i = 0; i < handle->view.repo.file_count; i++) {
        const struct mxfs_plan *plan = handle->view.repo.files[i].plan;
        size_t place = mxfs_plan_find(plan, name, name_len);
        if (place != MXFS_NOT_FOUND && !mxfs_plan_is_stale(plan, nth_output(plan, place)))
            return handle->first[i] + place;
    }
    return MXFS_NO_TENSOR;
}

size_t mxfs_file_count(const struct mxfs_handle *handle)
{
    return handle->view.repo.file_count;
}

void mxfs_describe_file(const struct mxfs_handle *handle, size_t file,
                        struct mxfs_file_description *out)
{
    const struct mxfs_file *f = &handle->view.repo.files[file];
    const struct mxfs_file_description d = {
        .name = f->path,
        .size = f->plan->size,
        .first_tensor = handle->first[file],
        .tensor_count = f->plan->count,
    };

    give(out, out->struct_size, &d, sizeof(d));
}

struct mxfs_reader *mxfs_reader_new(const struct mxfs_handle *handle)
{
    struct mxfs_reader *reader = calloc(1, sizeof(*reader));

    if (reader)
        *reader = (struct mxfs_reader){.handle = handle, .reader.env = &handle->view.env};
    return reader;
}

void mxfs_reader_free(struct mxfs_reader *reader)
{
    if (!reader)
        return;
    mxfs_vfile_reader_fini(&reader->reader);
    free(reader);
}

ssize_t mxfs_read_tensor(struct mxfs_reader *reader, size_t index, void *buf, size_t len,
                         uint64_t offset)
{
    const struct mxfs_handle *h = reader->handle;
    size_t file = file_of(h, index);
    const struct mxfs_plan *plan = h->view.repo.files[file].plan;

    return mxfs_vfile_read_output(&reader->reader, plan, nth_output(plan, index - h->first[file]),
                                  buf, len, offset);
}

ssize_t mxfs_read_file(struct mxfs_reader *reader, size_t file, void *buf, size_t len,
                       uint64_t offset)
{
    const struct mxfs_handle *h = reader->handle;

    return mxfs_vfile_read(&reader->reader, h->view.repo.files[file].plan, buf, len, offset);
}

const char *mxfs_version(void)
{
    return MXFS_VERSION;
}
