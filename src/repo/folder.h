/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Building a folder of the repository from a folder of the source. Private to repo/.
 */
#ifndef MXFS_REPO_FOLDER_H
#define MXFS_REPO_FOLDER_H

#include "mxfs/repo.h"

/** A file of a folder, before it is decided how it is shown. */
struct repo_file {
    char *name;   /**< owned */
    bool claimed; /**< it belongs to a model */
    bool hidden;  /**< it will not be shown */
};

/** The regular files and the subfolders of a folder, each sorted by name. */
struct repo_listing {
    struct repo_file *files; /**< owned */
    size_t file_count;       /**< of files */
    size_t file_capacity;    /**< of files */
    char **dirs;             /**< names; owned */
    size_t dir_count;        /**< of dirs */
    size_t dir_capacity;     /**< of dirs */
};

/** Deepest nesting of folders that is shown. */
enum { REPO_DEPTH_MAX = 32 };

/** The state of the walk through the folders of a source. */
struct repo_walk {
    struct mxfs_repo *repo;             /**< the repository being opened */
    const struct mxfs_choices *choices; /**< how to open it */
    dev_t dev[REPO_DEPTH_MAX]; /**< devices of the folders above, to detect a link that leads back
                                  to one */
    ino_t ino[REPO_DEPTH_MAX]; /**< their inodes */
    unsigned depth;            /**< the number of folders above */
};

/**
 * Lists the folder at `path`. Leaves out `.git`, `.cache`, sockets, FIFOs and devices; follows
 * links within `reach` (NULL: anywhere). Returns 0, or -errno with err filled.
 */
int repo_list(struct repo_listing *out, const char *path, const struct mxfs_reach *reach,
              struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void repo_listing_fini(struct repo_listing *listing);

/**
 * Opens the models of a folder, plans their files, and marks those files as claimed or hidden.
 * Returns 0, or -errno with err filled.
 */
int repo_open_models(struct mxfs_folder *folder, struct repo_listing *listing,
                     const struct mxfs_choices *choices, struct mxfs_error *err);

/**
 * Opens the file at `path` as the only model of the folder, and plans its virtual file. If the file
 * is a shard, the model has the other shards too. Returns 0, or -errno with err filled.
 */
int repo_open_named(struct mxfs_folder *folder, const char *path,
                    const struct mxfs_choices *choices, struct mxfs_error *err);

/** Whether a file name ends in `suffix`. */
bool repo_name_ends_in(const char *name, const char *suffix);

/** The file name of the shard that a plan shows; borrowed from the plan. */
const char *repo_plan_name(const struct mxfs_plan *plan);

/**
 * Decides how the file `name` of a folder is shown: fills *entry with edited text, or sets *hide,
 * or does neither if the file is passed through. Returns 0, or -errno with err filled.
 */
int repo_edit(const struct mxfs_folder *folder, const struct mxfs_reach *reach, const char *name,
              struct mxfs_entry *entry, bool *hide, struct mxfs_error *err);

#endif
