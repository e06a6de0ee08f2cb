/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A repository: the folder (or the one file) that is shown, with everything in it decided at mount
 * time.
 *
 * In each folder, every index (`*.safetensors.index.json`) makes a model of the shards that it
 * names, and every other .safetensors file is a model of its own. Those become virtual files;
 * config.json and the index are edited; files that only describe the quantization vanish; all else
 * is passed through. Thread safety: immutable after open, except that sources may be read by many
 * threads.
 */
#ifndef MXFS_REPO_H
#define MXFS_REPO_H

#include "mxfs/model.h"
#include "mxfs/options.h"
#include "mxfs/plan.h"

/** What an entry of a folder is. */
enum mxfs_entry_kind {
    MXFS_ENTRY_FOLDER,
    MXFS_ENTRY_VIRTUAL, /**< a dequantized safetensors file */
    MXFS_ENTRY_TEXT,    /**< an edited JSON file, in memory */
    MXFS_ENTRY_RAW,     /**< a file passed through */
};

struct mxfs_folder;

/** An entry of a folder. */
struct mxfs_entry {
    char *name;
    enum mxfs_entry_kind kind;
    union {
        struct mxfs_folder *folder; /**< MXFS_ENTRY_FOLDER; owned */
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
    char *path;                 /**< absolute */
    struct stat st;             /**< of the folder itself */
    struct mxfs_entry *entries; /**< sorted by name, bytewise */
    size_t count;
    struct mxfs_model **models; /**< owned */
    size_t model_count;
    struct mxfs_plan **plans; /**< one for each safetensors file; owned */
    size_t plan_count;
};

/** How to open. */
struct mxfs_repo_options {
    struct mxfs_model_options model;
    bool confined; /**< beside SOURCE itself, nothing outside of its folder (and of its Hugging Face
                      cache's blobs) is shown or consulted; sets model.reach */
};

/** What the options of a command line ask of opening. `only` is borrowed from them. */
struct mxfs_repo_options mxfs_repo_options_of(const struct mxfs_options *options);

/** An open repository. Zero-initialised is a valid closed one. */
struct mxfs_repo {
    struct mxfs_folder root;
    bool is_file; /**< SOURCE is one file, the only entry of the root */
};

/**
 * Opens SOURCE at `path` (absolute): a .safetensors file, a folder, or a Hugging Face cache folder
 * (`models--org--name`, whose refs/main names the snapshot). On failure err is filled and *repo
 * closed.
 */
int mxfs_repo_open(struct mxfs_repo *repo, const char *path,
                   const struct mxfs_repo_options *options, struct mxfs_error *err);

/** Closes; accepts a closed object. */
void mxfs_repo_close(struct mxfs_repo *repo);

/**
 * The path of a plan's file relative to the root; caller frees; NULL when out of memory.
 */
char *mxfs_repo_file(const struct mxfs_repo *repo, const struct mxfs_folder *folder,
                     const struct mxfs_plan *plan);

/**
 * Calls visit(data, folder) for a folder and all below it, parents first, in name order; stops at
 * the first value that is not 0 and returns it.
 */
int mxfs_repo_visit(struct mxfs_folder *folder,
                    int (*visit)(void *data, struct mxfs_folder *folder), void *data);

#endif
