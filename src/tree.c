/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The tree of a mount. Files in a view are not objects: inode 16 + 2*i + v is output i (in name
 * order) in view v, and names are computed, but for those that are cut and end in a hash.
 */
#include "mxfs/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/bytes.h"

enum { VIEW_TENSORS, VIEW_NPY, VIEWS };

enum {
    INODE_FILE = 2,
    INODE_VIEW = 3, /* + view */
    INODE_OUTPUT = 16,
    BLOCK_SIZE = 1 << 20, /* what cp, cat and Python read at a time */
};

static const struct {
    const char *name;
    const char *ext;
} views[VIEWS] = {{"tensors", ""}, {"npy", ".npy"}};

/* A cut file name and the output (position by name) that it stands for. */
struct cut_name {
    char *file;
    uint32_t place;
};

struct mxfs_tree {
    const struct mxfs_plan *plan;
    const struct mxfs_vfile_env *env;
    char *file_name;
    bool shown[VIEWS];
    struct cut_name *cut[VIEWS]; /* sorted by file name */
    size_t cut_count[VIEWS];
    struct stat base; /* owner, permissions (as for a file), times */
};

static const struct mxfs_output *output_at(const struct mxfs_tree *t, uint64_t place)
{
    return &t->plan->outputs[t->plan->by_name[place]];
}

static size_t file_name_of(const struct mxfs_tree *t, unsigned view, uint64_t place,
                           char out[MXFS_FILE_NAME_SIZE])
{
    struct mxfs_output_info o = mxfs_output_info(output_at(t, place));
    return mxfs_name_to_file(out, o.name, o.name_len, views[view].ext);
}

/* Whether the view has a file for this output: NumPy knows no 4- and 6-bit types. */
static bool is_shown(const struct mxfs_tree *t, unsigned view, uint64_t place)
{
    return view == VIEW_TENSORS || mxfs_vfile_npy_size(output_at(t, place)) > 0;
}

static int compare_cut(const void *a, const void *b)
{
    return strcmp(((const struct cut_name *)a)->file, ((const struct cut_name *)b)->file);
}

static int add_cut_name(struct mxfs_tree *t, unsigned view, size_t *capacity, const char *file,
                        uint32_t place)
{
    if (t->cut_count[view] == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        struct cut_name *grown = realloc(t->cut[view], *capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        t->cut[view] = grown;
    }
    char *copy = strdup(file);
    if (!copy)
        return -ENOMEM;
    t->cut[view][t->cut_count[view]++] = (struct cut_name){copy, place};
    return 0;
}

/* Collects the names of a view that cannot be turned back; only long ones can be such. */
static int collect_cut_names(struct mxfs_tree *t, unsigned view, struct mxfs_error *err)
{
    char file[MXFS_FILE_NAME_SIZE];
    size_t capacity = 0;
    int rc = 0;

    for (size_t i = 0; i < t->plan->count && rc == 0; i++) {
        struct mxfs_output_info o = mxfs_output_info(output_at(t, i));
        /* Three bytes for each is the most that escaping makes of a name. */
        if (o.name_len * 3 + strlen(views[view].ext) < MXFS_FILE_NAME_SIZE || !is_shown(t, view, i))
            continue;
        file_name_of(t, view, i, file);
        if (strchr(file, '~'))
            rc = add_cut_name(t, view, &capacity, file, (uint32_t)i);
    }
    if (t->cut_count[view] > 1)
        qsort(t->cut[view], t->cut_count[view], sizeof(*t->cut[view]), compare_cut);
    for (size_t i = 1; i < t->cut_count[view] && rc == 0; i++) {
        if (compare_cut(&t->cut[view][i - 1], &t->cut[view][i]) == 0)
            rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL,
                           "%s: two tensor names map to the file name %s", t->file_name,
                           t->cut[view][i].file);
    }
    return rc;
}

static void set_base(struct mxfs_tree *t, bool source_permissions)
{
    const struct stat *src = &t->plan->model->shards[t->plan->shard].source.st;

    t->base.st_uid = source_permissions ? src->st_uid : geteuid();
    t->base.st_gid = source_permissions ? src->st_gid : getegid();
    t->base.st_mode = source_permissions ? src->st_mode & 0444 : 0444;
    t->base.st_mtim = t->base.st_ctim = t->base.st_atim = src->st_mtim;
}

int mxfs_tree_new(struct mxfs_tree **out, const struct mxfs_plan *plan,
                  const struct mxfs_vfile_env *env, const struct mxfs_tree_options *options,
                  struct mxfs_error *err)
{
    struct mxfs_tree *t = calloc(1, sizeof(*t));
    int rc = t && (t->file_name = strdup(options->file_name)) ? 0 : -ENOMEM;

