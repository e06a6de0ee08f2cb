/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The tree of a mount: an array of nodes, the children of a folder side by side and sorted by name.
 * Node i is inode i + 1. The files of views follow in ranges of their own, one for each view.
 */
#include "mxfs/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/bytes.h"
#include "view.h"

enum { BLOCK_SIZE = 1 << 20 /* what cp, cat and Python read at a time */ };

/* A folder, a view or a file; files of views are no nodes. */
struct node {
    const char *name;
    size_t parent;
    size_t first_child, child_count; /* of a folder */
    enum { NODE_FOLDER, NODE_VIEW, NODE_FILE } kind;
    union {
        struct mxfs_folder *folder;
        size_t view;              /* index in tree->views */
        struct mxfs_entry *entry; /* of a file */
    };
};

/* A view in its place. */
struct placed_view {
    struct view view;
    size_t node;
    uint64_t first_inode; /* of its output 0 */
};

struct mxfs_tree {
    const struct mxfs_vfile_env *env;
    struct mxfs_tree_options options;
    struct node *nodes;
    size_t node_count;
    struct placed_view *views; /* ascending first_inode */
    size_t view_count;
    struct view_outputs **outputs; /* owned; one for each folder with views */
    size_t outputs_count;
    uint64_t total_size, file_count;
    uid_t uid;
    gid_t gid;
};

static size_t view_forms_shown(const struct mxfs_tree *t)
{
    return (size_t)t->options.tensors + (size_t)t->options.npy;
}

static bool has_views(const struct mxfs_tree *t, const struct mxfs_folder *f)
{
    return f->plan_count > 0 && view_forms_shown(t) > 0;
}

/* Sizes of the arrays. */
struct counts {
    const struct mxfs_tree *tree;
    size_t nodes, views, folders;
};

static int count_folder(void *data, struct mxfs_folder *folder)
{
    struct counts *c = data;

    c->nodes += folder->count;
    if (has_views(c->tree, folder)) {
        c->nodes += view_forms_shown(c->tree);
        c->views += view_forms_shown(c->tree);
        c->folders++;
    }
    return 0;
}

static int allocate(struct mxfs_tree *t, const struct mxfs_repo *repo)
{
    struct counts c = {.tree = t, .nodes = 1};

    mxfs_repo_visit((struct mxfs_folder *)&repo->root, count_folder, &c);
    t->nodes = calloc(c.nodes, sizeof(*t->nodes));
    t->views = calloc(c.views + 1, sizeof(*t->views));
    t->outputs = calloc(c.folders + 1, sizeof(struct view_outputs *));
    return t->nodes && t->views && t->outputs ? 0 : -ENOMEM;
}

static int compare_nodes(const void *a, const void *b)
{
    return strcmp(((const struct node *)a)->name, ((const struct node *)b)->name);
}

static int add_view(struct mxfs_tree *t, size_t parent, const struct view_outputs *outputs,
                    enum view_form form, struct mxfs_error *err)
{
    struct placed_view *v = &t->views[t->view_count];

    t->nodes[t->node_count++] = (struct node){
        .name = mxfs_view_name(form), .parent = parent, .kind = NODE_VIEW, .view = t->view_count++};
    return mxfs_view_init(&v->view, outputs, form, err);
}

static int add_views(struct mxfs_tree *t, size_t parent, struct mxfs_folder *folder,
                     struct mxfs_error *err)
{
    struct view_outputs *outputs = calloc(1, sizeof(*outputs));

    if (!outputs)
        return -ENOMEM;
    t->outputs[t->outputs_count++] = outputs;
    int rc = mxfs_view_collect(outputs, folder, err);
    if (rc == 0 && t->options.tensors)
        rc = add_view(t, parent, outputs, VIEW_TENSORS, err);
    if (rc == 0 && t->options.npy)
        rc = add_view(t, parent, outputs, VIEW_NPY, err);
    return rc;
}

