/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Finding and reading *.safetensors.index.json.
 */
#include "index.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mxfs/path.h"

void mxfs_index_fini(struct mxfs_index *index)
{
    json_decref(index->root);
    free(index->shards);
    free(index->path);
    memset(index, 0, sizeof(*index));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Collects the distinct shard names; a set of seen names keeps this linear. */
static int collect_shards(struct mxfs_index *index, struct mxfs_error *err)
{
    json_t *seen = json_object();
    const char *tensor;
    json_t *value;
    int rc = 0;

    index->shards = calloc(json_object_size(index->map) + 1, sizeof(*index->shards));
    if (!seen || !index->shards)
        rc = mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "%s: out of memory", index->path);
    json_object_foreach((json_t *)index->map, tensor, value)
    {
        const char *shard = json_string_value(value);
        if (rc != 0)
            break;
        if (!shard || strlen(shard) != json_string_length(value) ||
            !mxfs_path_is_plain_name(shard)) {
            rc =
                mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL,
                          "%s: weight_map: tensor %s is in \"%s\", which is not a file name in the "
                          "same directory",
                          index->path, mxfs_quote(tensor, strlen(tensor)).text,
                          shard ? shard : "(not a string)");
        } else if (!json_object_get(seen, shard)) {
            index->shards[index->shard_count++] = shard;
            json_object_set_new(seen, shard, json_true());
        }
    }
    json_decref(seen);
    if (index->shard_count > 1)
        qsort(index->shards, index->shard_count, sizeof(*index->shards), compare_names);
    return rc;
}

/* -ENOENT without err when there is no such file. */
static int load(struct mxfs_index *index, const char *path, struct mxfs_error *err)
{
    memset(index, 0, sizeof(*index));
    index->path = strdup(path);
    if (!index->path)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "%s: out of memory", path);
    int rc = mxfs_json_load(path, &index->root, err);
    if (rc == 0) {
        index->map = json_object_get(index->root, "weight_map");
        if (!json_is_object(index->map))
            rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: there is no weight_map", path);
    }
    if (rc == 0)
        rc = collect_shards(index, err);
    if (rc != 0)
        mxfs_index_fini(index);
    return rc;
}

int mxfs_index_load(struct mxfs_index *index, const char *path, struct mxfs_error *err)
{
    int rc = load(index, path, err);
    return rc == -ENOENT
               ? mxfs_fail(err, MXFS_EXIT_SOURCE, ENOENT, "%s: %s", path, strerror(ENOENT))
               : rc;
}

/* Loads one index file; leaves *index empty when it does not name `file`. */
static int load_if_naming(struct mxfs_index *index, const char *path, const char *file,
                          struct mxfs_error *err)
{
    int rc = load(index, path, err);

    for (size_t i = 0; rc == 0 && i < index->shard_count; i++) {
        if (strcmp(index->shards[i], file) == 0)
            return 0;
    }
    if (rc == 0)
        mxfs_index_fini(index);
    return rc == -ENOENT ? 0 : rc;
}

int mxfs_index_find(struct mxfs_index *index, const char *dir, const char *file,
                    struct mxfs_error *err)
{
    static const char suffix[] = ".safetensors.index.json";
    DIR *d = opendir(dir);
    struct dirent *e;
    int rc = 0;

    memset(index, 0, sizeof(*index));
    if (!d)
        return 0; /* the file itself is reachable; then there is no index to be seen */
    while (rc == 0 && !index->map && (e = readdir(d))) {
        size_t n = strlen(e->d_name);
        if (n < sizeof(suffix) - 1 || strcmp(e->d_name + n - (sizeof(suffix) - 1), suffix) != 0)
            continue;
        char *path = mxfs_path_join(dir, e->d_name);
        rc = path ? load_if_naming(index, path, file, err)
                  : mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "%s: out of memory", dir);
        free(path);
    }
    closedir(d);
    return rc;
}

const char *mxfs_index_shard_of(const struct mxfs_index *index, const struct mxfs_tensor *t)
{
    return index->map ? json_string_value(json_object_getn(index->map, t->name, t->name_len))
                      : NULL;
}
