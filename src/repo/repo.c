/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a repository: everything is decided here, before anything is shown.
 */
#include "mxfs/repo.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "mxfs/path.h"
#include "mxfs/rights.h"
#include "mxfs/vfile.h"

static int out_of_memory(const char *path, struct mxfs_error *err)
{
    return mxfs_fail_memory(err, path);
}

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
        break; /* the folder owns plans; folders are closed on their own */
    }
    free(e->name);
}

static void close_folder(struct mxfs_folder *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->entries[i].kind == MXFS_ENTRY_FOLDER) {
            close_folder(f->entries[i].folder);
            free(f->entries[i].folder);
        }
        close_entry(&f->entries[i]);
    }
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
    memset(f, 0, sizeof(*f));
}

void mxfs_repo_close(struct mxfs_repo *repo)
{
    close_folder(&repo->root);
    memset(repo, 0, sizeof(*repo));
}

/* Adds an empty entry; its content may be filled after. NULL when out of memory. */
static struct mxfs_entry *add_entry(struct mxfs_folder *f, const char *name,
                                    enum mxfs_entry_kind kind)
{
    if (mxfs_repo_grow((void **)&f->entries, f->count, sizeof(*f->entries)) != 0)
        return NULL;
    struct mxfs_entry *e = &f->entries[f->count];
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
    for (size_t i = 0; i < f->plan_count; i++) {
        const struct mxfs_plan *p = f->plans[i];
        if (strcmp(mxfs_path_basename(mxfs_plan_source(p)->path), name) == 0)
            return f->plans[i];
    }
    return NULL;
}

static int add_raw_file(const struct repo_walk *walk, struct mxfs_folder *f, const char *name,
                        struct mxfs_error *err)
{
    char *path = mxfs_path_join(f->path, name);
    struct mxfs_entry *e = path ? add_entry(f, name, MXFS_ENTRY_RAW) : NULL;
    int rc = e ? mxfs_source_open(&e->source, path, walk->options->model.reach, err)
               : out_of_memory(f->path, err);

    free(path);
    return rc;
}

static int add_file(const struct repo_walk *walk, struct mxfs_folder *f,
                    const struct repo_file *file, bool untouched, struct mxfs_error *err)
{
    struct mxfs_entry edited = {0};
    bool hide = false;

    if (untouched)
        return add_raw_file(walk, f, file->name, err);
    if (file->claimed) {
        struct mxfs_entry *e = add_entry(f, file->name, MXFS_ENTRY_VIRTUAL);
        if (!e)
            return out_of_memory(f->path, err);
        e->plan = plan_of(f, file->name);
        return 0;
    }
    int rc = mxfs_repo_edit(f, walk->options->model.reach, file->name, &edited, &hide, err);
    if (rc != 0 || hide || file->hidden)
        return rc;
    if (!edited.text.data)
        return add_raw_file(walk, f, file->name, err);
    struct mxfs_entry *e = add_entry(f, file->name, MXFS_ENTRY_TEXT);
    if (!e) {
        free(edited.text.data);
        return out_of_memory(f->path, err);
    }
    e->text = edited.text;
    return 0;
}

static int open_folder(struct repo_walk *walk, struct mxfs_folder *f, char *path, bool untouched,
                       struct mxfs_error *err);

/*
 * gpt-oss ships the same weights once more in original/, in OpenAI's names. Their only reader wants
 * the packed tensors, so that folder is passed through.
 */
static bool stays_untouched(const char *name)
{
    return strcmp(name, "original") == 0;
}

static int add_folder(struct repo_walk *walk, struct mxfs_folder *f, const char *name,
                      bool untouched, struct mxfs_error *err)
{
    char *path = mxfs_path_join(f->path, name);
    struct mxfs_entry *e = path ? add_entry(f, name, MXFS_ENTRY_FOLDER) : NULL;

    if (!e || !(e->folder = calloc(1, sizeof(*e->folder)))) {
        f->count -= e != NULL; /* no folder to close */
        free(e ? e->name : NULL);
        free(path);
        return out_of_memory(f->path, err);
    }
    return open_folder(walk, e->folder, path, untouched || stays_untouched(name), err);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct mxfs_entry *)a)->name, ((const struct mxfs_entry *)b)->name);
}

static int fill_folder(struct repo_walk *walk, struct mxfs_folder *f, struct repo_listing *l,
                       bool untouched, struct mxfs_error *err)
{
    int rc = untouched ? 0 : mxfs_repo_open_models(walk, f, l, err);

    for (size_t i = 0; i < l->file_count && rc == 0; i++)
        rc = add_file(walk, f, &l->files[i], untouched, err);
    for (size_t i = 0; i < l->dir_count && rc == 0; i++)
        rc = add_folder(walk, f, l->dirs[i], untouched, err);
    if (f->count > 1)
        qsort(f->entries, f->count, sizeof(*f->entries), compare_entries);
    return rc;
}

/* Whether the folder is one of those above it, come upon through a link. */
static bool leads_back(const struct repo_walk *walk, const struct stat *st)
{
    for (unsigned i = 0; i < walk->depth; i++) {
        if (walk->dev[i] == st->st_dev && walk->ino[i] == st->st_ino)
            return true;
    }
    return false;
}

/* Takes `path` over. A folder that is too deep or leads back stays empty. */
static int open_folder(struct repo_walk *walk, struct mxfs_folder *f, char *path, bool untouched,
                       struct mxfs_error *err)
{
    struct repo_listing listing;

