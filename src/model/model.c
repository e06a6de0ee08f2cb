/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a model: headers, index and config are read and checked before anything is shown.
 */
#include "mxfs/model.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "copies.h"
#include "index.h"
#include "mxfs/bytes.h"
#include "mxfs/path.h"

static int read_part(struct mxfs_source *src, void *buf, size_t len, uint64_t offset,
                     struct mxfs_error *err)
{
    int rc = mxfs_source_read(src, buf, len, offset);
    return rc == 0 ? 0 : mxfs_fail(err, MXFS_EXIT_SOURCE, -rc, "%s: %s", src->path, strerror(-rc));
}

static int read_header(struct mxfs_shard *shard, struct mxfs_error *err)
{
    uint64_t size = (uint64_t)shard->source.st.st_size, n = 0;
    const char *path = shard->source.path;
    char prefix[8] = {0};

    int rc = read_part(&shard->source, prefix, mxfs_min_u64(size, 8), 0, err);
    if (rc != 0)
        return rc;
    n = mxfs_load_le64(prefix);
    rc = mxfs_safetensors_check_size(n, size, path, err);
    if (rc != 0)
        return rc;
    char *json = malloc(n + 1);
    if (!json)
        return mxfs_fail_memory(err, path);
    rc = read_part(&shard->source, json, n, 8, err);
    if (rc == 0)
        rc = mxfs_safetensors_parse(&shard->header, json, n, size, path, err);
    free(json);
    return rc;
}

/* How to interpret a path. */
enum what { SHARD_OR_FILE, FILE_ALONE, INDEX };

/* The source to open. */
struct request {
    enum what what;
    const char *path; /* as given */
    const char *dir;  /* its folder */
    const char *file; /* its name; NULL for an index */
    const struct mxfs_reach *reach;
};

/* The file that the user named may be a link to anywhere; files found in a folder may not. */
static const struct mxfs_reach *reach_of_main(const struct request *r)
{
    return r->what == SHARD_OR_FILE ? NULL : r->reach;
}

static int open_shard(struct mxfs_model *m, const char *path, const struct mxfs_reach *reach,
                      struct mxfs_error *err)
{
    struct mxfs_shard *shard = &m->shards[m->shard_count];

    int rc = mxfs_source_open(&shard->source, path, reach, err);
    if (rc != 0)
        return rc;
    m->shard_count++; /* mxfs_model_close() closes it from here on */
    rc = read_header(shard, err);
    for (size_t i = 0; i < shard->header.count; i++)
        shard->header.tensors[i].shard = (uint32_t)(m->shard_count - 1);
    return rc;
}

static int note_missing(struct mxfs_model *m, const char *name)
{
    if (m->missing++ == 0 && !(m->first_missing = strdup(name)))
        return -ENOMEM;
    return 0;
}

/* Opens the shards that the index names, and counts those that are missing. */
static int open_indexed(struct mxfs_model *m, const struct model_index *index,
                        const struct request *r, struct mxfs_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < index->shard_count && rc == 0; i++) {
        struct mxfs_error why = {0};
        char *path = mxfs_path_join(r->dir, index->shards[i]);
        if (!path)
            return mxfs_fail_memory(err, r->dir);
        bool is_main = r->file && strcmp(index->shards[i], r->file) == 0;
        if (is_main)
            m->main = m->shard_count;
        rc = open_shard(m, path, is_main ? reach_of_main(r) : r->reach, &why);
        if (rc == -ENOENT && !is_main)
            rc = note_missing(m, index->shards[i]);
        else if (rc != 0 && err->code == MXFS_EXIT_OK)
            *err = why;
        free(path);
    }
    return rc;
}

static bool has_comfy_metadata(const struct mxfs_model *m)
{
    static const char key[] = "_quantization_metadata";

    for (size_t s = 0; s < m->shard_count; s++) {
        const struct mxfs_safetensors *h = &m->shards[s].header;
        for (size_t i = 0; i < h->metadata_count; i++) {
            if (h->metadata[i].key_len == sizeof(key) - 1 &&
                memcmp(h->metadata[i].key, key, sizeof(key) - 1) == 0)
                return true;
        }
    }
    return false;
}

/* Reads a small tensor for a scheme that needs its contents. */
static int read_tensor(void *model, const struct mxfs_tensor *t, void *buf, size_t len,
                       uint64_t offset)
{
    struct mxfs_model *m = model;
    return mxfs_source_read(mxfs_model_source(m, t), buf, len, t->offset + offset);
}

/* A part that could not be read must not be reported as one that does not fit. */
static int fail_grouping(const struct mxfs_model *m, int rc, struct mxfs_error *err)
{
    const struct mxfs_tensor *t = m->grouping.failed;

    if (rc == -ENOMEM || !t)
        return rc;
    return mxfs_fail(err, MXFS_EXIT_SOURCE, -rc, "%s: cannot read tensor %s: %s",
                     mxfs_model_source(m, t)->path, mxfs_quote(t->name, t->name_len).text,
                     strerror(-rc));
}