/* The children of node `at` in a row; views sort among the entries. */
static int add_children(struct mxfs_tree *t, size_t at, struct mxfs_error *err)
{
    struct mxfs_folder *folder = t->nodes[at].folder;
    size_t first = t->node_count;

    for (size_t i = 0; i < folder->count; i++) {
        struct mxfs_entry *e = &folder->entries[i];
        struct node *n = &t->nodes[t->node_count++];
        *n = (struct node){.name = e->name, .parent = at, .kind = NODE_FILE, .entry = e};
        if (e->kind == MXFS_ENTRY_FOLDER) {
            n->kind = NODE_FOLDER;
            n->folder = e->folder;
        }
    }
    if (has_views(t, folder)) {
        int rc = add_views(t, at, folder, err);
        if (rc != 0)
            return rc;
    }
    struct node *children = &t->nodes[first];
    size_t count = t->node_count - first;
    if (count > 1)
        qsort(children, count, sizeof(*children), compare_nodes);
    t->nodes[at].first_child = first;
    t->nodes[at].child_count = count;
    for (size_t i = 1; i < count; i++) {
        if (compare_nodes(&children[i - 1], &children[i]) == 0)
            return mxfs_fail(err, MXFS_EXIT_USAGE, EEXIST,
                             "%s: the source has an entry with the name of the view %s/; use "
                             "--views=none",
                             folder->path, children[i].name);
    }
    return 0;
}

static uint64_t file_size(const struct node *n)
{
    switch (n->entry->kind) {
    case MXFS_ENTRY_VIRTUAL:
        return n->entry->plan->size;
    case MXFS_ENTRY_TEXT:
        return n->entry->text.size;
    default:
        return (uint64_t)n->entry->source.st.st_size;
    }
}

/* After the nodes are in their final places: inodes of the views' files, and totals. */
static void number(struct mxfs_tree *t)
{
    uint64_t next = t->node_count + 1;

    for (size_t i = 0; i < t->node_count; i++) {
        if (t->nodes[i].kind == NODE_VIEW)
            t->views[t->nodes[i].view].node = i;
        if (t->nodes[i].kind == NODE_FILE)
            t->total_size += file_size(&t->nodes[i]);
    }
    for (size_t v = 0; v < t->view_count; v++) {
        t->views[v].first_inode = next;
        next += t->views[v].view.outputs->count;
    }
    t->file_count = next - 1;
}

static int build(struct mxfs_tree *t, const struct mxfs_repo *repo, struct mxfs_error *err)
{
    int rc = allocate(t, repo);

    if (rc != 0)
        return rc;
    t->nodes[t->node_count++] =
        (struct node){.name = "", .kind = NODE_FOLDER, .folder = (struct mxfs_folder *)&repo->root};
    /* Breadth first: children are added behind all nodes there are. */
    for (size_t i = 0; i < t->node_count && rc == 0; i++) {
        if (t->nodes[i].kind == NODE_FOLDER)
            rc = add_children(t, i, err);
    }
    if (rc == 0)
        number(t);
    return rc;
}

int mxfs_tree_new(struct mxfs_tree **out, const struct mxfs_repo *repo,
                  const struct mxfs_vfile_env *env, const struct mxfs_tree_options *options,
                  struct mxfs_error *err)
{
    struct mxfs_tree *t = calloc(1, sizeof(*t));
    int rc = -ENOMEM;

    *out = NULL;
    if (t) {
        t->env = env;
        t->options = *options;
        t->uid = geteuid();
        t->gid = getegid();
        rc = build(t, repo, err);
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
    for (size_t i = 0; i < tree->view_count; i++)
        mxfs_view_fini(&tree->views[i].view);
    for (size_t i = 0; i < tree->outputs_count; i++) {
        free(tree->outputs[i]->sorted);
        free(tree->outputs[i]);
    }
    free(tree->views);
    free(tree->outputs);
    free(tree->nodes);
    free(tree);
}

/* What an inode number stands for: a node, or output `output` of view `view`. */
struct place {
    const struct node *node;
    const struct placed_view *view; /* when node is NULL */
    size_t output;
};

static const struct placed_view *view_of_inode(const struct mxfs_tree *t, uint64_t ino)
{
    size_t low = 0, high = t->view_count;

    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (t->views[mid].first_inode <= ino)
            low = mid;
        else
            high = mid;
    }
    return &t->views[low];
}

