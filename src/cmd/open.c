/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Opening a source for a command.
 */
#include "open.h"

#include <string.h>
#include <sys/resource.h>

/* Raises the limit on descriptors: every file of a source takes one. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int cmd_open(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
             struct mxfs_error *err)
{
    raise_limit();
    return mxfs_view_open(view, path, choices, err);
}

int cmd_open_judged(struct mxfs_view *view, const char *path, const struct mxfs_choices *choices,
                    struct mxfs_error *err)
{
    int rc = cmd_open(view, path, choices, err);

    if (rc != 0)
        return rc;
    rc = mxfs_view_judge(view, choices, err);
    if (rc != 0)
        mxfs_view_close(view);
    return rc;
}

static void add_scheme(struct cmd_totals *t, const char *name)
{
    for (size_t i = 0; i < t->scheme_count; i++) {
        if (strcmp(t->schemes[i], name) == 0)
            return;
    }
    if (t->scheme_count < CMD_SCHEMES_MAX)
        t->schemes[t->scheme_count++] = name;
}

static void add_plan(struct cmd_totals *t, const struct mxfs_plan *plan)
{
    uint64_t in, out;

    mxfs_plan_totals(plan, &in, &out);
    t->bytes_in += in;
    t->bytes_out += out;
    t->files++;
    t->tensors += plan->count;
    for (size_t i = 0; i < plan->count; i++) {
        if (!plan->outputs[i].group)
            continue;
        t->dequantized++;
        add_scheme(t, mxfs_output_scheme(&plan->outputs[i]));
    }
}

struct cmd_totals cmd_totals_of(const struct mxfs_view *view)
{
    struct cmd_totals totals = {0};

    for (size_t i = 0; i < view->repo.file_count; i++)
        add_plan(&totals, view->repo.files[i].plan);
    return totals;
}
