/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Decides how the JSON files of a folder are shown.
 *
 * If any tensor is dequantized, the quantization is removed from config.json and its dtype is set
 * to that of the output, indexes are edited to name the tensors that are shown, and files that only
 * describe the quantization are hidden. Otherwise these files stay as they are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "mxfs/jsonedit.h"
#include "mxfs/path.h"
#include "mxfs/rights.h"

/* config.json is a few kilobytes; an index of a million names 100 MB. */
enum { TEXT_MAX = 256 << 20 };

/* The first group of a folder, or NULL if nothing in it is dequantized. */
static const struct mxfs_group *first_group(const struct mxfs_folder *folder)
{
    for (size_t i = 0; i < folder->model_count; i++) {
        if (folder->models[i]->grouping.count > 0)
            return &folder->models[i]->grouping.groups[0];
    }
    return NULL;
}

static bool describes_quantization(const char *name)
{
    static const char *const names[] = {"hf_quant_config.json", "quantize_config.json",
                                        "quant_config.json"};
    for (size_t i = 0; i < MXFS_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* The model of the index called `name`, or NULL. */
static const struct mxfs_model *model_of_index(const struct mxfs_folder *folder, const char *name)
{
    if (!repo_name_ends_in(name, ".safetensors.index.json"))
        return NULL;
    for (size_t i = 0; i < folder->model_count; i++) {
        const char *index = folder->models[i]->index_path;
        if (index && strcmp(mxfs_path_basename(index), name) == 0)
            return folder->models[i];
    }
    return NULL;
}

/* Whether a model's index does not match the tensors that are shown. */
static bool changes_names(const struct mxfs_model *m)
{
    return m->grouping.count > 0 || m->missing > 0 || m->restricted;
}

static uint64_t total_size(const struct mxfs_folder *folder, const struct mxfs_model *m)
{
    uint64_t total = 0;

    for (size_t p = 0; p < folder->plan_count; p++) {
        const struct mxfs_plan *plan = folder->plans[p];
        for (size_t i = 0; plan->model == m && i < plan->count; i++) {
            if (!mxfs_plan_is_stale(plan, &plan->outputs[i]))
                total += mxfs_output_info(&plan->outputs[i]).size;
        }
    }
    return total;
}

/*
 * Keeps an index entry, drops it, or, for the main part of a group, renames it to the group. *near
 * is the index of the last tensor found; the next one is usually close to it.
 */
static int edit_weight(struct mxfs_jsonedit_index *index, const struct mxfs_jsonedit_weight *w,
                       const struct mxfs_model *m, size_t *near)
{
    size_t at = mxfs_tensors_find(&m->tensors, *near, w->name, w->name_len, "");

    if (at == MXFS_NOT_FOUND)
        return mxfs_jsonedit_index_drop(index); /* the tensor is in a missing shard */
    *near = at;
    int32_t role = m->grouping.role[at];
    if (role == MXFS_ROLE_DROPPED)
        return mxfs_jsonedit_index_drop(index);
    if (role < 0)
        return mxfs_jsonedit_index_keep(index);
    const struct mxfs_group *g = &m->grouping.groups[role];
    return g->part[0] == m->tensors.sorted[at]
               ? mxfs_jsonedit_index_rename(index, g->name, g->name_len)
               : mxfs_jsonedit_index_drop(index);
}

static int edit_index(const char *text, size_t len, const struct mxfs_folder *folder,
                      const struct mxfs_model *m, struct mxfs_entry *entry)
{
    struct mxfs_jsonedit_index *index;
    struct mxfs_jsonedit_weight weight;
    size_t near = 0;
    int more = 0, rc = mxfs_jsonedit_index_new(&index, text, len, total_size(folder, m));

    while (rc == 0 && (more = mxfs_jsonedit_index_next(index, &weight)) > 0)
        rc = edit_weight(index, &weight, m, &near);
    if (rc == 0)
        rc = more != 0 ? more
                       : mxfs_jsonedit_index_finish(index, &entry->text.data, &entry->text.size);
    mxfs_jsonedit_index_free(index);
    return rc;
}

static const char *config_dtype(const struct mxfs_group *g)
{
    static const char *const names[MXFS_OUT_COUNT] = {"bfloat16", "float16", "float32"};
    return names[g->out];
}

/* Edits a file that was parsed, and found valid, when the models were opened. */
static int edit_text(const struct mxfs_folder *folder, const struct mxfs_reach *reach,
                     const struct mxfs_model *indexed, const char *path, struct mxfs_entry *entry,
                     struct mxfs_error *err)
{
    char *text;
    size_t len;
    int rc = mxfs_source_slurp(path, reach, TEXT_MAX, &text, &len, err);

    if (rc != 0)
        return rc;
    rc = mxfs_rights_stat(path, &entry->text.st);
    if (rc == 0 && indexed)
        rc = edit_index(text, len, folder, indexed, entry);
    else if (rc == 0)
        rc = mxfs_jsonedit_config(text, len, config_dtype(first_group(folder)), 0,
                                  &entry->text.data, &entry->text.size);
    free(text);
    if (rc != 0)
        return mxfs_fail(err, rc == -EINVAL ? MXFS_EXIT_MALFORMED : MXFS_EXIT_FAILED, -rc,
                         "%s: cannot edit this file: %s", path,
                         rc == -EINVAL ? "invalid JSON" : strerror(-rc));
    entry->kind = MXFS_ENTRY_TEXT;
    return 0;
}

int repo_edit(const struct mxfs_folder *folder, const struct mxfs_reach *reach, const char *name,
              struct mxfs_entry *entry, bool *hide, struct mxfs_error *err)
{
    const struct mxfs_model *indexed = model_of_index(folder, name);
    bool config = strcmp(name, "config.json") == 0 && first_group(folder);

    *hide = describes_quantization(name) && first_group(folder);
    if (!config && !(indexed && changes_names(indexed)))
        return 0;
    char *path = mxfs_path_join(folder->path, name);
    int rc = path ? edit_text(folder, reach, indexed, path, entry, err)
                  : mxfs_fail_memory(err, folder->path);
    free(path);
    return rc;
}
