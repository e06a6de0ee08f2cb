/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The nodes of a tree. Private to tree/.
 *
 * They are an array, the children of a folder side by side and sorted by name. Node i is inode i +
 * 1; the files of views follow in ranges of their own, one for each view.
 */
#ifndef MXFS_TREE_NODES_H
#define MXFS_TREE_NODES_H

#include "mxfs/tree.h"
#include "view.h"

/** A folder, a view or a file; files of views are no nodes. */
struct node {
    const char *name;
    size_t parent;
    size_t first_child, child_count; /* of a folder */
    enum { NODE_FOLDER, NODE_VIEW, NODE_FILE } kind;
    mode_t withheld; /* of a virtual file, mxfs_nodes_withheld() if source_permissions */
    union {
        struct mxfs_folder *folder;
        size_t view;              /* index in tree->views */
        struct mxfs_entry *entry; /* of a file */
    };
};

/** A view in its place. */
struct placed_view {
    struct view view;
    size_t node;
    uint64_t first_inode; /* of its output 0 */
};

/** A tree. Immutable once built. */
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

/** Compares two nodes by name, for bsearch(). */
int mxfs_nodes_compare(const void *a, const void *b);

/** What an inode number stands for: a node, or output `output` of view `view`. */
struct place {
    const struct node *node;
    const struct placed_view *view; /* when node is NULL */
    size_t output;
};

/** Finds what `ino` is; false when it is nothing. */
bool mxfs_nodes_find(const struct mxfs_tree *tree, uint64_t ino, struct place *place);

/** The tensor that an inode is a file of, in either view; NULL when it is none. */
const struct view_output *mxfs_nodes_tensor(const struct mxfs_tree *tree, uint64_t ino);

/** The file that a virtual file is of. */
const struct stat *mxfs_nodes_plan_source(const struct mxfs_plan *plan);

/**
 * Permission bits of the file of `plan` that do not hold for an output of it, since a companion
 * tensor lies in a file that lets fewer read.
 */
mode_t mxfs_nodes_withheld(const struct mxfs_plan *plan, const struct mxfs_output *output);

/** The file or folder behind a node. */
const struct stat *mxfs_nodes_source(const struct mxfs_tree *tree, const struct node *node);

/** Whether who made the tree could change whose the source is, and who may read it. */
bool mxfs_nodes_may_chown(const struct mxfs_tree *tree, const struct stat *source);

/** Size of the file that a node is. */
uint64_t mxfs_nodes_file_size(const struct node *node);

#endif
