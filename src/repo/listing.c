/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Listing a directory.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "mxfs/log.h"
#include "mxfs/path.h"

int mxfs_repo_grow(void **array, size_t count, size_t size)
{
    if (count & (count - 1) || (count == 0 && *array))
        return 0;
    void *grown = realloc(*array, (count ? count * 2 : 1) * size);
    if (!grown)
        return -ENOMEM;
    *array = grown;
    return 0;
}

bool mxfs_repo_ends_in(const char *name, const char *suffix)
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

static int add_name(struct repo_listing *out, char *name, bool dir)
{
    int rc = dir ? mxfs_repo_grow((void **)&out->dirs, out->dir_count, sizeof(*out->dirs))
                 : mxfs_repo_grow((void **)&out->files, out->file_count, sizeof(*out->files));
    if (rc != 0) {
        free(name);
        return rc;
    }
    if (dir)
        out->dirs[out->dir_count++] = name;
    else
        out->files[out->file_count++] = (struct repo_file){.name = name};
    return 0;
}

/* Takes in one name of a directory, if it is to be shown. */
static int consider(const struct repo_walk *walk, const char *dir, const char *name,
                    struct repo_listing *out)
{
    char *path = mxfs_path_join(dir, name), *copy = NULL;
    struct stat self, st;
    int rc = path ? 0 : -ENOMEM;

    if (rc == 0 && lstat(path, &self) == 0) {
        if (stat(path, &st) != 0)
            mxfs_log(MXFS_LOG_WARNING, "%s: not shown: %s", path, strerror(errno));
        else if (S_ISLNK(self.st_mode) && !mxfs_reach_has(walk->options->model.reach, path))
            mxfs_log(MXFS_LOG_WARNING,
                     "%s: not shown: this link leads out of the source (see --follow-symlinks)",
                     path);
        else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
            rc = (copy = strdup(name)) ? add_name(out, copy, S_ISDIR(st.st_mode)) : -ENOMEM;
    }
    free(path);
    return rc;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct repo_file *)a)->name, ((const struct repo_file *)b)->name);
}

static int compare_dirs(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int mxfs_repo_list(const struct repo_walk *walk, const char *path, struct repo_listing *out,
                   struct mxfs_error *err)
{
    DIR *d = opendir(path);
    struct dirent *e;
    int rc = 0;

    memset(out, 0, sizeof(*out));
    if (!d)
        return mxfs_fail(err, MXFS_EXIT_SOURCE, errno, "%s: %s", path, strerror(errno));
    while (rc == 0 && (e = readdir(d))) {
        if (!is_skipped(e->d_name))
            rc = consider(walk, path, e->d_name, out);
    }
    closedir(d);
    if (rc != 0) {
        mxfs_repo_listing_fini(out);
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc, "%s: %s", path, strerror(-rc));
    }
    if (out->file_count > 1)
        qsort(out->files, out->file_count, sizeof(*out->files), compare_files);
    if (out->dir_count > 1)
        qsort(out->dirs, out->dir_count, sizeof(*out->dirs), compare_dirs);
    return 0;
}

void mxfs_repo_listing_fini(struct repo_listing *listing)
{
    for (size_t i = 0; i < listing->file_count; i++)
        free(listing->files[i].name);
    for (size_t i = 0; i < listing->dir_count; i++)
        free(listing->dirs[i]);
    free(listing->files);
    free(listing->dirs);
    memset(listing, 0, sizeof(*listing));
}
