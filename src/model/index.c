/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Finding and reading *.safetensors.index.json.
 *
 * An index may have a million members, so no tree is made of them, and names stay in the text where
 * they are.
 */
#include "index.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mxfs/array.h"
#include "mxfs/path.h"
#include "mxfs/tensors.h"

/* Consecutive entries in one shard. */
struct run {
    const char *shard;  /* not terminated */
    uint32_t shard_len; /* bytes */
    uint32_t id;        /* index of the shard, once they are sorted */
    size_t first;       /* entry */
};

/* An index being read. */
struct reader {
    struct mxfs_json json;
    struct model_index *index; /* what has been read */
    struct mxfs_error *err;
    size_t capacity;  /* of index->entries */
    struct run *runs; /* owned */
    size_t run_count, run_capacity;
};

void model_index_fini(struct model_index *index)
{
    for (struct model_index_string *s = index->strings, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    for (size_t i = 0; i < index->shard_count; i++)
        free(index->shards[i]);
    free(index->shards);
    free(index->entries);
    free(index->text);
    free(index->path);
    memset(index, 0, sizeof(*index));
}

/* The string as it is in the text, or a decoded copy if it has escapes; NULL when memory runs out.
 */
static const char *keep(struct reader *r, const struct mxfs_json_string *s)
{
    if (s->len == s->raw_len)
        return s->raw;
    struct model_index_string *kept = malloc(sizeof(*kept) + s->len);
    if (!kept)
        return NULL;
    mxfs_json_decode(s, kept->data, s->len);
    kept->next = r->index->strings;
    r->index->strings = kept;
    return kept->data;
}

/* Starts a new run unless the last one is in the same shard. */
static int add_run(struct reader *r, const struct mxfs_json_string *s)
{
    const struct run *last = r->run_count ? &r->runs[r->run_count - 1] : NULL;

    if (last && s->len == s->raw_len && last->shard_len == s->len &&
        memcmp(last->shard, s->raw, s->len) == 0)
        return 0;
    void *grown = mxfs_array_grow(r->runs, r->run_count + 1, &r->run_capacity, sizeof(*r->runs));
    if (!grown)
        return -ENOMEM;
    r->runs = grown;
    const char *shard = keep(r, s);
    if (!shard)
        return -ENOMEM;
    r->runs[r->run_count++] =
        (struct run){.shard = shard, .shard_len = (uint32_t)s->len, .first = r->index->count};
    return 0;
}

static int add_entry(struct reader *r, struct model_index_entry entry,
                     const struct mxfs_json_string *shard)
{
    struct model_index *x = r->index;
    void *grown = mxfs_array_grow(x->entries, x->count + 1, &r->capacity, sizeof(*x->entries));

    if (!grown)
        return -ENOMEM;
    x->entries = grown;
    if (add_run(r, shard) != 0)
        return -ENOMEM;
    x->entries[x->count++] = entry;
    return 0;
}

static int read_entry(struct reader *r)
{
    struct mxfs_json_string name, shard;

    if (mxfs_json_read_key(&r->json, &name) != 0)
        return -EINVAL;
    const char *kept = keep(r, &name);
    if (!kept)
        return -ENOMEM;
    if (mxfs_json_peek(&r->json) != '"')
        return mxfs_fail(r->err, MXFS_EXIT_MALFORMED, EINVAL,
                         "%s: weight_map: the file of tensor %s is not a string", r->index->path,
                         mxfs_quote(kept, name.len).text);
    if (mxfs_json_read_string(&r->json, &shard) != 0)
        return -EINVAL;
    return add_entry(r, (struct model_index_entry){kept, (uint32_t)name.len, 0}, &shard);
}

static int read_map(struct reader *r)
{
    int more = 0, rc = 0;

    if (mxfs_json_peek(&r->json) != '{')
        return mxfs_fail(r->err, MXFS_EXIT_MALFORMED, EINVAL, "%s: weight_map is not an object",
                         r->index->path);
    if (mxfs_json_open(&r->json, '{') != 0)
        return -EINVAL;
    while (rc == 0 && (more = mxfs_json_next(&r->json, '}')) > 0)
        rc = read_entry(r);
    return rc != 0 ? rc : more;
}

/* Returns 0, -ENOMEM or -EINVAL; what is wrong is recorded in r->err or r->json. */
static int read_root(struct reader *r)
{
    struct mxfs_json *j = &r->json;
    struct mxfs_json_string key;
    bool found = false;
    int more = 0, rc = mxfs_json_open(j, '{');

    while (rc == 0 && (more = mxfs_json_next(j, '}')) > 0) {
        rc = mxfs_json_read_key(j, &key);
        bool is_map = rc == 0 && mxfs_json_equals(&key, "weight_map");
        found = found || is_map;
        if (rc == 0)
            rc = is_map ? read_map(r) : mxfs_json_skip(j);
    }
    if (rc != 0 || more != 0 || mxfs_json_end(j) != 0)
        return rc != 0 ? rc : -EINVAL;
    return found ? 0
                 : mxfs_fail(r->err, MXFS_EXIT_MALFORMED, EINVAL, "%s: has no weight_map",
                             r->index->path);
}

static int compare_shards(const struct run *a, const struct run *b)
{
    return mxfs_name_compare(a->shard, a->shard_len, b->shard, b->shard_len);
}

static int compare_runs(const void *a, const void *b)
{
    const struct run *x = *(struct run *const *)a, *y = *(struct run *const *)b;
    int c = compare_shards(x, y);
    return c != 0 ? c : (x->first > y->first) - (x->first < y->first);
}

static int add_shard(struct model_index *x, const struct run *run, struct mxfs_error *err)
{
    char *shard = strndup(run->shard, run->shard_len);

    if (!shard)
        return -ENOMEM;
    x->shards[x->shard_count++] = shard;
    if (strlen(shard) == run->shard_len && mxfs_path_is_plain_name(shard))
        return 0;
    const struct model_index_entry *e = &x->entries[run->first];
    return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL,
                     "%s: weight_map: tensor %s is in \"%s\", which is not the name of a file in "
                     "this folder",
                     x->path, mxfs_quote(e->name, e->name_len).text, shard);
}