static int group_tensors(struct mxfs_model *m, const struct mxfs_tensors *absent,
                         const struct mxfs_choices *choices, struct mxfs_error *err)
{
    enum mxfs_out automatic = m->config.dtype == MXFS_F32 ? MXFS_OUT_F32 : MXFS_OUT_BF16;
    const struct mxfs_grouping_options how = {
        .match = {.out = mxfs_choices_out(choices, automatic),
                  .auto_out = choices->dtype == MXFS_CHOOSE_AUTO,
                  .unit_max = choices->unit_max,
                  .forced = choices->scheme,
                  .read = read_tensor,
                  .reader = m,
                  .absent = absent,
                  .comfy = has_comfy_metadata(m)},
        .only = choices->only,
        .drop_half = choices->partial && m->missing > 0,
    };
    m->restricted = choices->only != NULL;
    int rc = mxfs_grouping_init(&m->grouping, &m->tensors, &m->config, &how);
    return rc == 0 ? 0 : fail_grouping(m, rc, err);
}

/* Opens the file alone, or the shards of the index when there is one. */
static int open_files(struct mxfs_model *m, const struct model_index *index,
                      const struct request *r, struct mxfs_error *err)
{
    m->shards = calloc(index->shard_count + 1, sizeof(*m->shards));
    if (!m->shards)
        return -ENOMEM;
    if (!index->path)
        return open_shard(m, r->path, reach_of_main(r), err);
    m->main = MXFS_NOT_FOUND;
    return open_indexed(m, index, r, err);
}

static int load_files(struct mxfs_model *m, const struct model_index *index,
                      const struct request *r, struct mxfs_tensors *absent, struct mxfs_error *err)
{
    int rc = open_files(m, index, r, err);
    if (rc == 0)
        rc = model_choose_copies(m, index, absent, err);
    return rc;
}

static int load_config(struct mxfs_model *m, const struct request *r,
                       const struct mxfs_choices *choices, struct mxfs_error *err)
{
    if (choices->config) {
        m->config = *choices->config;
        m->config.text = NULL; /* the strings are borrowed */
        return 0;
    }
    char *path = mxfs_path_join(r->dir, "config.json");
    int rc = path ? model_config_load(path, r->reach, &m->config, err) : -ENOMEM;
    free(path);
    return rc;
}

static int load_model(struct mxfs_model *m, const struct request *r,
                      const struct mxfs_choices *choices, struct mxfs_error *err)
{
    struct mxfs_tensors absent = {0};
    struct model_index index = {0};

    int rc = load_config(m, r, choices, err);
    if (rc == 0 && r->what == INDEX)
        rc = model_index_load(&index, r->path, r->reach, err);
    else if (rc == 0 && r->what == SHARD_OR_FILE)
        rc = model_index_find(&index, r->dir, r->file, r->reach, err);
    if (rc == 0)
        rc = load_files(m, &index, r, &absent, err);
    if (rc == 0 && index.path && !(m->index_path = strdup(index.path)))
        rc = -ENOMEM;
    if (absent.count == 0)
        model_index_fini(&index); /* a large index takes more memory than grouping does */
    if (rc == 0)
        rc = group_tensors(m, &absent, choices, err);
    model_index_fini(&index);
    free(absent.sorted);
    return rc;
}

static int open_model(struct mxfs_model *model, const char *path, enum what what,
                      const struct mxfs_choices *choices, struct mxfs_error *err)
{
    char *dir = mxfs_path_dirname(path);
    const struct request request = {
        .what = what,
        .path = path,
        .dir = dir,
        .file = what == INDEX ? NULL : mxfs_path_basename(path),
        .reach = choices->reach,
    };

    memset(model, 0, sizeof(*model));
    int rc = dir ? load_model(model, &request, choices, err) : -ENOMEM;
    free(dir);
    if (rc == -ENOMEM)
        mxfs_fail_memory(err, path);
    if (rc != 0)
        mxfs_model_close(model);
    /* Parsing frees far more memory, in small pieces, than the model keeps. */
    if (choices->trim)
        malloc_trim(0);
    return rc;
}

int mxfs_model_open_file(struct mxfs_model *model, const char *path,
                         const struct mxfs_choices *choices, struct mxfs_error *err)
{
    return open_model(model, path, SHARD_OR_FILE, choices, err);
}

int mxfs_model_open_single(struct mxfs_model *model, const char *path,
                           const struct mxfs_choices *choices, struct mxfs_error *err)
{
    return open_model(model, path, FILE_ALONE, choices, err);
}

int mxfs_model_open_index(struct mxfs_model *model, const char *path,
                          const struct mxfs_choices *choices, struct mxfs_error *err)
{
    return open_model(model, path, INDEX, choices, err);
}

void mxfs_model_close(struct mxfs_model *model)
{
    mxfs_grouping_fini(&model->grouping);
    free(model->tensors.sorted);
    for (size_t i = 0; i < model->shard_count; i++) {
        mxfs_safetensors_fini(&model->shards[i].header);
        mxfs_source_close(&model->shards[i].source);
    }
    free(model->shards);
    free(model->first_missing);
    free(model->index_path);
    model_config_fini(&model->config);
    memset(model, 0, sizeof(*model));
}

bool mxfs_model_find(const struct mxfs_model *model, const struct mxfs_tensor *t, size_t *index)
{
    size_t at = mxfs_tensors_find(&model->tensors, *index, t->name, t->name_len, "");
    if (at == MXFS_NOT_FOUND || model->tensors.sorted[at] != t)
        return false;
    *index = at;
    return true;
}
