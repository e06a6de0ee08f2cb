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
    char *name;   /**< owned */
    bool claimed; /**< a model has it */
    bool hidden;  /**< will not be shown */
};

/** The regular files and the directories of a directory, each sorted by name. */
struct repo_listing {
    struct repo_file *files;
    size_t file_count, file_capacity;
    char **dirs;
    size_t dir_count, dir_capacity;
};

/** Deepest nesting of folders that is shown. */
enum { REPO_DEPTH_MAX = 32 };

/** The state of a walk down the folders. */
struct repo_walk {
    struct mxfs_repo *repo;
    const struct mxfs_choices *choices;
    dev_t dev[REPO_DEPTH_MAX]; /**< of the folders above, to notice a link that leads back */
    ino_t ino[REPO_DEPTH_MAX];
    unsigned depth;
};

/**
 * Lists a directory: `.git`, `.cache`, sockets, FIFOs and devices are left out, links are followed
 * as far as `reach` (NULL: everywhere) allows.
 */
int repo_list(struct repo_listing *out, const char *path, const struct mxfs_reach *reach,
              struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void repo_listing_fini(struct repo_listing *listing);

/** Opens the models of a folder, plans their files, and marks those files as claimed or hidden. */
int repo_open_models(struct mxfs_folder *folder, struct repo_listing *listing,
                     const struct mxfs_choices *choices, struct mxfs_error *err);

/**
 * Opens the file at `path` as the only model of the folder, and plans its view. The file may be a
 * shard: the model then has the other shards too.
 */
int repo_open_named(struct mxfs_folder *folder, const char *path,
                    const struct mxfs_choices *choices, struct mxfs_error *err);

/** Whether a file name ends in `suffix`. */
bool repo_name_ends_in(const char *name, const char *suffix);

/** The file name of the shard that a plan shows; borrowed from the plan. */
const char *repo_plan_name(const struct mxfs_plan *plan);

/**
 * Decides what a JSON file of a folder becomes: *entry is filled as edited text, or *hide set, or
 * neither (then it is passed through).
 */
int repo_edit(const struct mxfs_folder *folder, const struct mxfs_reach *reach, const char *name,
              struct mxfs_entry *entry, bool *hide, struct mxfs_error *err);

#endif