static bool find_place(const struct mxfs_tree *t, uint64_t ino, struct place *p)
{
    *p = (struct place){0};
    if (ino == 0)
        return false;
    if (ino <= t->node_count) {
        p->node = &t->nodes[ino - 1];
        return true;
    }
    if (t->view_count == 0)
        return false;
    p->view = view_of_inode(t, ino);
    p->output = ino - p->view->first_inode;
    return p->output < p->view->view.outputs->count && mxfs_view_shows(&p->view->view, p->output);
}

/* Owner, permission bits (as for a file) and times, from the file or folder behind an inode. */
static void fill_base(const struct mxfs_tree *t, const struct stat *source, struct stat *st)
{
    bool theirs = t->options.source_permissions;

    memset(st, 0, sizeof(*st));
    st->st_uid = theirs ? source->st_uid : t->uid;
    st->st_gid = theirs ? source->st_gid : t->gid;
    st->st_mode = theirs ? source->st_mode & 0444 : 0444;
    st->st_mtim = st->st_ctim = st->st_atim = source->st_mtim;
    st->st_blksize = BLOCK_SIZE;
}

static void make_file(struct stat *st, uint64_t ino, uint64_t size)
{
    st->st_ino = ino;
    st->st_mode |= S_IFREG;
    st->st_nlink = 1;
    st->st_size = (off_t)size;
    st->st_blocks = (blkcnt_t)mxfs_ceil_div(size, 512);
}

static void make_dir(struct stat *st, uint64_t ino, size_t dirs)
{
    st->st_ino = ino;
    /* Who may read a directory may enter it. */
    st->st_mode |= S_IFDIR | (st->st_mode & 0444) >> 2;
    st->st_nlink = 2 + (nlink_t)dirs;
}

static const struct stat *source_of_plan(const struct mxfs_plan *plan)
{
    return &plan->model->shards[plan->shard].source.st;
}

static const struct stat *source_of_entry(const struct mxfs_entry *e)
{
    switch (e->kind) {
    case MXFS_ENTRY_VIRTUAL:
        return source_of_plan(e->plan);
    case MXFS_ENTRY_TEXT:
        return &e->text.st;
    default:
        return &e->source.st;
    }
}

static void node_attributes(const struct mxfs_tree *t, const struct node *n, struct stat *st)
{
    uint64_t ino = (uint64_t)(n - t->nodes) + 1;
    size_t dirs = 0;

    if (n->kind == NODE_FILE) {
        fill_base(t, source_of_entry(n->entry), st);
        make_file(st, ino, file_size(n));
        return;
    }
    for (size_t i = 0; i < n->child_count; i++)
        dirs += t->nodes[n->first_child + i].kind != NODE_FILE;
    fill_base(t, &(n->kind == NODE_VIEW ? &t->nodes[n->parent] : n)->folder->st, st);
    make_dir(st, ino, dirs);
}

static void output_attributes(const struct mxfs_tree *t, const struct placed_view *v, size_t i,
                              struct stat *st)
{
    const struct view_output *o = &v->view.outputs->sorted[i];
    uint64_t size = v->view.form == VIEW_NPY ? mxfs_vfile_npy_size(o->output)
                                             : mxfs_output_info(o->output).size;

    fill_base(t, source_of_plan(o->plan), st);
    make_file(st, v->first_inode + i, size);
}

int mxfs_tree_getattr(const struct mxfs_tree *tree, uint64_t ino, struct stat *st)
{
    struct place p;

    if (!find_place(tree, ino, &p))
        return -ENOENT;
    if (p.node)
        node_attributes(tree, p.node, st);
    else
        output_attributes(tree, p.view, p.output, st);
    return 0;
}

static const struct node *child_called(const struct mxfs_tree *t, const struct node *n,
                                       const char *name)
{
    const struct node key = {.name = name};

    if (n->child_count == 0)
        return NULL;
    return bsearch(&key, &t->nodes[n->first_child], n->child_count, sizeof(key), compare_nodes);
}

static uint64_t parent_inode(const struct place *p)
{
    return (p->node ? p->node->parent : p->view->node) + 1;
}

int mxfs_tree_lookup(const struct mxfs_tree *tree, uint64_t parent, const char *name,
                     struct stat *st)
{
    struct place p;

