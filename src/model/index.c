/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Finding and reading *.safetensors.index.json.
 *
 * An index may have a million members, so no tree is made of them: the editor's scanner calls for
 * each, and names stay where they stand in the text. Only to say what is wrong with an index it is
 * parsed again, as a tree.
 */
#include "index.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "mxfs/jsonedit.h"
#include "mxfs/path.h"
#include "mxfs/source.h"
#include "mxfs/tensors.h"

/* A weight map of a million names is some 100 MB. */
enum { INDEX_MAX = 256 << 20 };

/* Entries in a row that are in one shard. */
struct run {
    const char *shard; /* not terminated */
    uint32_t shard_len;
    uint32_t id;  /* index of the shard, once they are sorted */
    size_t first; /* entry */
};

/* What is known while scanning. */
struct reader {
    struct mxfs_index *index;
    size_t text_len;
    size_t capacity; /* of index->entries */
    struct run *runs;
    size_t run_count, run_capacity;
};

void mxfs_index_fini(struct mxfs_index *index)
{
    for (struct mxfs_index_string *s = index->strings, *next; s; s = next) {
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

/* What the scanner has decoded lasts for one call; what stands in the text stays. */
static const char *keep(struct reader *r, const char *data, size_t len)
{
    const char *text = r->index->text;

    if (data >= text && data < text + r->text_len)
        return data;
    struct mxfs_index_string *s = malloc(sizeof(*s) + len + 1);
    if (!s)
        return NULL;
    memcpy(s->data, data, len);
    s->next = r->index->strings;
    r->index->strings = s;
    return s->data;
}

static int grow(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return 0;
    size_t more = *capacity ? *capacity * 2 : 64;
    void *grown = realloc(*array, more * size);
    if (!grown)
        return -ENOMEM;
    *array = grown;
    *capacity = more;
    return 0;
}

static int add_run(struct reader *r, const struct mxfs_jsonedit_weight *w)
{
    const struct run *last = r->run_count ? &r->runs[r->run_count - 1] : NULL;

    if (last && mxfs_name_compare(last->shard, last->shard_len, w->shard, w->shard_len) == 0)
        return 0;
    const char *shard = keep(r, w->shard, w->shard_len);
    if (!shard || grow((void **)&r->runs, r->run_count, &r->run_capacity, sizeof(*r->runs)) != 0)
        return -ENOMEM;
    r->runs[r->run_count++] =
        (struct run){.shard = shard, .shard_len = (uint32_t)w->shard_len, .first = r->index->count};
    return 0;
}

/* Called for each member. */
static int add_entry(void *data, struct mxfs_jsonedit_weight *w)
{
    struct reader *r = data;
    struct mxfs_index *x = r->index;
    const char *name = keep(r, w->name, w->name_len);

    if (!name || add_run(r, w) != 0 ||
        grow((void **)&x->entries, x->count, &r->capacity, sizeof(*x->entries)) != 0)
        return -ENOMEM;
    x->entries[x->count++] = (struct mxfs_index_entry){name, (uint32_t)w->name_len, 0};
    return MXFS_JSONEDIT_DROP; /* no edited text is wanted */
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

static int add_shard(struct mxfs_index *x, const struct run *run, struct mxfs_error *err)
{
    char *shard = strndup(run->shard, run->shard_len);

    if (!shard)
        return -ENOMEM;
    x->shards[x->shard_count++] = shard;
    if (strlen(shard) == run->shard_len && mxfs_path_is_plain_name(shard))
        return 0;
    const struct mxfs_index_entry *e = &x->entries[run->first];
    return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL,
                     "%s: weight_map: tensor %s is in \"%s\", which is not a file name in the same "
                     "directory",
                     x->path, mxfs_quote(e->name, e->name_len).text, shard);
}

/* The distinct shards in order; then every entry is given its own. */
static int sort_shards(struct reader *r, struct run **sorted, struct mxfs_error *err)
{
    struct mxfs_index *x = r->index;

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

/* Says why an index cannot be used; 0 when it is only empty. */
static int explain(const struct mxfs_index *index, const struct mxfs_reach *reach,
                   struct mxfs_error *err)
{
    json_t *root, *value;
    const char *tensor;

    int rc = mxfs_json_load(index->path, reach, &root, err);
    if (rc != 0)
        return rc;
    json_t *map = json_object_get(root, "weight_map");
    if (!json_is_object(map))
        rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: there is no weight_map", index->path);
    json_object_foreach(map, tensor, value)
    {
        if (rc == 0 && !json_is_string(value))
            rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL,
                           "%s: weight_map: tensor %s is not in a file, its value is no string",
                           index->path, mxfs_quote(tensor, strlen(tensor)).text);
    }
    if (rc == 0 && json_object_size(map) > 0)
        rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: not sound JSON", index->path);
    json_decref(root);
    return rc;
}

static int scan(struct reader *r, const struct mxfs_reach *reach, struct mxfs_error *err)
{
    char *edited;
    size_t len;

    int rc = mxfs_jsonedit_index(r->index->text, r->text_len, 0, add_entry, r, &edited, &len);
    free(edited);
    if (rc == -EINVAL || (rc == 0 && r->index->count == 0))
        rc = explain(r->index, reach, err);
    return rc;
}

/* -ENOENT without err when there is no such file. */
static int load(struct mxfs_index *index, const char *path, const struct mxfs_reach *reach,
                struct mxfs_error *err)
{
    struct reader r = {.index = index};
    int rc = 0;

    memset(index, 0, sizeof(*index));
    if (mxfs_reach_lacks(reach, path))
        return -ENOENT;
    index->path = strdup(path);
    if (index->path)
        rc = mxfs_source_slurp(path, reach, INDEX_MAX, &index->text, &r.text_len, err);
    else
        rc = -ENOMEM;
    if (rc == 0)
        rc = scan(&r, reach, err);
    if (rc == 0)
        rc = find_shards(&r, err);
    free(r.runs);
    if (rc == -ENOMEM)
        mxfs_fail_memory(err, path);
    if (rc != 0)
        mxfs_index_fini(index);
    return rc;
}

int mxfs_index_load(struct mxfs_index *index, const char *path, const struct mxfs_reach *reach,
                    struct mxfs_error *err)
{
    int rc = load(index, path, reach, err);
    return rc == -ENOENT
               ? mxfs_fail(err, MXFS_EXIT_SOURCE, ENOENT, "%s: %s", path, strerror(ENOENT))
               : rc;
}

/* Loads one index file; leaves *index empty when it does not name `file`. */
static int load_if_naming(struct mxfs_index *index, const char *path, const char *file,
                          const struct mxfs_reach *reach, struct mxfs_error *err)
{
    int rc = load(index, path, reach, err);

    for (size_t i = 0; rc == 0 && i < index->shard_count; i++) {
        if (strcmp(index->shards[i], file) == 0)
            return 0;
    }
    if (rc == 0)
        mxfs_index_fini(index);
    return rc == -ENOENT ? 0 : rc;
}

int mxfs_index_find(struct mxfs_index *index, const char *dir, const char *file,
                    const struct mxfs_reach *reach, struct mxfs_error *err)
{
    static const char suffix[] = ".safetensors.index.json";
    DIR *d = opendir(dir);
    struct dirent *e;
    int rc = 0;

    memset(index, 0, sizeof(*index));
    if (!d)
        return 0; /* the file itself is reachable; then there is no index to be seen */
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
