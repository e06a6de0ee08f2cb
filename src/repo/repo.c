/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a repository. All decisions about its files are made here, before any is shown.
 */
#include "mxfs/repo.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "mxfs/array.h"
#include "mxfs/path.h"
#include "mxfs/rights.h"
#include "mxfs/vfile.h"

static void close_entry(struct mxfs_entry *e)
{
    switch (e->kind) {
    case MXFS_ENTRY_TEXT:
        free(e->text.data);
        break;
    case MXFS_ENTRY_RAW:
        mxfs_source_close(&e->source);
        break;
    case MXFS_ENTRY_FOLDER:
    case MXFS_ENTRY_VIRTUAL:
        break; /* plans belong to their folder, folders to the repository */
    }
    free(e->name);
}

static void close_folder(struct mxfs_folder *f)
{
    for (size_t i = 0; i < f->count; i++)
        close_entry(&f->entries[i]);
    for (size_t i = 0; i < f->plan_count; i++) {
        mxfs_plan_fini(f->plans[i]);
        free(f->plans[i]);
    }
    for (size_t i = 0; i < f->model_count; i++) {
        mxfs_model_close(f->models[i]);
        free(f->models[i]);
    }
    free(f->entries);
    free(f->plans);
    free(f->models);
    free(f->path);
    free(f);
}

void mxfs_repo_close(struct mxfs_repo *repo)
{
    for (size_t i = 0; i < repo->file_count; i++)
        free(repo->files[i].path);
    free(repo->files);
    for (size_t i = 0; i < repo->folder_count; i++)
        close_folder(repo->folders[i]);
    free(repo->folders);
    memset(repo, 0, sizeof(*repo));
}

/* Appends a folder, which takes ownership of `path`. Returns NULL when out of memory. */
static struct mxfs_folder *add_folder(struct mxfs_repo *repo, char *path)
{
    struct mxfs_folder **folders =
        mxfs_array_grow(repo->folders, repo->folder_count + 1, &repo->folder_capacity,
                        sizeof(struct mxfs_folder *));
    struct mxfs_folder *f = folders ? calloc(1, sizeof(*f)) : NULL;

    if (folders)
        repo->folders = folders;
    if (!f || !path) {
        free(f);
        free(path);
        return NULL;
    }
    repo->folders[repo->folder_count++] = f;
    const char *root = repo->folders[0] == f ? path : repo->folders[0]->path;
    f->path = path;
    f->below = f == repo->folders[0] ? "" : path + strlen(root) - (strcmp(root, "/") == 0);
    return f;
}

/* Appends an empty entry for the caller to fill. Returns NULL when out of memory. */
static struct mxfs_entry *add_entry(struct mxfs_folder *f, const char *name,
                                    enum mxfs_entry_kind kind)
{
    struct mxfs_entry *entries =
        mxfs_array_grow(f->entries, f->count + 1, &f->capacity, sizeof(*entries));

    if (!entries)
        return NULL;
    f->entries = entries;
    struct mxfs_entry *e = &entries[f->count];
    memset(e, 0, sizeof(*e));
    e->name = strdup(name);
    e->kind = kind;
    if (!e->name)
        return NULL;
    if (kind == MXFS_ENTRY_RAW)
        e->source.fd = -1;
    f->count++;
    return e;
}

