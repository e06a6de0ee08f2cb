/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening views.
 */
#include "support/view.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct view *view_open(const char *path, struct view_options options)
{
    struct view *v = calloc(1, sizeof(*v));
    struct mxfs_choices how = {.dtype = options.out + MXFS_CHOOSE_BF16,
                               .unit_max = options.unit_max};
    struct mxfs_error err = {0};

    ck_assert_ptr_nonnull(v);
    ck_assert_msg(mxfs_vfile_env_init(&v->env, options.kernel,
                                      options.cache ? options.cache : 1 << 20, &err) == 0,
                  "%s", err.text);
    v->reader.env = &v->env;
    ck_assert_msg(mxfs_model_open_file(&v->model, path, &how, &err) == 0, "%s", err.text);
    ck_assert_msg(mxfs_plan_init(&v->plan, &v->model, v->model.main, &err) == 0, "%s", err.text);
    return v;
}

void view_close(struct view *view)
{
    if (!view)
        return;
    mxfs_vfile_reader_fini(&view->reader);
    mxfs_plan_fini(&view->plan);
    mxfs_model_close(&view->model);
    mxfs_vfile_env_fini(&view->env);
    free(view);
}

const struct mxfs_output *view_output(const struct view *view, const char *name)
{
    size_t place = mxfs_plan_find(&view->plan, name, strlen(name));

    ck_assert_msg(place != MXFS_NOT_FOUND, "no output called %s", name);
    return &view->plan.outputs[view->plan.by_name[place]];
}
