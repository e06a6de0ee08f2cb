/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The nodes of a tree. Private to tree/.
 *
 * Nodes are one array, in which the children of a folder are neighbours, sorted by name. Node i is
 * inode i + 1. The files of views are not nodes: their inodes follow, one range for each view.
 */
#ifndef MXFS_TREE_NODES_H
#define MXFS_TREE_NODES_H

#include "mxfs/tree.h"
#include "view.h"

/** The kind of a node. */
enum tree_kind {
    TREE_FOLDER, /**< a folder of the source */
    TREE_VIEW,   /**< tensors/ or npy/ of a folder */
    TREE_FILE,   /**< a virtual, edited or passed-through file */
};

/** A folder, a view, or a file outside views. */
struct tree_node {
    const char *name;    /**< borrowed; "" for the root */
    size_t parent;       /**< index in tree->nodes; the root is its own parent */
    size_t first_child;  /**< of a folder: index in tree->nodes */
    size_t child_count;  /**< of a folder */
    enum tree_kind kind; /**< selects the member of the union */
    mode_t withheld;     /**< of a virtual file with source_permissions: tree_nodes_withheld() */
    union {
        const struct mxfs_folder *folder; /**< TREE_FOLDER; borrowed */
        size_t view;                      /**< TREE_VIEW: index in tree->views */
        struct mxfs_entry *entry;         /**< TREE_FILE; borrowed */
    };
};

/** A view and its place in the tree. */
struct tree_placed_view {
    struct tree_view view; /**< its files */
    size_t node;           /**< index in tree->nodes */
    uint64_t first_inode;  /**< inode of its output 0 */
};

/** A tree. Immutable once built. */
struct mxfs_tree {
    const struct mxfs_vfile_env *env;   /**< what reads share; borrowed */
    struct mxfs_tree_options options;   /**< as given */
    struct tree_node *nodes;            /**< owned; the root first, then breadth first */
    size_t node_count;                  /**< of nodes */
    struct tree_placed_view *views;     /**< owned; ascending first_inode */
    size_t view_count;                  /**< of views */
    struct tree_view_outputs **outputs; /**< owned; one for each folder with views */
    size_t outputs_count;               /**< of outputs */
    size_t name_max;                    /**< bytes of the longest name, 255 at least */
    size_t too_long;                    /**< entries left out because of their names */
    uint64_t total_size;                /**< bytes of all files outside views */
    uint64_t file_count;                /**< of inodes, for statfs() */
    uid_t uid;                          /**< of the process that built the tree */
    gid_t gid;                          /**< of the process that built the tree */
};

/** Compares two nodes by name, for qsort() and bsearch(). */
int tree_nodes_compare(const void *a, const void *b);

/** The object that an inode number denotes: a node, or a file of a view. */
struct tree_place {
    const struct tree_node *node;        /**< NULL for a file of a view */
    const struct tree_placed_view *view; /**< the view, when node is NULL */
    size_t output;                       /**< index of the file's output in the view */
};

/** Finds the object with inode number `ino`; false when there is none. */
bool tree_nodes_find(const struct mxfs_tree *tree, uint64_t ino, struct tree_place *place);

/** The tensor that a file of a view shows; NULL for any other inode. */
const struct tree_view_output *tree_nodes_tensor(const struct mxfs_tree *tree, uint64_t ino);

/** The source file whose dequantized form `plan` describes. */
const struct stat *tree_nodes_plan_source(const struct mxfs_plan *plan);

/**
 * The read bits that the source of `plan` has and an output may not show, because one of its
 * companion tensors lies in another file that fewer users may read.
 */
mode_t tree_nodes_withheld(const struct mxfs_plan *plan, const struct mxfs_output *output);

/** The source file or folder of a node; a view has that of its parent folder. */
const struct stat *tree_nodes_source(const struct mxfs_tree *tree, const struct tree_node *node);

/** Whether the user who built the tree may change owner and mode of the source. */
bool tree_nodes_may_chown(const struct mxfs_tree *tree, const struct stat *source);

/** Bytes of the file of a TREE_FILE node. */
uint64_t tree_nodes_file_size(const struct tree_node *node);

#endif
