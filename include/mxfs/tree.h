/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The tree of a mount: names <-> inodes, without FUSE.
 *
 * It mirrors the repository: folders, virtual and edited files, files passed through. Each folder
 * that has tensors may have two more folders, the views:
 *
 *   tensors/    one file for each tensor: its raw bytes
 *   npy/        one file for each tensor: a NumPy file
 *
 * Inode numbers depend only on the source, so they are the same after a remount.
 * Thread safety: immutable after start; each thread reads with its own scratch memory.
 */
#ifndef MXFS_TREE_H
#define MXFS_TREE_H

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "mxfs/names.h"
#include "mxfs/view.h"

struct mxfs_tree;

/** The inode of the root. */
#define MXFS_ROOT_INODE 1

/** What is shown, and as whose. */
struct mxfs_tree_options {
    bool tensors;            /**< show tensors/ */
    bool npy;                /**< show npy/ */
    bool source_permissions; /**< owner, group and read bits of the source, instead of the caller's:
                                others may come in */
    bool set_uid, set_gid, set_umask; /**< instead of either: */
    uid_t uid;
    gid_t gid;
    mode_t umask; /**< may be read: 0444 without these bits. With source_permissions never more than
                     the source allows, unless the caller is root or owns it */
};

/**
 * Makes the tree of an open source, which is borrowed. Fails with err filled when a view's
 * name clashes with an entry's, when two tensors would have the same file name in a view, or when
 * set_uid or set_gid would give others, who may come in, the rights of the owner or group of a
 * source that is neither the caller's nor root's to give away.
 */
int mxfs_tree_new(struct mxfs_tree **out, const struct mxfs_view *view,
                  const struct mxfs_tree_options *options, struct mxfs_error *err);

/** Frees; accepts NULL. */
void mxfs_tree_free(struct mxfs_tree *tree);

/** Attributes of an inode, or -ENOENT. */
int mxfs_tree_getattr(const struct mxfs_tree *tree, uint64_t ino, struct stat *st);

/** Attributes of the entry `name` of directory `parent`; -ENOENT or -ENOTDIR. "." and ".." work. */
int mxfs_tree_lookup(const struct mxfs_tree *tree, uint64_t parent, const char *name,
                     struct stat *st);

/**
 * The directory entry at *cookie (0 for the first): 1 with its name and attributes, and *cookie
 * moved on; 0 after the last. The first two are "." and "..". O(1). -ENOTDIR.
 */
int mxfs_tree_next(const struct mxfs_tree *tree, uint64_t dir, uint64_t *cookie,
                   char name[MXFS_FILE_NAME_SIZE], struct stat *st);

/** Reads a file as mxfs_vfile_read() does; -EISDIR, -ENOENT. */
ssize_t mxfs_tree_read(const struct mxfs_tree *tree, uint64_t ino, struct mxfs_scratch *scratch,
                       void *buf, size_t len, uint64_t offset);

/** Does what mxfs_vfile_look_ahead() does. */
void mxfs_tree_look_ahead(const struct mxfs_tree *tree, struct mxfs_scratch *scratch);

/**
 * The value of an extended attribute, as for getxattr(2): its length, or -errno; with size 0
 * nothing is written. Tensor files have user.mxfs.scheme, .shape and .sources (as in `mxfs list
 * --json`) and .dtype, that of the tensor, to which npy/ may show a wider one. -ENODATA, -ENOENT,
 * -ERANGE when size is too small, -E2BIG when the kernel could not pass it on.
 */
ssize_t mxfs_tree_getxattr(const struct mxfs_tree *tree, uint64_t ino, const char *name, char *buf,
                           size_t size);

/** The names of these, each with its NUL, as for listxattr(2); sizes and failures as above. */
ssize_t mxfs_tree_listxattr(const struct mxfs_tree *tree, uint64_t ino, char *buf, size_t size);

/** What the cache behind all reads did, and holds. */
void mxfs_tree_cache_stats(const struct mxfs_tree *tree, struct mxfs_cache_stats *out);

/** Totals of the filesystem: all space used, none free. */
void mxfs_tree_statfs(const struct mxfs_tree *tree, struct statvfs *out);

#endif