static struct mxfs_plan *plan_of(const struct mxfs_folder *f, const char *name)
{
    for (size_t low = 0, high = f->plan_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int c = strcmp(repo_plan_name(f->plans[middle]), name);
        if (c == 0)
            return f->plans[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int add_raw_file(const struct repo_walk *walk, struct mxfs_folder *f, const char *name,
                        struct mxfs_error *err)
{
    char *path = mxfs_path_join(f->path, name);
    struct mxfs_entry *e = path ? add_entry(f, name, MXFS_ENTRY_RAW) : NULL;
    int rc = e ? mxfs_source_open(&e->source, path, walk->choices->reach, err)
               : mxfs_fail_memory(err, f->path);

    free(path);
    return rc;
}

static int add_virtual_file(struct mxfs_folder *f, const char *name, struct mxfs_error *err)
{
    struct mxfs_entry *e = add_entry(f, name, MXFS_ENTRY_VIRTUAL);

    if (!e)
        return mxfs_fail_memory(err, f->path);
    e->plan = plan_of(f, name);
    return 0;
}

static int add_file(const struct repo_walk *walk, struct mxfs_folder *f,
                    const struct repo_file *file, struct mxfs_error *err)
{
    struct mxfs_entry edited = {0};
    bool hide = false;

    if (file->claimed)
        return add_virtual_file(f, file->name, err);
    int rc = repo_edit(f, walk->choices->reach, file->name, &edited, &hide, err);
    if (rc != 0 || hide || file->hidden)
        return rc;
    if (!edited.text.data)
        return add_raw_file(walk, f, file->name, err);
    struct mxfs_entry *e = add_entry(f, file->name, MXFS_ENTRY_TEXT);
    if (!e) {
        free(edited.text.data);
        return mxfs_fail_memory(err, f->path);
    }
    e->text = edited.text;
    return 0;
}

static int open_folder(struct repo_walk *walk, struct mxfs_folder *f, bool untouched,
                       struct mxfs_error *err);

/*
 * gpt-oss ships a second copy of its weights in original/, under OpenAI's names. The only program
 * that reads these expects the packed tensors, so that folder is passed through.
 */
static bool stays_untouched(const char *name)
{
    return strcmp(name, "original") == 0;
}

static int add_subfolder(struct repo_walk *walk, struct mxfs_folder *f, const char *name,
                         bool untouched, struct mxfs_error *err)
{
    struct mxfs_folder *sub = add_folder(walk->repo, mxfs_path_join(f->path, name));
    struct mxfs_entry *e = sub ? add_entry(f, name, MXFS_ENTRY_FOLDER) : NULL;

    if (!e)
        return mxfs_fail_memory(err, f->path);
    e->folder = sub;
    return open_folder(walk, sub, untouched || stays_untouched(name), err);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct mxfs_entry *)a)->name, ((const struct mxfs_entry *)b)->name);
}

static int fill_folder(struct repo_walk *walk, struct mxfs_folder *f, struct repo_listing *l,
                       bool untouched, struct mxfs_error *err)
{
    int rc = untouched ? 0 : repo_open_models(f, l, walk->choices, err);

    for (size_t i = 0; i < l->file_count && rc == 0; i++)
        rc = untouched ? add_raw_file(walk, f, l->files[i].name, err)
                       : add_file(walk, f, &l->files[i], err);
    for (size_t i = 0; i < l->dir_count && rc == 0; i++)
        rc = add_subfolder(walk, f, l->dirs[i], untouched, err);
    if (f->count > 1)
        qsort(f->entries, f->count, sizeof(*f->entries), compare_entries);
    return rc;
}

/* Whether the folder is one of those above it, reached through a link. */
static bool leads_back(const struct repo_walk *walk, const struct stat *st)
{
    for (unsigned i = 0; i < walk->depth; i++) {
        if (walk->dev[i] == st->st_dev && walk->ino[i] == st->st_ino)
            return true;
    }
    return false;
}

/* A folder that is nested too deep, or leads back to one above it, stays empty. */
static int open_folder(struct repo_walk *walk, struct mxfs_folder *f, bool untouched,
                       struct mxfs_error *err)
{
    struct repo_listing listing;
    int rc = mxfs_rights_stat(f->path, &f->st);

    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_SOURCE, -rc, "%s: %s", f->path, strerror(-rc));
    if (walk->depth == REPO_DEPTH_MAX || leads_back(walk, &f->st))
        return 0;
    rc = repo_list(&listing, f->path, walk->choices->reach, err);
    if (rc != 0)
        return rc;
    walk->dev[walk->depth] = f->st.st_dev;
    walk->ino[walk->depth++] = f->st.st_ino;
    rc = fill_folder(walk, f, &listing, untouched, err);
    walk->depth--;
    repo_listing_fini(&listing);
    return rc;
}

/*
 * Sets *out to the path of the snapshot that refs/main of a Hugging Face cache folder names (caller
 * frees), or to NULL if `path` is not such a folder.
 */
static int find_snapshot(const char *path, char **out, struct mxfs_error *err)
{
    char *ref = mxfs_path_join(path, "refs/main"), *text = NULL, *dir = NULL;
    size_t len;
    struct stat st;
    int rc = 0;

    *out = NULL;
    if (ref && strncmp(mxfs_path_basename(path), "models--", 8) == 0 && stat(ref, &st) == 0) {
        rc = mxfs_source_slurp(ref, NULL, 256, &text, &len, err);
        if (rc == 0) {
            text[strcspn(text, "\r\n ")] = '\0';
            dir = mxfs_path_join(path, "snapshots");
            if (!mxfs_path_is_plain_name(text))
                rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: does not name a snapshot",
                               ref);
            else
                *out = dir ? mxfs_path_join(dir, text) : NULL;
        }
    }
    free(dir);
    free(text);
    free(ref);
    return rc;
}