    *out = NULL;
    if (rc == 0) {
        t->plan = plan;
        t->env = env;
        t->shown[VIEW_TENSORS] = options->tensors;
        t->shown[VIEW_NPY] = options->npy;
        set_base(t, options->source_permissions);
    }
    for (unsigned v = 0; v < VIEWS && rc == 0; v++) {
        if (!t->shown[v])
            continue;
        if (strcmp(t->file_name, views[v].name) == 0)
            rc = mxfs_fail(err, MXFS_EXIT_USAGE, EEXIST,
                           "%s: the file has the name of the view %s/; use --views=none",
                           t->file_name, views[v].name);
        else
            rc = collect_cut_names(t, v, err);
    }
    if (rc == -ENOMEM)
        mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "out of memory");
    if (rc == 0)
        *out = t;
    else
        mxfs_tree_free(t);
    return rc;
}

void mxfs_tree_free(struct mxfs_tree *tree)
{
    if (!tree)
        return;
    for (unsigned v = 0; v < VIEWS; v++) {
        for (size_t i = 0; i < tree->cut_count[v]; i++)
            free(tree->cut[v][i].file);
        free(tree->cut[v]);
    }
    free(tree->file_name);
    free(tree);
}

static void fill_file(const struct mxfs_tree *t, uint64_t ino, uint64_t size, struct stat *st)
{
    *st = t->base;
    st->st_ino = ino;
    st->st_mode |= S_IFREG;
    st->st_nlink = 1;
    st->st_size = (off_t)size;
    st->st_blksize = BLOCK_SIZE;
    st->st_blocks = (blkcnt_t)mxfs_ceil_div(size, 512);
}

static void fill_dir(const struct mxfs_tree *t, uint64_t ino, struct stat *st)
{
    *st = t->base;
    st->st_ino = ino;
    /* Who may read a directory may enter it. */
    st->st_mode |= S_IFDIR | (t->base.st_mode & 0444) >> 2;
    st->st_nlink = 2;
    if (ino == MXFS_ROOT_INODE)
        st->st_nlink += (nlink_t)(t->shown[VIEW_TENSORS] + t->shown[VIEW_NPY]);
    st->st_blksize = BLOCK_SIZE;
}

/* What an inode number stands for. */
struct place {
    enum { PLACE_NONE, PLACE_ROOT, PLACE_FILE, PLACE_VIEW, PLACE_OUTPUT } kind;
    unsigned view;
    uint64_t output; /* position by name */
};

static struct place place_of(const struct mxfs_tree *t, uint64_t ino)
{
    struct place p = {PLACE_NONE, 0, 0};

    if (ino == MXFS_ROOT_INODE) {
        p.kind = PLACE_ROOT;
    } else if (ino == INODE_FILE) {
        p.kind = PLACE_FILE;
    } else if (ino >= INODE_VIEW && ino < INODE_VIEW + VIEWS) {
        p.view = (unsigned)(ino - INODE_VIEW);
        if (t->shown[p.view])
            p.kind = PLACE_VIEW;
    } else if (ino >= INODE_OUTPUT) {
        p.view = (ino - INODE_OUTPUT) % VIEWS;
        p.output = (ino - INODE_OUTPUT) / VIEWS;
        if (t->shown[p.view] && p.output < t->plan->count && is_shown(t, p.view, p.output))
            p.kind = PLACE_OUTPUT;
    }
    return p;
}

static uint64_t output_inode(unsigned view, uint64_t place)
{
    return INODE_OUTPUT + place * VIEWS + view;
}

static uint64_t output_size(const struct mxfs_tree *t, unsigned view, uint64_t place)
{
    const struct mxfs_output *o = output_at(t, place);
    return view == VIEW_NPY ? mxfs_vfile_npy_size(o) : mxfs_output_info(o).size;
}

int mxfs_tree_getattr(const struct mxfs_tree *tree, uint64_t ino, struct stat *st)
{
    struct place p = place_of(tree, ino);

    switch (p.kind) {
    case PLACE_NONE:
        return -ENOENT;
    case PLACE_FILE:
        fill_file(tree, ino, tree->plan->size, st);
        return 0;
    case PLACE_OUTPUT:
        fill_file(tree, ino, output_size(tree, p.view, p.output), st);
        return 0;
    default:
        fill_dir(tree, ino, st);
        return 0;
    }
}

static int lookup_in_root(const struct mxfs_tree *t, const char *name, struct stat *st)
{
    if (strcmp(name, t->file_name) == 0)
        return mxfs_tree_getattr(t, INODE_FILE, st);
    for (unsigned v = 0; v < VIEWS; v++) {
        if (t->shown[v] && strcmp(name, views[v].name) == 0)
            return mxfs_tree_getattr(t, INODE_VIEW + v, st);
    }
    return -ENOENT;
}

