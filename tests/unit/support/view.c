/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening views.
 */
#include "support/view.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/cpu.h"

static void open_env(struct view *v, const struct view_options *o)
{
    uint32_t cpu = mxfs_cpu_detect();

    v->tables = aligned_alloc(64, (sizeof(*v->tables) + 63) / 64 * 64);
    ck_assert_ptr_nonnull(v->tables);
    mxfs_tables_init(v->tables);
    v->env.codec.tables = v->tables;
    v->env.codec.kernel =
        o->kernel ? mxfs_kernel_named(o->kernel, cpu, NULL) : mxfs_kernel_select(cpu);
    ck_assert_ptr_nonnull(v->env.codec.kernel);
    ck_assert_int_eq(mxfs_cache_new(&v->env.cache, o->cache ? o->cache : 1 << 20), 0);
}

struct view *view_open(const char *path, struct view_options options)
{
    struct view *v = calloc(1, sizeof(*v));
    struct mxfs_choices how = {.dtype = options.out + MXFS_CHOOSE_BF16,
                               .cache_size = options.unit_max * MXFS_UNITS_IN_CACHE};
    struct mxfs_error err = {0};

    ck_assert_ptr_nonnull(v);
    open_env(v, &options);
    ck_assert_msg(mxfs_model_open_file(&v->model, path, &how, &err) == 0, "%s", err.text);
    ck_assert_msg(mxfs_plan_init(&v->plan, &v->model, v->model.main, &err) == 0, "%s", err.text);
    return v;
}

void view_close(struct view *view)
{
    if (!view)
        return;
    mxfs_scratch_fini(&view->scratch);
    mxfs_plan_fini(&view->plan);
    mxfs_model_close(&view->model);
    mxfs_cache_free(view->env.cache);
    free(view->tables);
    free(view);
}

const struct mxfs_output *view_output(const struct view *view, const char *name)
{
    size_t place = mxfs_plan_find(&view->plan, name, strlen(name));

    ck_assert_msg(place != MXFS_NOT_FOUND, "no output called %s", name);
    return &view->plan.outputs[view->plan.by_name[place]];
}