    if (!find_place(tree, parent, &p))
        return -ENOENT;
    if (strcmp(name, ".") == 0)
        return mxfs_tree_getattr(tree, parent, st);
    if (strcmp(name, "..") == 0)
        return mxfs_tree_getattr(tree, parent_inode(&p), st);
    if (!p.node || p.node->kind == NODE_FILE)
        return -ENOTDIR;
    if (p.node->kind == NODE_FOLDER) {
        const struct node *child = child_called(tree, p.node, name);
        if (!child)
            return -ENOENT;
        node_attributes(tree, child, st);
        return 0;
    }
    const struct placed_view *v = &tree->views[p.node->view];
    size_t i = mxfs_view_find(&v->view, name);
    if (i == MXFS_NOT_FOUND)
        return -ENOENT;
    output_attributes(tree, v, i, st);
    return 0;
}

/* Entry `at` of a view or the next that has a file; *cookie moves on past those without. */
static int view_entry(const struct mxfs_tree *t, const struct placed_view *v, uint64_t at,
                      uint64_t *cookie, char *name, struct stat *st)
{
    while (at < v->view.outputs->count && !mxfs_view_shows(&v->view, at)) {
        at++;
        (*cookie)++;
    }
    if (at >= v->view.outputs->count)
        return 0;
    mxfs_view_file_name(&v->view, at, name);
    output_attributes(t, v, at, st);
    return 1;
}

int mxfs_tree_next(const struct mxfs_tree *tree, uint64_t dir, uint64_t *cookie,
                   char name[MXFS_FILE_NAME_SIZE], struct stat *st)
{
    struct place p;

    if (!find_place(tree, dir, &p))
        return -ENOENT;
    if (!p.node || p.node->kind == NODE_FILE)
        return -ENOTDIR;
    uint64_t at = (*cookie)++;
    if (at < 2) {
        memcpy(name, "..", 3);
        name[at + 1] = '\0';
        return mxfs_tree_getattr(tree, at == 0 ? dir : parent_inode(&p), st) == 0;
    }
    at -= 2;
    if (p.node->kind == NODE_VIEW)
        return view_entry(tree, &tree->views[p.node->view], at, cookie, name, st);
    if (at >= p.node->child_count)
        return 0;
    const struct node *child = &tree->nodes[p.node->first_child + at];
    strcpy(name, child->name);
    node_attributes(tree, child, st);
    return 1;
}

static ssize_t read_text(const struct mxfs_entry *e, void *buf, size_t len, uint64_t offset)
{
    if (offset >= e->text.size)
        return 0;
    len = mxfs_min_u64(len, e->text.size - offset);
    memcpy(buf, e->text.data + offset, len);
    return (ssize_t)len;
}

static ssize_t read_node(const struct mxfs_tree *t, const struct node *n,
                         struct mxfs_scratch *scratch, void *buf, size_t len, uint64_t offset)
{
    if (n->kind != NODE_FILE)
        return -EISDIR;
    switch (n->entry->kind) {
    case MXFS_ENTRY_VIRTUAL:
        return mxfs_vfile_read(t->env, scratch, n->entry->plan, buf, len, offset);
    case MXFS_ENTRY_TEXT:
        return read_text(n->entry, buf, len, offset);
    default:
        return mxfs_vfile_read_raw(&n->entry->source, buf, len, offset);
    }
}

ssize_t mxfs_tree_read(const struct mxfs_tree *tree, uint64_t ino, struct mxfs_scratch *scratch,
                       void *buf, size_t len, uint64_t offset)
{
    struct place p;

    if (!find_place(tree, ino, &p))
        return -ENOENT;
    if (p.node)
        return read_node(tree, p.node, scratch, buf, len, offset);
    const struct view_output *o = &p.view->view.outputs->sorted[p.output];
    return (p.view->view.form == VIEW_NPY ? mxfs_vfile_read_npy : mxfs_vfile_read_output)(
        tree->env, scratch, o->plan, o->output, buf, len, offset);
}

void mxfs_tree_statfs(const struct mxfs_tree *tree, struct statvfs *out)
{
    memset(out, 0, sizeof(*out));
    out->f_bsize = BLOCK_SIZE;
    out->f_frsize = 512;
    out->f_blocks = mxfs_ceil_div(tree->total_size, 512);
    out->f_files = tree->file_count;
    out->f_namemax = MXFS_FILE_NAME_SIZE - 1;
}
