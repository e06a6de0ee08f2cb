/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A view: the tensors of one folder as files. Private to tree/.
 *
 * Its files are not objects: file i is output i in name order, and its name is computed, but for
 * names that are cut and end in a hash.
 */
#ifndef MXFS_TREE_VIEW_H
#define MXFS_TREE_VIEW_H

#include "mxfs/names.h"
#include "mxfs/repo.h"

/** Forms of a tensor. */
enum view_form { VIEW_TENSORS, VIEW_NPY, VIEW_FORMS };

/** An output and the plan that it is of. */
struct view_output {
    const struct mxfs_plan *plan;
    const struct mxfs_output *output;
};

/** A cut file name and the output that it stands for. */
struct view_cut_name {
    char *file;
    size_t place;
};

/** The outputs of a folder, shared by its forms. */
struct view_outputs {
    struct view_output *sorted; /**< by name */
    size_t count;
};

/** One form of a folder's tensors. */
struct view {
    const struct view_outputs *outputs;
    enum view_form form;
    struct view_cut_name *cut; /**< sorted by file name */
    size_t cut_count;
};

/** The folder's name of a form, e.g. "tensors". */
const char *mxfs_view_name(enum view_form form);

/** Collects and sorts the outputs of a folder; fails when two have one name. */
int mxfs_view_collect(struct view_outputs *out, const struct mxfs_folder *folder,
                      struct mxfs_error *err);

/** Prepares one form; `outputs` is borrowed. */
int mxfs_view_init(struct view *view, const struct view_outputs *outputs, enum view_form form,
                   struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void mxfs_view_fini(struct view *view);

/** Whether output `place` has a file: NumPy knows no 4- and 6-bit types. */
bool mxfs_view_shows(const struct view *view, size_t place);

/** The file name of output `place`. */
void mxfs_view_file_name(const struct view *view, size_t place, char out[MXFS_FILE_NAME_SIZE]);

/** The output that a file name stands for, or MXFS_NOT_FOUND. */
size_t mxfs_view_find(const struct view *view, const char *file);

#endif
