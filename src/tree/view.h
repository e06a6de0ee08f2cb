/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A view: the tensors of one folder as files. Private to tree/.
 *
 * Its files take no memory of their own: file i is output i in name order, and its name is computed
 * on demand. Only names that are cut and end in a hash are stored.
 */
#ifndef MXFS_TREE_VIEW_H
#define MXFS_TREE_VIEW_H

#include "mxfs/names.h"
#include "mxfs/repo.h"

/** How a view presents a tensor. */
enum tree_view_form {
    TREE_VIEW_TENSORS, /**< tensors/: raw bytes */
    TREE_VIEW_NPY,     /**< npy/: a NumPy file */
    TREE_VIEW_FORMS,   /**< their number */
};

/** An output and its plan. */
struct tree_view_output {
    const struct mxfs_plan *plan;     /**< borrowed */
    const struct mxfs_output *output; /**< of that plan; borrowed */
};

/** A file name that is cut and hashed, and its output. */
struct tree_view_cut_name {
    char *file;   /**< owned by the view */
    size_t place; /**< index of the output */
};

/** The outputs of a folder, shared by its forms. */
struct tree_view_outputs {
    struct tree_view_output *sorted; /**< by name */
    size_t count;                    /**< of sorted */
};

/** One form of a folder's tensors. */
struct tree_view {
    const struct tree_view_outputs *outputs; /**< its files; borrowed */
    enum tree_view_form form;                /**< how they are presented */
    struct tree_view_cut_name *cut;          /**< owned; sorted by file name */
    size_t cut_count;                        /**< of cut */
};

/** The folder name of a form, e.g. "tensors". */
const char *tree_view_name(enum tree_view_form form);

/**
 * Collects and sorts the outputs of a folder. Returns -ENOMEM, or -EEXIST with err filled when two
 * have the same name. The caller frees out->sorted.
 */
int tree_view_collect(struct tree_view_outputs *out, const struct mxfs_folder *folder,
                      struct mxfs_error *err);

/**
 * Prepares one form; `outputs` is borrowed. Returns -ENOMEM, or -EEXIST with err filled when two
 * names map to the same file name.
 */
int tree_view_init(struct tree_view *view, const struct tree_view_outputs *outputs,
                   enum tree_view_form form, struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void tree_view_fini(struct tree_view *view);

/** Whether output `place` has a file in this view: NumPy has no 4- and 6-bit types. */
bool tree_view_shows(const struct tree_view *view, size_t place);

/** Writes the file name of output `place` to `out`. Returns its length. */
size_t tree_view_file_name(const struct tree_view *view, size_t place,
                           char out[MXFS_FILE_NAME_SIZE]);

/** The index of the output that has this file name, or MXFS_NOT_FOUND. */
size_t tree_view_find(const struct tree_view *view, const char *file);

#endif
