/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Collecting the tensors of the two sides of a comparison.
 */
#include "sides.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/array.h"

static int add_side(struct cmd_sides *s, const struct cmd_side *side)
{
    struct cmd_side *grown = mxfs_array_grow(s->side, s->count + 1, &s->capacity, sizeof(*s->side));

    if (!grown)
        return -ENOMEM;
    s->side = grown;
    s->side[s->count++] = *side;
    return 0;
}

static int add_view_file(struct cmd_sides *s, const struct mxfs_file *file, const char *folder)
{
    const struct mxfs_plan *plan = file->plan;
    int rc = 0;

    for (size_t i = 0; i < plan->count && rc == 0; i++) {
        const struct mxfs_output *o = &plan->outputs[i];
        const struct cmd_side side = {
            .folder = folder, .info = mxfs_output_info(o), .plan = plan, .output = o};
        if (!mxfs_plan_is_stale(plan, o))
            rc = add_side(s, &side);
    }
    return rc;
}

/* Returns 1, 0, or -ENOMEM: fnmatch() needs a terminated copy of the name. */
static int is_wanted(const char *only, const struct mxfs_tensor *t)
{
    if (!only)
        return 1;
    char *name = strndup(t->name, t->name_len);
    int wanted = name ? fnmatch(only, name, 0) == 0 : -ENOMEM;

    free(name);
    return wanted;
}

static int add_stored_model(struct cmd_sides *s, struct mxfs_model *m, const char *folder,
                            const char *only)
{
    int rc = 0;

    for (size_t k = 0; k < m->tensors.count && rc >= 0; k++) {
        const struct mxfs_tensor *t = m->tensors.sorted[k];
        const struct cmd_side side = {
            .folder = folder,
            .info = {t->name, t->shape, t->size, t->name_len, t->rank, t->dtype},
            .model = m,
            .tensor = t};
        if (m->main != MXFS_NOT_FOUND && t->shard != m->main)
            continue; /* the reference is that one shard of the model */
        rc = is_wanted(only, t);
        if (rc > 0)
            rc = add_side(s, &side);
    }
    return rc < 0 ? rc : 0;
}

int cmd_side_compare(const void *a, const void *b)
{
    const struct cmd_side *x = a, *y = b;
    int c = strcmp(x->folder, y->folder);

    return c ? c
             : mxfs_name_compare(x->info.name, x->info.name_len, y->info.name, y->info.name_len);
}

const char *cmd_side_path(const struct cmd_side *s)
{
    return s->plan ? mxfs_plan_source(s->plan)->path : mxfs_model_source(s->model, s->tensor)->path;
}

int cmd_side_fail_twice(const struct cmd_side *one, const struct cmd_side *other,
                        struct mxfs_error *err)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, EEXIST,
                     "tensor %s occurs in two files, %s and %s; name one of them instead of their "
                     "folder",
                     mxfs_quote(other->info.name, other->info.name_len).text, cmd_side_path(one),
                     cmd_side_path(other));
}

static int sort_sides(struct cmd_sides *s, struct mxfs_error *err)
{
    if (s->count > 1)
        qsort(s->side, s->count, sizeof(*s->side), cmd_side_compare);
    for (size_t i = 1; i < s->count; i++) {
        if (cmd_side_compare(&s->side[i - 1], &s->side[i]) == 0)
            return cmd_side_fail_twice(&s->side[i - 1], &s->side[i], err);
    }
    return 0;
}

int cmd_sides_of_view(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                      struct mxfs_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < repo->file_count && rc == 0; i++)
        rc = add_view_file(sides, &repo->files[i], flat ? "" : repo->files[i].folder->below);
    return rc == 0 ? sort_sides(sides, err) : rc;
}

int cmd_sides_of_reference(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                           const char *only, struct mxfs_error *err)
{
    int rc = 0;

    for (size_t i = 0; i < repo->folder_count; i++) {
        const struct mxfs_folder *f = repo->folders[i];
        for (size_t m = 0; m < f->model_count && rc == 0; m++)
            rc = add_stored_model(sides, f->models[m], flat ? "" : f->below, only);
    }
    return rc == 0 ? sort_sides(sides, err) : rc;
}

void cmd_sides_fini(struct cmd_sides *sides)
{
    free(sides->side);
    *sides = (struct cmd_sides){0};
}
