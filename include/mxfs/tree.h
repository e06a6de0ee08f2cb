/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The tree of a mount: names <-> inodes, without FUSE.
 *
 * A tree mirrors the repository: folders, virtual files, edited files, files passed through. A
 * folder with tensors may have two more folders:
 *
 *   tensors/    one file for each tensor: its raw bytes
 *   npy/        one file for each tensor: a NumPy file
 *
 * Inode numbers depend only on the source and on which of these are shown, so they survive a
 * remount. Thread safety: immutable; each thread reads with a reader of its own.
 */
#ifndef MXFS_TREE_H
#define MXFS_TREE_H

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "mxfs/names.h"
#include "mxfs/view.h"

/** A tree. */
struct mxfs_tree;

/** The inode of the root. */
#define MXFS_ROOT_INODE 1

/**
 * Bytes of the longest name shown. Sources may have longer names than Linux filesystems allow (255
 * bytes): NTFS, vfat and CIFS count UTF-16 units, ZFS has an option, and a FUSE source may name
 * anything. This is what every kernel takes from a FUSE directory: FUSE_NAME_MAX up to Linux 6.13,
 * FUSE_NAME_LOW_MAX since (fs/fuse/fuse_i.h); one longer name makes the whole listing fail.
 */
#define MXFS_TREE_NAME_MAX 1024

/** The contents of a tree, and the owner and permissions it shows. */
struct mxfs_tree_options {
    bool tensors; /**< show tensors/ */
    bool npy;     /**< show npy/ */
    /**
     * Shows the owner, group and read bits of the source instead of the caller's, for mounts that
     * other users can access.
     */
    bool source_permissions;
    bool set_uid;   /**< show `uid` as the owner of all files */
    bool set_gid;   /**< show `gid` as the group of all files */
    bool set_umask; /**< show permissions 0444 & ~umask */
    uid_t uid;      /**< used with set_uid */
    gid_t gid;      /**< used with set_gid */
    /**
     * Used with set_umask. With source_permissions, only root and the owner of a source file can
     * widen its permissions.
     */
    mode_t umask;
};

/**
 * Makes the tree of an open source, which is borrowed. Leaves out, and logs, names of more than
 * MXFS_TREE_NAME_MAX bytes. Returns 0, or -errno with err filled: when
 * an entry is called like one of the two folders, when two tensors would have the same file name in
 * one of them, or when set_uid or set_gid would show other users a source file as owned by another,
 * and the caller is neither its owner nor root.
 */
int mxfs_tree_new(struct mxfs_tree **out, const struct mxfs_view *view,
                  const struct mxfs_tree_options *options, struct mxfs_error *err);

/** Frees; accepts NULL. */
void mxfs_tree_free(struct mxfs_tree *tree);

/** Fills in the attributes of an inode. Returns 0 or -ENOENT. */
int mxfs_tree_getattr(const struct mxfs_tree *tree, uint64_t ino, struct stat *st);

/**
 * Fills in the attributes of entry `name` of folder `parent`, which may be "." or "..". Returns 0,
 * -ENOENT or -ENOTDIR.
 */
int mxfs_tree_lookup(const struct mxfs_tree *tree, uint64_t parent, const char *name,
                     struct stat *st);

/** An entry of a directory. */
struct mxfs_tree_entry {
    const char *name;               /**< NUL-terminated; in the tree, or in `made` */
    size_t name_len;                /**< bytes of name, at most MXFS_TREE_NAME_MAX */
    struct stat st;                 /**< its attributes */
    char made[MXFS_FILE_NAME_SIZE]; /**< room for a name that the tree makes when asked */
};

/**
 * Fills *entry with the entry at *cookie (0: the first) of a folder and advances *cookie. The first
 * two entries are "." and "..". Takes constant time. Returns 1, 0 after the last entry, -ENOENT or
 * -ENOTDIR.
 */
int mxfs_tree_next(const struct mxfs_tree *tree, uint64_t dir, uint64_t *cookie,
                   struct mxfs_tree_entry *entry);

/** Makes a reader for mxfs_tree_read(); the caller frees it with mxfs_vfile_reader_fini(). */
struct mxfs_vfile_reader mxfs_tree_reader(const struct mxfs_tree *tree);

/** Reads a file like mxfs_vfile_read(). Also returns -EISDIR and -ENOENT. */
ssize_t mxfs_tree_read(const struct mxfs_tree *tree, uint64_t ino, struct mxfs_vfile_reader *reader,
                       void *buf, size_t len, uint64_t offset);

/**
 * Reads an extended attribute like getxattr(2), and writes nothing when `size` is 0. Tensor files
 * have user.mxfs.scheme, .shape and .sources (as in `mxfs list --json`), and .dtype, which is the
 * tensor's own even where npy/ shows a wider one. Returns its length, -ENODATA, -ENOENT, -ERANGE
 * when `size` is too small, or -E2BIG when the value is longer than the kernel allows.
 */
ssize_t mxfs_tree_getxattr(const struct mxfs_tree *tree, uint64_t ino, const char *name, char *buf,
                           size_t size);

/** Lists the names of these attributes like listxattr(2). Otherwise like mxfs_tree_getxattr(). */
ssize_t mxfs_tree_listxattr(const struct mxfs_tree *tree, uint64_t ino, char *buf, size_t size);

/** Fills in the counters of the cache that all reads share. */
void mxfs_tree_cache_stats(const struct mxfs_tree *tree, struct mxfs_cache_stats *out);

/** Fills in the totals of the filesystem: all space is used, none is free. */
void mxfs_tree_statfs(const struct mxfs_tree *tree, struct statvfs *out);

#endif