/*
 * The folder of blobs, if `path` (resolved) is a snapshot in a Hugging Face cache or a folder below
 * one; else NULL.
 */
static char *find_blobs(const char *path)
{
    static const char snapshots[] = "/snapshots/";
    const char *at = strstr(path, snapshots), *next;

    while (at && (next = strstr(at + 1, snapshots)))
        at = next;
    char *cache = at ? strndup(path, (size_t)(at - path)) : NULL;
    char *blobs = cache ? mxfs_path_join(cache, "blobs") : NULL;
    char *resolved = blobs ? realpath(blobs, NULL) : NULL;
    free(blobs);
    free(cache);
    return resolved;
}

/* Confines a source to the folder at `path` and, for a snapshot, to the blobs of its cache. */
static void confine(struct mxfs_choices *choices, struct mxfs_reach *reach, const char *path)
{
    if (!choices->confined)
        return;
    reach->inside[0] = realpath(path, NULL);
    reach->inside[1] = reach->inside[0] ? find_blobs(reach->inside[0]) : NULL;
    choices->reach = reach;
}

static int open_directory(struct mxfs_repo *repo, const char *path,
                          const struct mxfs_choices *choices, struct mxfs_error *err)
{
    struct mxfs_choices own = *choices;
    struct repo_walk walk = {.repo = repo, .choices = &own};
    struct mxfs_reach reach = {0};
    char *snapshot;

    int rc = find_snapshot(path, &snapshot, err);
    if (rc != 0)
        return rc;
    struct mxfs_folder *root = add_folder(repo, snapshot ? snapshot : strdup(path));
    if (!root)
        return mxfs_fail_memory(err, path);
    confine(&own, &reach, root->path);
    rc = open_folder(&walk, root, false, err);
    mxfs_reach_fini(&reach);
    return rc;
}

/* A file is shown as a folder with one entry. */
static int open_file(struct mxfs_repo *repo, const char *path, const struct mxfs_choices *choices,
                     struct mxfs_error *err)
{
    struct mxfs_choices own = *choices;
    struct mxfs_reach reach = {0};
    struct mxfs_folder *f = add_folder(repo, mxfs_path_dirname(path));

    repo->is_file = true;
    if (!f)
        return mxfs_fail_memory(err, path);
    confine(&own, &reach, f->path);
    int rc = repo_open_named(f, path, &own, err);
    mxfs_reach_fini(&reach);
    if (rc != 0)
        return rc;
    f->st = f->models[0]->shards[f->models[0]->main].source.st;
    return add_virtual_file(f, mxfs_path_basename(path), err);
}

/* Lists the virtual files of all folders. */
static int list_files(struct mxfs_repo *repo, const char *path, struct mxfs_error *err)
{
    size_t total = 0;

    for (size_t i = 0; i < repo->folder_count; i++)
        total += repo->folders[i]->plan_count;
    if (total == 0)
        return mxfs_fail(err, MXFS_EXIT_SOURCE, ENOENT,
                         "%s: no *.safetensors file in this folder or below it", path);
    repo->files = calloc(total, sizeof(*repo->files));
    if (!repo->files)
        return mxfs_fail_memory(err, path);
    for (size_t i = 0; i < repo->folder_count; i++) {
        const struct mxfs_folder *f = repo->folders[i];
        for (size_t p = 0; p < f->plan_count; p++) {
            const char *below = f->below[0] ? f->below + 1 : "",
                       *name = repo_plan_name(f->plans[p]);
            char *file = f->below[0] ? mxfs_path_join(below, name) : strdup(name);
            if (!file)
                return mxfs_fail_memory(err, path);
            repo->files[repo->file_count++] = (struct mxfs_file){f->plans[p], f, file};
        }
    }
    return 0;
}

int mxfs_repo_open(struct mxfs_repo *repo, const char *path, const struct mxfs_choices *choices,
                   struct mxfs_error *err)
{
    struct stat st;

    memset(repo, 0, sizeof(*repo));
    bool directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int rc = (directory ? open_directory : open_file)(repo, path, choices, err);
    if (rc == 0)
        rc = list_files(repo, path, err);
    if (rc != 0)
        mxfs_repo_close(repo);
    return rc;
}
