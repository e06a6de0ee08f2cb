/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The tree of a mount: attributes, lookup, directory entries and reads.
 */
#include "mxfs/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "nodes.h"

enum { BLOCK_SIZE = 1 << 20 /* st_blksize: how much cp, cat and Python read at a time */ };

/*
 * Read and search bits. With source_permissions they exceed those of the source only where the user
 * who built the tree could chmod it. A file may be shown as a folder, so the users who may read it
 * may also search it.
 */
static mode_t permissions(const struct mxfs_tree *t, const struct stat *source, mode_t withheld)
{
    const struct mxfs_tree_options *o = &t->options;
    mode_t chosen = o->set_umask ? 0444 & ~o->umask : 0444, given = source->st_mode & ~withheld;

    if (!S_ISDIR(source->st_mode))
        given |= (given & 0444) >> 2;
    chosen |= chosen >> 2;
    if (!o->source_permissions || (o->set_umask && tree_nodes_may_chown(t, source)))
        return chosen;
    return chosen & given;
}

/* Fills owner, permission bits (as for a folder) and times from the source of an inode. */
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

static void node_attributes(const struct mxfs_tree *t, const struct tree_node *n, struct stat *st)
{
    uint64_t ino = (uint64_t)(n - t->nodes) + 1;
    size_t dirs = 0;

    fill_base(t, tree_nodes_source(t, n), n->withheld, st);
    if (n->kind == TREE_FILE) {
        make_file(st, ino, tree_nodes_file_size(n));
        return;
    }
    for (size_t i = 0; i < n->child_count; i++)
        dirs += t->nodes[n->first_child + i].kind != TREE_FILE;
    make_dir(st, ino, dirs);
}

static void output_attributes(const struct mxfs_tree *t, const struct tree_placed_view *v, size_t i,
                              struct stat *st)
{
    const struct tree_view_output *o = &v->view.outputs->sorted[i];
    uint64_t size = v->view.form == TREE_VIEW_NPY ? mxfs_vfile_npy_size(o->output)
                                                  : mxfs_output_info(o->output).size;

    fill_base(t, tree_nodes_plan_source(o->plan), tree_nodes_withheld(o->plan, o->output), st);
    make_file(st, v->first_inode + i, size);
}

int mxfs_tree_getattr(const struct mxfs_tree *tree, uint64_t ino, struct stat *st)
{
    struct tree_place p;

    if (!tree_nodes_find(tree, ino, &p))
        return -ENOENT;
    if (p.node)
        node_attributes(tree, p.node, st);
    else
        output_attributes(tree, p.view, p.output, st);
    return 0;
}

static const struct tree_node *child_called(const struct mxfs_tree *t, const struct tree_node *n,
                                            const char *name)
{
    const struct tree_node key = {.name = name};

    if (n->child_count == 0)
        return NULL;
    return bsearch(&key, &t->nodes[n->first_child], n->child_count, sizeof(key),
                   tree_nodes_compare);
}

static uint64_t parent_inode(const struct tree_place *p)
{
    return (p->node ? p->node->parent : p->view->node) + 1;
}

int mxfs_tree_lookup(const struct mxfs_tree *tree, uint64_t parent, const char *name,
                     struct stat *st)
{
    struct tree_place p;

    if (!tree_nodes_find(tree, parent, &p))
        return -ENOENT;
    if (strcmp(name, ".") == 0)
        return mxfs_tree_getattr(tree, parent, st);
    if (strcmp(name, "..") == 0)
        return mxfs_tree_getattr(tree, parent_inode(&p), st);
    if (!p.node || p.node->kind == TREE_FILE)
        return -ENOTDIR;
    if (p.node->kind == TREE_FOLDER) {
        const struct tree_node *child = child_called(tree, p.node, name);
        if (!child)
            return -ENOENT;
        node_attributes(tree, child, st);
        return 0;
    }
    const struct tree_placed_view *v = &tree->views[p.node->view];
    size_t i = tree_view_find(&v->view, name);
    if (i == MXFS_NOT_FOUND)
        return -ENOENT;
    output_attributes(tree, v, i, st);
    return 0;
}

/* The first entry from `at` on that has a file; *cookie skips those without one. */
static int view_entry(const struct mxfs_tree *t, const struct tree_placed_view *v, uint64_t at,
                      uint64_t *cookie, struct mxfs_tree_entry *e)
{
    while (at < v->view.outputs->count && !tree_view_shows(&v->view, at)) {
        at++;
        (*cookie)++;
    }
    if (at >= v->view.outputs->count)
        return 0;
    e->name = e->made;
    e->name_len = tree_view_file_name(&v->view, at, e->made);
    output_attributes(t, v, at, &e->st);
    return 1;
}

/* "." (entry 0) or ".." (entry 1). */
static int dot_entry(const struct mxfs_tree *t, const struct tree_place *p, uint64_t dir,
                     uint64_t at, struct mxfs_tree_entry *e)
{
    e->name = at == 0 ? "." : "..";
    e->name_len = at + 1;
    return mxfs_tree_getattr(t, at == 0 ? dir : parent_inode(p), &e->st) == 0;
}

int mxfs_tree_next(const struct mxfs_tree *tree, uint64_t dir, uint64_t *cookie,
                   struct mxfs_tree_entry *entry)
{
    struct tree_place p;

    if (!tree_nodes_find(tree, dir, &p))
        return -ENOENT;
    if (!p.node || p.node->kind == TREE_FILE)
        return -ENOTDIR;
    uint64_t at = (*cookie)++;
    if (at < 2)
        return dot_entry(tree, &p, dir, at, entry);
    at -= 2;
    if (p.node->kind == TREE_VIEW)
        return view_entry(tree, &tree->views[p.node->view], at, cookie, entry);
    if (at >= p.node->child_count)
        return 0;
    const struct tree_node *child = &tree->nodes[p.node->first_child + at];
    entry->name = child->name;
    entry->name_len = strlen(child->name);
    node_attributes(tree, child, &entry->st);
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

static ssize_t read_node(const struct tree_node *n, struct mxfs_vfile_reader *reader, void *buf,
                         size_t len, uint64_t offset)
{
    if (n->kind != TREE_FILE)
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
    struct tree_place p;

    if (!tree_nodes_find(tree, ino, &p))
        return -ENOENT;
    if (p.node)
        return read_node(p.node, reader, buf, len, offset);
    const struct tree_view_output *o = &p.view->view.outputs->sorted[p.output];
    return (p.view->view.form == TREE_VIEW_NPY ? mxfs_vfile_read_npy : mxfs_vfile_read_output)(
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
    out->f_namemax = tree->name_max;
}
