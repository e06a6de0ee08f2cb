/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Listing a folder.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "mxfs/array.h"
#include "mxfs/log.h"
#include "mxfs/path.h"

bool repo_name_ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

static bool is_skipped(const char *name)
{
    static const char *const skipped[] = {".", "..", ".git", ".cache"};
    for (size_t i = 0; i < MXFS_COUNT(skipped); i++) {
        if (strcmp(name, skipped[i]) == 0)
            return true;
    }
    return false;
}

static int add_dir(struct repo_listing *out, char *name)
{
    char **dirs = mxfs_array_grow(out->dirs, out->dir_count + 1, &out->dir_capacity, sizeof(*dirs));

    if (!dirs)
        return -ENOMEM;
    out->dirs = dirs;
    out->dirs[out->dir_count++] = name;
    return 0;
}

static int add_file(struct repo_listing *out, char *name)
{
    struct repo_file *files =
        mxfs_array_grow(out->files, out->file_count + 1, &out->file_capacity, sizeof(*files));

    if (!files)
        return -ENOMEM;
    out->files = files;
    out->files[out->file_count++] = (struct repo_file){.name = name};
    return 0;
}

static int add_name(struct repo_listing *out, const char *name, bool is_dir)
{
    char *copy = strdup(name);
    int rc = copy ? (is_dir ? add_dir : add_file)(out, copy) : -ENOMEM;

    if (rc != 0)
        free(copy);
    return rc;
}

/* Adds the file or folder at `path`, unless it must not be shown. */
static int consider(struct repo_listing *out, const char *path, const struct mxfs_reach *reach)
{
    struct stat self, st;

    if (lstat(path, &self) != 0)
        return 0;
    if (stat(path, &st) != 0) {
        mxfs_log(MXFS_LOG_WARNING, "%s: not shown: %s", path, strerror(errno));
        return 0;
    }
    if (S_ISLNK(self.st_mode) && !mxfs_reach_has(reach, path)) {
        mxfs_log(MXFS_LOG_WARNING,
                 "%s: not shown: this link leads out of the source (see --follow-symlinks)", path);
        return 0;
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return 0;
    return add_name(out, mxfs_path_basename(path), S_ISDIR(st.st_mode));
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct repo_file *)a)->name, ((const struct repo_file *)b)->name);
}

static int compare_dirs(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(struct repo_listing *out, DIR *d, const char *path,
                      const struct mxfs_reach *reach)
{
    struct dirent *e;
    int rc = 0;

    while (rc == 0 && (e = readdir(d))) {
        if (is_skipped(e->d_name))
            continue;
        char *entry = mxfs_path_join(path, e->d_name);
        rc = entry ? consider(out, entry, reach) : -ENOMEM;
        free(entry);
    }
    return rc;
}

int repo_list(struct repo_listing *out, const char *path, const struct mxfs_reach *reach,
              struct mxfs_error *err)
{
    DIR *d = opendir(path);

    memset(out, 0, sizeof(*out));
    if (!d)
        return mxfs_fail(err, MXFS_EXIT_SOURCE, errno, "%s: %s", path, strerror(errno));
    int rc = read_names(out, d, path, reach);
    closedir(d);
    if (rc != 0) {
        repo_listing_fini(out);
        return mxfs_fail_memory(err, path);
    }
    if (out->file_count > 1)
        qsort(out->files, out->file_count, sizeof(*out->files), compare_files);
    if (out->dir_count > 1)
        qsort(out->dirs, out->dir_count, sizeof(*out->dirs), compare_dirs);
    return 0;
}

void repo_listing_fini(struct repo_listing *listing)
{
    for (size_t i = 0; i < listing->file_count; i++)
        free(listing->files[i].name);
    for (size_t i = 0; i < listing->dir_count; i++)
        free(listing->dirs[i]);
    free(listing->files);
    free(listing->dirs);
    memset(listing, 0, sizeof(*listing));
}