static int lookup_in_view(const struct mxfs_tree *t, unsigned view, const char *file,
                          struct stat *st)
{
    char name[MXFS_FILE_NAME_SIZE];
    size_t len, place = MXFS_NOT_FOUND;
    bool hashed;

    if (strlen(file) >= sizeof(name))
        return -ENOENT;
    if (mxfs_name_from_file(name, &len, &hashed, file, views[view].ext)) {
        place = mxfs_plan_find(t->plan, name, len);
    } else if (hashed && t->cut_count[view] > 0) {
        const struct cut_name key = {(char *)file, 0};
        const struct cut_name *found =
            bsearch(&key, t->cut[view], t->cut_count[view], sizeof(*t->cut[view]), compare_cut);
        place = found ? found->place : MXFS_NOT_FOUND;
    }
    return place == MXFS_NOT_FOUND ? -ENOENT : mxfs_tree_getattr(t, output_inode(view, place), st);
}

int mxfs_tree_lookup(const struct mxfs_tree *tree, uint64_t parent, const char *name,
                     struct stat *st)
{
    struct place p = place_of(tree, parent);

    if (strcmp(name, ".") == 0)
        return mxfs_tree_getattr(tree, parent, st);
    if (p.kind == PLACE_NONE)
        return -ENOENT;
    if (strcmp(name, "..") == 0)
        return mxfs_tree_getattr(
            tree, p.kind == PLACE_OUTPUT ? (uint64_t)INODE_VIEW + p.view : MXFS_ROOT_INODE, st);
    if (p.kind == PLACE_ROOT)
        return lookup_in_root(tree, name, st);
    return p.kind == PLACE_VIEW ? lookup_in_view(tree, p.view, name, st) : -ENOTDIR;
}

/* Entry `index` of the root, after "." and "..". */
static int root_entry(const struct mxfs_tree *t, uint64_t index, char *name, struct stat *st)
{
    if (index == 0) {
        memcpy(name, t->file_name, strlen(t->file_name) + 1);
        return mxfs_tree_getattr(t, INODE_FILE, st) == 0;
    }
    for (unsigned v = 0, at = 1; v < VIEWS; v++) {
        if (t->shown[v] && at++ == index) {
            memcpy(name, views[v].name, strlen(views[v].name) + 1);
            return mxfs_tree_getattr(t, INODE_VIEW + v, st) == 0;
        }
    }
    return 0;
}

int mxfs_tree_next(const struct mxfs_tree *tree, uint64_t dir, uint64_t *cookie,
                   char name[MXFS_FILE_NAME_SIZE], struct stat *st)
{
    struct place p = place_of(tree, dir);

    if (p.kind != PLACE_ROOT && p.kind != PLACE_VIEW)
        return p.kind == PLACE_NONE ? -ENOENT : -ENOTDIR;
    uint64_t at = (*cookie)++;
    if (at < 2) {
        memcpy(name, "..", 3);
        name[at + 1] = '\0';
        return mxfs_tree_getattr(tree, at == 0 ? dir : MXFS_ROOT_INODE, st) == 0;
    }
    at -= 2;
    if (p.kind == PLACE_ROOT)
        return root_entry(tree, at, name, st);
    while (at < tree->plan->count && !is_shown(tree, p.view, at)) {
        at++;
        (*cookie)++;
    }
    if (at >= tree->plan->count)
        return 0;
    file_name_of(tree, p.view, at, name);
    return mxfs_tree_getattr(tree, output_inode(p.view, at), st) == 0;
}

ssize_t mxfs_tree_read(const struct mxfs_tree *tree, uint64_t ino, struct mxfs_scratch *scratch,
                       void *buf, size_t len, uint64_t offset)
{
    struct place p = place_of(tree, ino);

    if (p.kind == PLACE_FILE)
        return mxfs_vfile_read(tree->env, scratch, tree->plan, buf, len, offset);
    if (p.kind != PLACE_OUTPUT)
        return p.kind == PLACE_NONE ? -ENOENT : -EISDIR;
    return (p.view == VIEW_NPY ? mxfs_vfile_read_npy : mxfs_vfile_read_output)(
        tree->env, scratch, tree->plan, output_at(tree, p.output), buf, len, offset);
}

void mxfs_tree_statfs(const struct mxfs_tree *tree, struct statvfs *out)
{
    memset(out, 0, sizeof(*out));
    out->f_bsize = BLOCK_SIZE;
    out->f_frsize = 512;
    out->f_blocks = mxfs_ceil_div(tree->plan->size, 512);
    out->f_files = 1 + tree->plan->count * (tree->shown[VIEW_TENSORS] + tree->shown[VIEW_NPY]);
    out->f_namemax = MXFS_FILE_NAME_SIZE - 1;
}
