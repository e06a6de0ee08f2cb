/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Views: outputs sorted by name, and file names that are computed when asked for.
 */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/array.h"
#include "mxfs/vfile.h"

static const struct {
    const char *name;
    const char *ext;
} forms[TREE_VIEW_FORMS] = {{"tensors", ""}, {"npy", ".npy"}};

const char *tree_view_name(enum tree_view_form form)
{
    return forms[form].name;
}

static int compare_outputs(const void *a, const void *b)
{
    struct mxfs_output_info x = mxfs_output_info(((const struct tree_view_output *)a)->output);
    struct mxfs_output_info y = mxfs_output_info(((const struct tree_view_output *)b)->output);
    return mxfs_name_compare(x.name, x.name_len, y.name, y.name_len);
}

int tree_view_collect(struct tree_view_outputs *out, const struct mxfs_folder *folder,
                      struct mxfs_error *err)
{
    size_t total = 0;

    for (size_t p = 0; p < folder->plan_count; p++)
        total += folder->plans[p]->count;
    out->count = 0;
    out->sorted = malloc((total + 1) * sizeof(*out->sorted));
    if (!out->sorted)
        return -ENOMEM;
    for (size_t p = 0; p < folder->plan_count; p++) {
        const struct mxfs_plan *plan = folder->plans[p];
        for (size_t i = 0; i < plan->count; i++) {
            const struct mxfs_output *o = &plan->outputs[plan->by_name[i]];
            if (!mxfs_plan_is_stale(plan, o))
                out->sorted[out->count++] = (struct tree_view_output){plan, o};
        }
    }
    if (out->count > 1)
        qsort(out->sorted, out->count, sizeof(*out->sorted), compare_outputs);
    for (size_t i = 1; i < out->count; i++) {
        struct mxfs_output_info o = mxfs_output_info(out->sorted[i].output);
        if (compare_outputs(&out->sorted[i - 1], &out->sorted[i]) == 0)
            return mxfs_fail(err, MXFS_EXIT_USAGE, EEXIST,
                             "%s: two files contain a tensor %s, so tensors/ and npy/ cannot be "
                             "shown; use --views=none",
                             folder->path, mxfs_quote(o.name, o.name_len).text);
    }
    return 0;
}

bool tree_view_shows(const struct tree_view *view, size_t place)
{
    return view->form == TREE_VIEW_TENSORS ||
           mxfs_vfile_npy_size(view->outputs->sorted[place].output) > 0;
}

size_t tree_view_file_name(const struct tree_view *view, size_t place,
                           char out[MXFS_FILE_NAME_SIZE])
{
    struct mxfs_output_info o = mxfs_output_info(view->outputs->sorted[place].output);
    return mxfs_name_to_file(out, o.name, o.name_len, forms[view->form].ext);
}

static int compare_cut(const void *a, const void *b)
{
    return strcmp(((const struct tree_view_cut_name *)a)->file,
                  ((const struct tree_view_cut_name *)b)->file);
}

static int compare_file(const void *file, const void *cut)
{
    return strcmp(file, ((const struct tree_view_cut_name *)cut)->file);
}

static int add_cut_name(struct tree_view *view, size_t *capacity, const char *file, size_t place)
{
    struct tree_view_cut_name *grown =
        mxfs_array_grow(view->cut, view->cut_count + 1, capacity, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    view->cut = grown;
    char *copy = strdup(file);
    if (!copy)
        return -ENOMEM;
    view->cut[view->cut_count++] = (struct tree_view_cut_name){copy, place};
    return 0;
}

/* Stores the names that are cut and hashed, which cannot be mapped back; only long ones can be. */
int tree_view_init(struct tree_view *view, const struct tree_view_outputs *outputs,
                   enum tree_view_form form, struct mxfs_error *err)
{
    char file[MXFS_FILE_NAME_SIZE];
    size_t capacity = 0;
    int rc = 0;

    *view = (struct tree_view){.outputs = outputs, .form = form};
    for (size_t i = 0; i < outputs->count && rc == 0; i++) {
        struct mxfs_output_info o = mxfs_output_info(outputs->sorted[i].output);
        /* Escaping turns a byte into three at most. */
        if ((size_t)o.name_len * 3 + strlen(forms[form].ext) < sizeof(file) ||
            !tree_view_shows(view, i))
            continue;
        tree_view_file_name(view, i, file);
        if (strchr(file, '~'))
            rc = add_cut_name(view, &capacity, file, i);
    }
    if (view->cut_count > 1)
        qsort(view->cut, view->cut_count, sizeof(*view->cut), compare_cut);
    for (size_t i = 1; i < view->cut_count && rc == 0; i++) {
        if (compare_cut(&view->cut[i - 1], &view->cut[i]) == 0)
            rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EEXIST,
                           "two tensor names map to the file name %s", view->cut[i].file);
    }
    return rc;
}

void tree_view_fini(struct tree_view *view)
{
    for (size_t i = 0; i < view->cut_count; i++)
        free(view->cut[i].file);
    free(view->cut);
    memset(view, 0, sizeof(*view));
}

static size_t find_name(const struct tree_view_outputs *outputs, const char *name, size_t len)
{
    for (size_t low = 0, high = outputs->count; low < high;) {
        size_t mid = low + (high - low) / 2;
        struct mxfs_output_info o = mxfs_output_info(outputs->sorted[mid].output);
        int c = mxfs_name_compare(o.name, o.name_len, name, len);
        if (c == 0)
            return mid;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return MXFS_NOT_FOUND;
}

size_t tree_view_find(const struct tree_view *view, const char *file)
{
    char name[MXFS_FILE_NAME_SIZE];
    size_t len, place = MXFS_NOT_FOUND;
    bool hashed;

    if (strlen(file) >= sizeof(name))
        return MXFS_NOT_FOUND;
    if (mxfs_name_from_file(name, &len, &hashed, file, forms[view->form].ext)) {
        place = find_name(view->outputs, name, len);
    } else if (hashed && view->cut_count > 0) {
        const struct tree_view_cut_name *found =
            bsearch(file, view->cut, view->cut_count, sizeof(*view->cut), compare_file);
        place = found ? found->place : MXFS_NOT_FOUND;
    }
    return place != MXFS_NOT_FOUND && tree_view_shows(view, place) ? place : MXFS_NOT_FOUND;
}