/* Sorts the distinct shards, and then tells every entry the index of its own. */
static int sort_shards(struct reader *r, struct run **sorted, struct mxfs_error *err)
{
    struct model_index *x = r->index;

    for (size_t i = 0; i < r->run_count; i++)
        sorted[i] = &r->runs[i];
    if (r->run_count > 1)
        qsort(sorted, r->run_count, sizeof(struct run *), compare_runs);
    for (size_t i = 0; i < r->run_count; i++) {
        int rc = i > 0 && compare_shards(sorted[i - 1], sorted[i]) == 0
                     ? 0
                     : add_shard(x, sorted[i], err);
        if (rc != 0)
            return rc;
        sorted[i]->id = (uint32_t)(x->shard_count - 1);
    }
    for (size_t i = 0; i < r->run_count; i++) {
        size_t end = i + 1 < r->run_count ? r->runs[i + 1].first : x->count;
        for (size_t e = r->runs[i].first; e < end; e++)
            x->entries[e].shard = r->runs[i].id;
    }
    return 0;
}

static int find_shards(struct reader *r, struct mxfs_error *err)
{
    struct run **sorted = malloc((r->run_count + 1) * sizeof(struct run *));
    int rc = -ENOMEM;

    r->index->shards = malloc((r->run_count + 1) * sizeof(char *));
    if (sorted && r->index->shards)
        rc = sort_shards(r, sorted, err);
    free(sorted);
    return rc;
}

/* Fails with -ENOENT, without err, when there is no such file. */
static int load(struct model_index *index, const char *path, const struct mxfs_reach *reach,
                struct mxfs_error *err)
{
    struct reader r = {.index = index, .err = err};

    memset(index, 0, sizeof(*index));
    index->path = strdup(path);
    int rc = index->path ? model_json_open(&r.json, &index->text, path, reach, err) : -ENOMEM;
    if (rc == 0)
        rc = read_root(&r);
    if (r.json.error)
        model_json_fail(&r.json, path, err);
    if (rc == 0)
        rc = find_shards(&r, err);
    free(r.runs);
    if (rc == -ENOMEM)
        mxfs_fail_memory(err, path);
    if (rc != 0)
        model_index_fini(index);
    return rc;
}

int model_index_load(struct model_index *index, const char *path, const struct mxfs_reach *reach,
                     struct mxfs_error *err)
{
    int rc = load(index, path, reach, err);
    return rc == -ENOENT
               ? mxfs_fail(err, MXFS_EXIT_SOURCE, ENOENT, "%s: %s", path, strerror(ENOENT))
               : rc;
}

/* Loads one index file; leaves *index empty when it does not name `file`. */
static int load_if_naming(struct model_index *index, const char *path, const char *file,
                          const struct mxfs_reach *reach, struct mxfs_error *err)
{
    int rc = load(index, path, reach, err);

    for (size_t i = 0; rc == 0 && i < index->shard_count; i++) {
        if (strcmp(index->shards[i], file) == 0)
            return 0;
    }
    if (rc == 0)
        model_index_fini(index);
    return rc == -ENOENT ? 0 : rc;
}

int model_index_find(struct model_index *index, const char *dir, const char *file,
                     const struct mxfs_reach *reach, struct mxfs_error *err)
{
    static const char suffix[] = ".safetensors.index.json";
    DIR *d = opendir(dir);
    struct dirent *e;
    int rc = 0;

    memset(index, 0, sizeof(*index));
    if (!d)
        return 0; /* the file itself was opened; without its folder there is no index */
    while (rc == 0 && !index->path && (e = readdir(d))) {
        size_t n = strlen(e->d_name);
        if (n < sizeof(suffix) - 1 || strcmp(e->d_name + n - (sizeof(suffix) - 1), suffix) != 0)
            continue;
        char *path = mxfs_path_join(dir, e->d_name);
        rc = path ? load_if_naming(index, path, file, reach, err) : mxfs_fail_memory(err, dir);
        free(path);
    }
    closedir(d);
    return rc;
}
