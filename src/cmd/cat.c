/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs cat: writes the raw bytes of one tensor to stdout.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "mxfs/log.h"
#include "open.h"
#include "output.h"
#include "sides.h"

enum { CHUNK = 1 << 20 };

static int write_all(const char *data, size_t len, struct mxfs_error *err)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mxfs_fail(err, MXFS_EXIT_FAILED, errno, "writing to stdout: %s",
                             strerror(errno));
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* A failed read returns only EIO; the usual cause is a source that changed. */
static const char *why_unreadable(const struct mxfs_plan *plan, ssize_t n)
{
    for (size_t i = 0; i < plan->model->shard_count; i++) {
        if (atomic_load(&plan->model->shards[i].source.changed))
            return "the source changed while it was being read";
    }
    return strerror((int)-n);
}

static int copy_output(const struct mxfs_view *view, const struct cmd_side *side,
                       struct mxfs_error *err)
{
    struct mxfs_vfile_reader reader = {.env = &view->env};
    const struct mxfs_output_info *info = &side->info;
    char *buf = malloc(CHUNK);
    int rc = buf ? 0 : mxfs_fail_memory(err, NULL);

    for (uint64_t at = 0; rc == 0 && at < info->size;) {
        ssize_t n = mxfs_vfile_read_output(&reader, side->plan, side->output, buf, CHUNK, at);
        if (n < 0) {
            rc = mxfs_fail(err, MXFS_EXIT_SOURCE, (int)-n, "%s: tensor %s: %s", view->path,
                           mxfs_quote(info->name, info->name_len).text,
                           why_unreadable(side->plan, n));
        } else {
            rc = write_all(buf, (size_t)n, err);
            at += (uint64_t)n;
        }
    }
    free(buf);
    mxfs_vfile_reader_fini(&reader);
    return rc;
}

/* Finds the tensor called `name`. A second one of that name may have other bytes: an error. */
static int find(const struct mxfs_view *view, const char *name, struct cmd_side *found,
                struct mxfs_error *err)
{
    *found = (struct cmd_side){0};
    for (size_t i = 0; i < view->repo.file_count; i++) {
        const struct mxfs_plan *plan = view->repo.files[i].plan;
        size_t place = mxfs_plan_find(plan, name, strlen(name));
        if (place == MXFS_NOT_FOUND)
            continue;
        const struct mxfs_output *o = &plan->outputs[plan->by_name[place]];
        struct cmd_side side = {.info = mxfs_output_info(o), .plan = plan, .output = o};
        if (mxfs_plan_is_stale(plan, o))
            continue;
        if (found->output)
            return cmd_side_fail_twice(found, &side, err);
        *found = side;
    }
    if (found->output)
        return 0;
    return mxfs_fail(err, MXFS_EXIT_FAILED, ENOENT, "%s: there is no tensor %s", view->path,
                     mxfs_quote(name, strlen(name)).text);
}

int cmd_cat(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct cmd_output output;
    struct cmd_side side;
    struct mxfs_view view;

    cmd_output_find(&output, "-");
    int rc = cmd_output_check_terminal(&output, options->force, err);
    if (rc != 0)
        return rc;
    rc = cmd_open_judged(&view, options->operand[0], &options->choices, err);
    if (rc != 0)
        return rc;
    mxfs_log_open(NULL, NULL, MXFS_LOG_ERROR); /* err names the tensor; do not log it too */
    rc = find(&view, options->operand[1], &side, err);
    if (rc == 0)
        rc = copy_output(&view, &side, err);
    mxfs_view_close(&view);
    return rc;
}
