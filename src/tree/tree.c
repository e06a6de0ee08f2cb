/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The tree of a mount: what an inode is, what a name is, what a file holds.
 */
#include "mxfs/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "nodes.h"

enum { BLOCK_SIZE = 1 << 20 /* what cp, cat and Python read at a time */ };

/*
 * Who may read, and enter what is a folder: only who could chmod the source may show more than it
 * allows. A file that is shown as a folder is entered by whom it may be read by.
 */
static mode_t permissions(const struct mxfs_tree *t, const struct stat *source, mode_t withheld)
{
    const struct mxfs_tree_options *o = &t->options;
    mode_t chosen = o->set_umask ? 0444 & ~o->umask : 0444, given = source->st_mode & ~withheld;

    if (!S_ISDIR(source->st_mode))
        given |= (given & 0444) >> 2;
    chosen |= chosen >> 2;
    if (!o->source_permissions || (o->set_umask && mxfs_nodes_may_chown(t, source)))
        return chosen;
    return chosen & given;
}

/* Owner, permission bits (as for a folder) and times, from the file or folder behind an inode. */
static void fill_base(const struct mxfs_tree *t, const struct stat *source, mode_t withheld,
                      struct stat *st)
{
    const struct mxfs_tree_options *o = &t->options;

    memset(st, 0, sizeof(*st));
    st->st_uid = o->set_uid ? o->uid : o->source_permissions ? source->st_uid : t->uid;
    st->st_gid = o->set_gid ? o->gid : o->source_permissions ? source->st_gid : t->gid;
    st->st_mode = permissions(t, source, withheld);
    st->st_mtim = st->st_ctim = st->st_atim = source->st_mtim;
    st->st_blksize = BLOCK_SIZE;
}

static void make_file(struct stat *st, uint64_t ino, uint64_t size)
{
    st->st_ino = ino;
    st->st_mode = (st->st_mode & 0444) | S_IFREG;
    st->st_nlink = 1;
    st->st_size = (off_t)size;
    st->st_blocks = (blkcnt_t)mxfs_ceil_div(size, 512);
}

static void make_dir(struct stat *st, uint64_t ino, size_t dirs)
{
    st->st_ino = ino;
    st->st_mode |= S_IFDIR;
    st->st_nlink = 2 + (nlink_t)dirs;
}

static void node_attributes(const struct mxfs_tree *t, const struct node *n, struct stat *st)
{
    uint64_t ino = (uint64_t)(n - t->nodes) + 1;
    size_t dirs = 0;

    fill_base(t, mxfs_nodes_source(t, n), n->withheld, st);
    if (n->kind == NODE_FILE) {
        make_file(st, ino, mxfs_nodes_file_size(n));
        return;
    }
    for (size_t i = 0; i < n->child_count; i++)
        dirs += t->nodes[n->first_child + i].kind != NODE_FILE;
    make_dir(st, ino, dirs);
}

static void output_attributes(const struct mxfs_tree *t, const struct placed_view *v, size_t i,
                              struct stat *st)
{
    const struct view_output *o = &v->view.outputs->sorted[i];
    uint64_t size = v->view.form == VIEW_NPY ? mxfs_vfile_npy_size(o->output)
                                             : mxfs_output_info(o->output).size;

    fill_base(t, mxfs_nodes_plan_source(o->plan), mxfs_nodes_withheld(o->plan, o->output), st);
    make_file(st, v->first_inode + i, size);
}

int mxfs_tree_getattr(const struct mxfs_tree *tree, uint64_t ino, struct stat *st)
{
    struct place p;

    if (!mxfs_nodes_find(tree, ino, &p))
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
    return bsearch(&key, &t->nodes[n->first_child], n->child_count, sizeof(key),
                   mxfs_nodes_compare);
}

static uint64_t parent_inode(const struct place *p)
{
    return (p->node ? p->node->parent : p->view->node) + 1;
}

int mxfs_tree_lookup(const struct mxfs_tree *tree, uint64_t parent, const char *name,
                     struct stat *st)
{
    struct place p;

    if (!mxfs_nodes_find(tree, parent, &p))
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

    if (!mxfs_nodes_find(tree, dir, &p))
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

static ssize_t read_node(const struct node *n, struct mxfs_vfile_reader *reader, void *buf,
                         size_t len, uint64_t offset)
{
    if (n->kind != NODE_FILE)
        return -EISDIR;
    switch (n->entry->kind) {
    case MXFS_ENTRY_VIRTUAL:
        return mxfs_vfile_read(reader, n->entry->plan, buf, len, offset);
    case MXFS_ENTRY_TEXT:
        return read_text(n->entry, buf, len, offset);
    default:
        return mxfs_vfile_read_raw(reader, &n->entry->source, buf, len, offset);
    }
}

ssize_t mxfs_tree_read(const struct mxfs_tree *tree, uint64_t ino, struct mxfs_vfile_reader *reader,
                       void *buf, size_t len, uint64_t offset)
{
    struct place p;

    if (!mxfs_nodes_find(tree, ino, &p))
        return -ENOENT;
    if (p.node)
        return read_node(p.node, reader, buf, len, offset);
    const struct view_output *o = &p.view->view.outputs->sorted[p.output];
    return (p.view->view.form == VIEW_NPY ? mxfs_vfile_read_npy : mxfs_vfile_read_output)(
        reader, o->plan, o->output, buf, len, offset);
}

struct mxfs_vfile_reader mxfs_tree_reader(const struct mxfs_tree *tree)
{
    return (struct mxfs_vfile_reader){.env = tree->env};
}

void mxfs_tree_cache_stats(const struct mxfs_tree *tree, struct mxfs_cache_stats *out)
{
    mxfs_cache_stats(tree->env->cache, out);
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
