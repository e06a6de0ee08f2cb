/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Building a folder from a directory. Private to repo/.
 */
#ifndef MXFS_REPO_FOLDER_H
#define MXFS_REPO_FOLDER_H

#include "mxfs/repo.h"

/** A file in a directory, before it is decided what becomes of it. */
struct repo_file {
    char *name;
    bool claimed; /**< a model has it */
    bool hidden;  /**< will not be shown */
};

/** The regular files and the directories of a directory, each sorted by name. */
struct repo_listing {
    struct repo_file *files;
    size_t file_count;
    char **dirs;
    size_t dir_count;
};

/** What may be followed, and how deep we are. */
struct repo_walk {
    const struct mxfs_repo_options *options;
    dev_t dev[32]; /**< folders above, to stop at a link that leads back */
    ino_t ino[32];
    unsigned depth;
};

/** Lists a directory: `.git`, `.cache`, sockets, FIFOs and devices are left out, links are
 * followed. */
int mxfs_repo_list(const struct repo_walk *walk, const char *path, struct repo_listing *out,
                   struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void mxfs_repo_listing_fini(struct repo_listing *listing);

/** Opens the models of a folder, plans their files, and marks those files as claimed (or hidden).
 */
int mxfs_repo_open_models(const struct repo_walk *walk, struct mxfs_folder *folder,
                          struct repo_listing *listing, struct mxfs_error *err);

/** Makes room for one more element; returns 0 or -ENOMEM. Doubles at powers of two. */
int mxfs_repo_grow(void **array, size_t count, size_t size);

/** Whether a file name ends so. */
bool mxfs_repo_ends_in(const char *name, const char *suffix);

/**
 * Decides what a JSON file of a folder becomes: *entry is filled as edited text, or *hide set, or
 * neither (then it is passed through).
 */
int mxfs_repo_edit(const struct mxfs_folder *folder, const struct mxfs_reach *reach,
                   const char *name, struct mxfs_entry *entry, bool *hide, struct mxfs_error *err);

#endif
