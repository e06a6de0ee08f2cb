/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Finding and reading *.safetensors.index.json.
 *
 * An index may have a million members, so no tree is built: the names stay in the text.
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

enum {
    /* Bytes of an index. A million names are about 100 MB. */
    INDEX_MAX = 256 << 20,
    /* Tensors and files that an index may name. A tensor takes up to 48 bytes while the index is
     * read. The largest models have a tenth as many of either. */
    ENTRIES_MAX = 1 << 22,
    SHARDS_MAX = 1 << 16,
};

/* A distinct shard. */
struct shard {
    const char *name; /* not terminated */
    uint32_t len;     /* bytes of `name` */
    uint32_t rank;    /* in the order of names */
    size_t entry;     /* the first one that names it */
};

/* An index being read. */
struct reader {
    struct mxfs_json json;
    struct model_index *index; /* what has been read */
    struct mxfs_error *err;
    size_t capacity;      /* of index->entries */
    struct shard *shards; /* in the order of the text; owned */
    size_t shard_count, shard_capacity;
    uint32_t *sorted; /* the shards in the order of names; owned */
    size_t sorted_capacity;
};

void model_index_fini(struct model_index *index)
{
    for (size_t i = 0; i < index->shard_count; i++)
        free(index->shards[i]);
    free(index->shards);
    free(index->entries);
    free(index->text);
    free(index->path);
    memset(index, 0, sizeof(*index));
}

/* Decodes the string in place, in the text. If an error follows, its line number then counts the
 * newlines that were decoded. */
static const char *keep(struct reader *r, const struct mxfs_json_string *s)
{
    if (s->len < s->raw_len)
        mxfs_json_decode(s, r->index->text + (s->raw - r->json.text), s->len);
    return s->raw;
}

static int compare_shard(const struct shard *a, const char *name, size_t len)
{
    return mxfs_name_compare(a->name, a->len, name, len);
}

/* The position in r->sorted where the shard is, or where it would be inserted. */
static size_t find_shard(const struct reader *r, const char *name, size_t len)
{
    size_t low = 0, high = r->shard_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_shard(&r->shards[r->sorted[middle]], name, len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int grow_shards(struct reader *r)
{
    size_t count = r->shard_count + 1;
    void *shards = mxfs_array_grow(r->shards, count, &r->shard_capacity, sizeof(*r->shards));

    if (!shards)
        return -ENOMEM;
    r->shards = shards;
    void *sorted = mxfs_array_grow(r->sorted, count, &r->sorted_capacity, sizeof(*r->sorted));
    if (!sorted)
        return -ENOMEM;
    r->sorted = sorted;
    return 0;
}

static int fail_limit(const struct reader *r, int limit, const char *what)
{
    return mxfs_fail(r->err, MXFS_EXIT_MALFORMED, E2BIG, "%s: weight_map: the limit is %d %s",
                     r->index->path, limit, what);
}

/* Sets *id to the index of the shard in r->shards, adding it if it is new. */
static int number_shard(struct reader *r, const struct mxfs_json_string *s, uint32_t *id)
{
    const char *name = keep(r, s);
    size_t at = find_shard(r, name, s->len);

    if (at < r->shard_count && compare_shard(&r->shards[r->sorted[at]], name, s->len) == 0) {
        *id = r->sorted[at];
        return 0;
    }
    if (r->shard_count == SHARDS_MAX)
        return fail_limit(r, SHARDS_MAX, "files");
    if (grow_shards(r) != 0)
        return -ENOMEM;
    *id = (uint32_t)r->shard_count;
    memmove(r->sorted + at + 1, r->sorted + at, (r->shard_count - at) * sizeof(*r->sorted));
    r->sorted[at] = *id;
    r->shards[r->shard_count++] =
        (struct shard){.name = name, .len = (uint32_t)s->len, .entry = r->index->count};
    return 0;
}

static int add_entry(struct reader *r, struct model_index_entry entry,
                     const struct mxfs_json_string *shard)
{
    struct model_index *x = r->index;

    if (x->count == ENTRIES_MAX)
        return fail_limit(r, ENTRIES_MAX, "tensors");
    void *grown = mxfs_array_grow(x->entries, x->count + 1, &r->capacity, sizeof(*x->entries));
    if (!grown)
        return -ENOMEM;
    x->entries = grown;
    int rc = number_shard(r, shard, &entry.shard);
    if (rc == 0)
        x->entries[x->count++] = entry;
    return rc;
}

static int read_entry(struct reader *r)
{
    struct mxfs_json_string name, shard;

    if (mxfs_json_read_key(&r->json, &name) != 0)
        return -EINVAL;
    const char *kept = keep(r, &name);
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

static int add_shard(struct model_index *x, const struct shard *from, struct mxfs_error *err)
{
    char *shard = strndup(from->name, from->len);

    if (!shard)
        return -ENOMEM;
    x->shards[x->shard_count++] = shard;
    if (strlen(shard) == from->len && mxfs_path_is_plain_name(shard))
        return 0;
    const struct model_index_entry *e = &x->entries[from->entry];
    return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL,
                     "%s: weight_map: tensor %s is in \"%s\", which is not the name of a file in "
                     "this folder",
                     x->path, mxfs_quote(e->name, e->name_len).text, shard);
}

/* Fills index->shards in order, and points every entry at its own. */
static int order_shards(struct reader *r)
{
    struct model_index *x = r->index;
    int rc = 0;

    x->shards = malloc((r->shard_count + 1) * sizeof(*x->shards));
    if (!x->shards)
        return -ENOMEM;
    for (size_t i = 0; i < r->shard_count && rc == 0; i++) {
        r->shards[r->sorted[i]].rank = (uint32_t)i;
        rc = add_shard(x, &r->shards[r->sorted[i]], r->err);
    }
    for (size_t i = 0; i < x->count; i++)
        x->entries[i].shard = r->shards[x->entries[i].shard].rank;
    return rc;
}

/* Fails with -ENOENT, without err, when there is no such file. */
static int load(struct model_index *index, const char *path, const struct mxfs_reach *reach,
                struct mxfs_error *err)
{
    const struct model_json_file file = {path, reach, INDEX_MAX};
    struct reader r = {.index = index, .err = err};

    memset(index, 0, sizeof(*index));
    index->path = strdup(path);
    int rc = index->path ? model_json_open(&r.json, &index->text, &file, err) : -ENOMEM;
    if (rc == 0)
        rc = read_root(&r);
    if (r.json.error)
        model_json_fail(&r.json, path, err);
    if (rc == 0)
        rc = order_shards(&r);
    free(r.shards);
    free(r.sorted);
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
        return 0; /* the file was opened, but its folder cannot be read: there is no index */
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
