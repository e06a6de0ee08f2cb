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

/* What the visitors of folders need. */
struct collect {
    struct cmd_sides *sides;
    const struct mxfs_repo *repo;
    bool flat;
    const char *only;
};

static int add_side(struct cmd_sides *s, const struct cmd_side *side)
{
    if ((s->count & (s->count - 1)) == 0) {
        void *grown = realloc(s->side, (s->count ? s->count * 2 : 1) * sizeof(*s->side));
        if (!grown)
            return -ENOMEM;
        s->side = grown;
    }
    s->side[s->count++] = *side;
    return 0;
}

static const char *below(const struct collect *c, const struct mxfs_folder *root,
                         const struct mxfs_folder *folder)
{
    return c->flat || folder == root ? "" : folder->path + strlen(root->path);
}

static int collect_views(void *data, struct mxfs_folder *folder)
{
    struct collect *c = data;
    int rc = 0;

    for (size_t p = 0; p < folder->plan_count; p++) {
        const struct mxfs_plan *plan = folder->plans[p];
        for (size_t i = 0; i < plan->count && rc == 0; i++) {
            const struct mxfs_output *o = &plan->outputs[i];
            struct cmd_side side = {.folder = below(c, &c->repo->root, folder),
                                    .info = mxfs_output_info(o),
                                    .plan = plan,
                                    .output = o};
            if (!mxfs_plan_is_stale(plan, o))
                rc = add_side(c->sides, &side);
        }
    }
    return rc;
}

/* 1, 0, or -ENOMEM: fnmatch() wants a string. */
static int is_wanted(const struct collect *c, const struct mxfs_tensor *t)
{
    if (!c->only)
        return 1;
    char *name = strndup(t->name, t->name_len);
    int wanted = name ? fnmatch(c->only, name, 0) == 0 : -ENOMEM;

    free(name);
    return wanted;
}

static int collect_references(void *data, struct mxfs_folder *folder)
{
    struct collect *c = data;
    int rc = 0;

    for (size_t i = 0; i < folder->model_count; i++) {
        struct mxfs_model *m = folder->models[i];
        for (size_t k = 0; k < m->tensors.count && rc == 0; k++) {
            const struct mxfs_tensor *t = m->tensors.sorted[k];
            struct mxfs_output_info info = {t->name,     t->shape, t->size,
                                            t->name_len, t->rank,  t->dtype};
            struct cmd_side side = {
                .folder = below(c, &c->repo->root, folder), .info = info, .model = m, .tensor = t};
            if (m->main != MXFS_NOT_FOUND && t->shard != m->main)
                continue; /* a file that is a shard stands for itself */
            rc = is_wanted(c, t);
            if (rc > 0)
                rc = add_side(c->sides, &side);
        }
    }
    return rc;
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
                     "tensor %s is twice there, in %s and in %s; expected one of the two files "
                     "instead of their folder",
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

static int collect(struct collect *c, int (*visit)(void *, struct mxfs_folder *),
                   struct mxfs_error *err)
{
    int rc = mxfs_repo_visit((struct mxfs_folder *)&c->repo->root, visit, c);
    return rc == 0 ? sort_sides(c->sides, err) : rc;
}

int cmd_sides_of_view(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                      struct mxfs_error *err)
{
    return collect(&(struct collect){sides, repo, flat, NULL}, collect_views, err);
}

int cmd_sides_of_reference(struct cmd_sides *sides, const struct mxfs_repo *repo, bool flat,
                           const char *only, struct mxfs_error *err)
{
    return collect(&(struct collect){sides, repo, flat, only}, collect_references, err);
}

void cmd_sides_fini(struct cmd_sides *sides)
{
    free(sides->side);
    *sides = (struct cmd_sides){0};
}
