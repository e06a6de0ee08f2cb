/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A repository: the folder (or the one file) that is shown. All decisions are made when it is
 * opened.
 *
 * In each folder, every index (`*.safetensors.index.json`) makes a model of the shards that it
 * names, and every other .safetensors file is a model of its own. Those become virtual files;
 * config.json and the index are edited; files that only describe the quantization vanish; all else
 * is passed through.
 *
 * Folders and virtual files are flat lists. Thread safety: immutable after open, except that
 * sources may be read by many threads.
 */
#ifndef MXFS_REPO_H
#define MXFS_REPO_H

#include "mxfs/model.h"
#include "mxfs/plan.h"

/** What an entry of a folder is. */
enum mxfs_entry_kind {
    MXFS_ENTRY_FOLDER,  /**< a folder */
    MXFS_ENTRY_VIRTUAL, /**< a dequantized safetensors file */
    MXFS_ENTRY_TEXT,    /**< an edited JSON file, in memory */
    MXFS_ENTRY_RAW,     /**< a file passed through */
};

/** An entry of a folder. */
struct mxfs_entry {
    char *name;                /**< owned */
    enum mxfs_entry_kind kind; /**< which member of the union is in use */
    union {
        struct mxfs_folder *folder; /**< MXFS_ENTRY_FOLDER; in repo->folders */
        struct mxfs_plan *plan;     /**< MXFS_ENTRY_VIRTUAL; in folder->plans */
        struct {
            char *data;            /**< owned */
            size_t size;           /**< bytes */
            struct stat st;        /**< of the file that was edited */
        } text;                    /**< MXFS_ENTRY_TEXT */
        struct mxfs_source source; /**< MXFS_ENTRY_RAW */
    };
};

/** A folder. */
struct mxfs_folder {
    char *path;                 /**< absolute; owned */
    const char *below;          /**< path below the root: "" for the root, else "/a/b" */
    struct stat st;             /**< of the folder itself */
    struct mxfs_entry *entries; /**< sorted by name, bytewise; owned */
    size_t count;               /**< of entries */
    size_t capacity;            /**< of entries */
    struct mxfs_model **models; /**< owned */
    size_t model_count;
    size_t model_capacity;
    struct mxfs_plan **plans; /**< one for each safetensors file, sorted by name; owned */
    size_t plan_count;
    size_t plan_capacity;
};

/** A virtual safetensors file, and where it is. */
struct mxfs_file {
    const struct mxfs_plan *plan;
    const struct mxfs_folder *folder;
    char *path; /**< relative to the root; owned */
};

/** An open repository. Zero-initialised is a valid closed one. */
struct mxfs_repo {
    struct mxfs_folder **folders; /**< parents first, siblings by name; the root is the first */
    size_t folder_count;
    size_t folder_capacity;
    struct mxfs_file *files; /**< of all folders in their order, in each by name */
    size_t file_count;
    bool is_file; /**< SOURCE is one file, the only entry of the root */
};

/**
 * Opens SOURCE at `path` (absolute): a .safetensors file, a folder, or a Hugging Face cache folder
 * (`models--org--name`, whose refs/main names the snapshot). Every file of the source needs a
 * descriptor. On failure err is filled and *repo closed.
 */
int mxfs_repo_open(struct mxfs_repo *repo, const char *path, const struct mxfs_choices *choices,
                   struct mxfs_error *err);

/** Closes; accepts a closed object. */
void mxfs_repo_close(struct mxfs_repo *repo);

#endif
