/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A repository: the folder, or the single file, that is shown. All decisions are made when it is
 * opened.
 *
 * In each folder, the shards that an index (`*.safetensors.index.json`) names form a model, and
 * every other .safetensors file is a model of its own. These files become virtual files;
 * config.json and indexes are edited; files that only describe the quantization are hidden; all
 * others are passed through.
 *
 * Folders and virtual files are flat lists. Thread safety: immutable after open, except that
 * sources may be read by many threads.
 */
#ifndef MXFS_REPO_H
#define MXFS_REPO_H

#include "mxfs/model.h"
#include "mxfs/plan.h"

/** Kinds of entries of a folder. */
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
    size_t model_count;         /**< of models */
    size_t model_capacity;      /**< of models */
    struct mxfs_plan **plans;   /**< one for each safetensors file, sorted by name; owned */
    size_t plan_count;          /**< of plans */
    size_t plan_capacity;       /**< of plans */
};

/** A virtual safetensors file and its location. */
struct mxfs_file {
    const struct mxfs_plan *plan;     /**< its contents */
    const struct mxfs_folder *folder; /**< the folder that holds it */
    char *path;                       /**< relative to the root; owned */
};

/** An open repository. Zero-initialised is a valid closed one. */
struct mxfs_repo {
    struct mxfs_folder **folders; /**< parents first, siblings by name; [0] is the root; owned */
    size_t folder_count;          /**< of folders */
    size_t folder_capacity;       /**< of folders */
    struct mxfs_file *files;      /**< in the order of their folders, then by name; owned */
    size_t file_count;            /**< of files */
    bool is_file;                 /**< SOURCE is one file, the only entry of the root */
};

/**
 * Opens SOURCE at `path` (absolute): a .safetensors file, a folder, or a Hugging Face cache folder
 * (`models--org--name`, whose refs/main names the snapshot). Takes a descriptor for every file of
 * the source. Returns 0, or -errno with err filled and *repo closed.
 */
int mxfs_repo_open(struct mxfs_repo *repo, const char *path, const struct mxfs_choices *choices,
                   struct mxfs_error *err);

/** Closes; accepts a closed object. */
void mxfs_repo_close(struct mxfs_repo *repo);

#endif
