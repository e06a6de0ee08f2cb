/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Finding nodes by inode number, and the source files they show.
 */
#include "nodes.h"

#include <string.h>

int tree_nodes_compare(const void *a, const void *b)
{
    return strcmp(((const struct tree_node *)a)->name, ((const struct tree_node *)b)->name);
}

static const struct tree_placed_view *view_of_inode(const struct mxfs_tree *t, uint64_t ino)
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

bool tree_nodes_find(const struct mxfs_tree *t, uint64_t ino, struct tree_place *p)
{
    *p = (struct tree_place){0};
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
    return p->output < p->view->view.outputs->count && tree_view_shows(&p->view->view, p->output);
}

const struct tree_view_output *tree_nodes_tensor(const struct mxfs_tree *tree, uint64_t ino)
{
    struct tree_place p;

    return tree_nodes_find(tree, ino, &p) && p.view ? &p.view->view.outputs->sorted[p.output]
                                                    : NULL;
}

const struct stat *tree_nodes_plan_source(const struct mxfs_plan *plan)
{
    return &mxfs_plan_source(plan)->st;
}

/*
 * The read bits of `source`, for the owner, group and others of `shown`: where the two files have
 * different owners, the owner of `shown` is one of the others of `source`.
 */
static mode_t bits_for(const struct stat *shown, const struct stat *source)
{
    mode_t others = source->st_mode & 04;
    mode_t owner = source->st_uid == shown->st_uid ? source->st_mode & 0400 : others << 6;
    mode_t group = source->st_gid == shown->st_gid ? source->st_mode & 040 : others << 3;

    return owner | group | others;
}

mode_t tree_nodes_withheld(const struct mxfs_plan *plan, const struct mxfs_output *output)
{
    mode_t withheld = 0;

    for (unsigned i = 0; output->group && i < output->group->parts; i++) {
        uint32_t shard = output->group->part[i]->shard;
        if (shard != plan->shard)
            withheld |= 0444 & ~bits_for(tree_nodes_plan_source(plan),
                                         &plan->model->shards[shard].source.st);
    }
    return withheld;
}

const struct stat *tree_nodes_source(const struct mxfs_tree *t, const struct tree_node *n)
{
    if (n->kind != TREE_FILE)
        return &(n->kind == TREE_VIEW ? &t->nodes[n->parent] : n)->folder->st;
    const struct mxfs_entry *e = n->entry;

    switch (e->kind) {
    case MXFS_ENTRY_VIRTUAL:
        return tree_nodes_plan_source(e->plan);
    case MXFS_ENTRY_TEXT:
        return &e->text.st;
    default:
        return &e->source.st;
    }
}

uint64_t tree_nodes_file_size(const struct tree_node *n)
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

bool tree_nodes_may_chown(const struct mxfs_tree *tree, const struct stat *source)
{
    return tree->uid == 0 || tree->uid == source->st_uid;
}