    f->path = path;
    int rc = mxfs_rights_stat(path, &f->st);
    if (rc != 0)
        return mxfs_fail(err, MXFS_EXIT_SOURCE, -rc, "%s: %s", path, strerror(-rc));
    if (walk->depth == MXFS_COUNT(walk->dev) || leads_back(walk, &f->st))
        return 0;
    rc = mxfs_repo_list(walk, path, &listing, err);
    if (rc != 0)
        return rc;
    walk->dev[walk->depth] = f->st.st_dev;
    walk->ino[walk->depth++] = f->st.st_ino;
    rc = fill_folder(walk, f, &listing, untouched, err);
    walk->depth--;
    mxfs_repo_listing_fini(&listing);
    return rc;
}

/* refs/main of a Hugging Face cache folder names the snapshot. *out is a new path, or NULL when it
 * is no such folder. */
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
                rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: names no snapshot", ref);
            else
                *out = dir ? mxfs_path_join(dir, text) : NULL;
        }
    }
    free(dir);
    free(text);
    free(ref);
    return rc;
}

/* The blobs of the Hugging Face cache that a folder (resolved) is a snapshot in, or a folder of
 * one; NULL when it is none. */
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

/* Confined to the folder at `path` and, for a snapshot, its cache's blobs. */
static void confine(struct mxfs_model_options *model, struct mxfs_reach *reach, const char *path)
{
    reach->inside[0] = realpath(path, NULL);
    reach->inside[1] = reach->inside[0] ? find_blobs(reach->inside[0]) : NULL;
    model->reach = reach;
}

static int count_plans(void *data, struct mxfs_folder *folder)
{
    *(size_t *)data += folder->plan_count;
    return 0;
}

static int open_directory(struct mxfs_repo *repo, const char *path,
                          const struct mxfs_repo_options *options, struct mxfs_error *err)
{
    struct mxfs_repo_options own = *options;
    struct repo_walk walk = {.options = &own};
    struct mxfs_reach reach = {0};
    char *snapshot;
    size_t files = 0;

    int rc = find_snapshot(path, &snapshot, err);
    if (rc != 0)
        return rc;
    char *root = snapshot ? snapshot : strdup(path);
    if (!root)
        return out_of_memory(path, err);
    mxfs_source_raise_limit();
    if (options->confined)
        confine(&own.model, &reach, root);
    rc = open_folder(&walk, &repo->root, root, false, err);
    mxfs_reach_fini(&reach);
    mxfs_repo_visit(&repo->root, count_plans, &files);
    if (rc == 0 && files == 0)
        rc = mxfs_fail(err, MXFS_EXIT_SOURCE, ENOENT,
                       "%s: no *.safetensors file here or in a folder below", path);
    return rc;
}

/* One file is a folder with one entry. */
static int open_file(struct mxfs_repo *repo, const char *path,
                     const struct mxfs_repo_options *options, struct mxfs_error *err)
{
    struct mxfs_folder *f = &repo->root;
    struct mxfs_entry *e = add_entry(f, mxfs_path_basename(path), MXFS_ENTRY_VIRTUAL);
    struct mxfs_model_options model = options->model;
    struct mxfs_reach reach = {0};

    repo->is_file = true;
    f->path = mxfs_path_dirname(path);
    f->models = calloc(1, sizeof(*f->models));
    f->plans = calloc(1, sizeof(*f->plans));
    if (!e || !f->path || !f->models || !f->plans)
        return out_of_memory(path, err);
    f->models[0] = calloc(1, sizeof(**f->models));
    f->plans[0] = calloc(1, sizeof(**f->plans));
    f->model_count = f->models[0] != NULL;
    f->plan_count = f->plans[0] != NULL;
    if (!f->models[0] || !f->plans[0])
        return out_of_memory(path, err);
    if (options->confined)
        confine(&model, &reach, f->path);
    int rc = mxfs_model_open_file(f->models[0], path, &model, err);
    mxfs_reach_fini(&reach);
    if (rc == 0)
        rc = mxfs_plan_init(f->plans[0], f->models[0], f->models[0]->main, err);
    e->plan = f->plans[0];
    if (rc == 0)
        f->st = f->models[0]->shards[f->models[0]->main].source.st;
    return rc;
}

struct mxfs_repo_options mxfs_repo_options_of(const struct mxfs_options *options)
{
    static const int outs[] = {-1, MXFS_OUT_BF16, MXFS_OUT_F16, MXFS_OUT_F32};

    return (struct mxfs_repo_options){
        .model = {.out = outs[options->dtype],
                  .unit_max = mxfs_vfile_unit_max(options->cache_size),
                  .only = options->only,
                  .schemes = options->scheme,
                  .partial = options->partial || options->command == MXFS_COMMAND_LIST},
        .confined = options->allow_other && !options->follow_symlinks,
    };
}

int mxfs_repo_open(struct mxfs_repo *repo, const char *path,
                   const struct mxfs_repo_options *options, struct mxfs_error *err)
{
    struct stat st;

    memset(repo, 0, sizeof(*repo));
    bool directory = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int rc = (directory ? open_directory : open_file)(repo, path, options, err);
    if (rc != 0)
        mxfs_repo_close(repo);
    return rc;
}

int mxfs_repo_visit(struct mxfs_folder *folder,
                    int (*visit)(void *data, struct mxfs_folder *folder), void *data)
{
    int rc = visit(data, folder);

    for (size_t i = 0; i < folder->count && rc == 0; i++) {
        if (folder->entries[i].kind == MXFS_ENTRY_FOLDER)
            rc = mxfs_repo_visit(folder->entries[i].folder, visit, data);
    }
    return rc;
}

char *mxfs_repo_file(const struct mxfs_repo *repo, const struct mxfs_folder *folder,
                     const struct mxfs_plan *plan)
{
    const char *file = mxfs_path_basename(mxfs_plan_source(plan)->path);
    const char *below = folder->path + strlen(repo->root.path);

    while (*below == '/')
        below++;
    return *below ? mxfs_path_join(below, file) : strdup(file);
}
