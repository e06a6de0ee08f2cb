/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs cat: the raw bytes of one tensor on stdout.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "dest.h"
#include "mxfs/log.h"
#include "open.h"
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

/* A read says no more than EIO; a file that changed is the usual cause. */
static const char *why_unreadable(const struct mxfs_plan *plan, ssize_t n)
{
    for (size_t i = 0; i < plan->model->shard_count; i++) {
        if (atomic_load(&plan->model->shards[i].source.changed))
            return "the source has changed while it was read";
    }
    return strerror((int)-n);
}

static int copy_output(struct cmd_source *s, const struct mxfs_plan *plan,
                       const struct mxfs_output *output, struct mxfs_error *err)
{
    struct mxfs_vfile_reader reader = {.env = &s->env};
    struct mxfs_output_info info = mxfs_output_info(output);
    char *buf = malloc(CHUNK);
    int rc = buf ? 0 : mxfs_fail_memory(err, NULL);

    for (uint64_t at = 0; rc == 0 && at < info.size;) {
        ssize_t n = mxfs_vfile_read_output(&reader, plan, output, buf, CHUNK, at);
        if (n < 0) {
            rc = mxfs_fail(err, MXFS_EXIT_SOURCE, (int)-n, "%s: tensor %s: %s", s->path,
                           mxfs_quote(info.name, info.name_len).text, why_unreadable(plan, n));
        } else {
            rc = write_all(buf, (size_t)n, err);
            at += (uint64_t)n;
        }
    }
    free(buf);
    mxfs_vfile_reader_fini(&reader);
    return rc;
}

/* What is looked for, and where it was found. */
struct search {
    const char *name;
    struct cmd_side found[2]; /* the second may have other bytes */
    size_t count;
};

static int find_in_folder(void *data, struct mxfs_folder *folder)
{
    struct search *s = data;

    for (size_t p = 0; p < folder->plan_count; p++) {
        size_t place = mxfs_plan_find(folder->plans[p], s->name, strlen(s->name));
        if (place == MXFS_NOT_FOUND)
            continue;
        const struct mxfs_plan *plan = folder->plans[p];
        const struct mxfs_output *output = &plan->outputs[plan->by_name[place]];
        if (mxfs_plan_is_stale(plan, output))
            continue;
        s->found[s->count++] =
            (struct cmd_side){.info = mxfs_output_info(output), .plan = plan, .output = output};
        if (s->count == MXFS_COUNT(s->found))
            return 1;
    }
    return 0;
}

static int find(struct cmd_source *source, struct search *s, struct mxfs_error *err)
{
    mxfs_repo_visit(&source->repo.root, find_in_folder, s);
    if (s->count == 0)
        return mxfs_fail(err, MXFS_EXIT_FAILED, ENOENT, "%s: there is no tensor %s", source->path,
                         mxfs_quote(s->name, strlen(s->name)).text);
    return s->count == 1 ? 0 : cmd_side_fail_twice(&s->found[0], &s->found[1], err);
}

int cmd_cat(const struct mxfs_options *options, struct mxfs_error *err)
{
    struct search search = {.name = options->operand[1]};
    struct cmd_source s;

    int rc = cmd_dest_check_stdout(options->force, err);
    if (rc == 0)
        rc = cmd_source_open(&s, options, err);
    if (rc != 0)
        return rc;
    rc = cmd_source_judge(&s, options, err);
    /* From here on one line says what failed: ours. */
    mxfs_log_open(MXFS_LOG_SILENT);
    if (rc == 0)
        rc = find(&s, &search, err);
    if (rc == 0)
        rc = copy_output(&s, search.found[0].plan, search.found[0].output, err);
    cmd_source_close(&s);
    return rc;
}
