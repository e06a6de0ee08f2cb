/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Reading a virtual file: header, copied tensors and decoded tensors, in the order of the file.
 */
#include "mxfs/vfile.h"

#include <errno.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/log.h"
#include "read.h"

/* Logs that a tensor could not be read, not too often. Returns the errno for the reader. */
static int report(const struct mxfs_model *model, const struct mxfs_tensor *t, int rc)
{
    static struct mxfs_log_limit limit;
    char more[MXFS_LOG_DROPPED_TEXT];
    uint64_t dropped;

    if (mxfs_log_allow(&limit, &dropped))
        mxfs_log(MXFS_LOG_ERROR, "%s: cannot read tensor %s: %s%s",
                 mxfs_model_source(model, t)->path, mxfs_quote(t->name, t->name_len).text,
                 strerror(-rc), mxfs_log_dropped(more, dropped));
    /* The errno of a source or an allocation means nothing to the reader of another file. */
    return -EIO;
}

static int read_source(struct mxfs_vfile_reader *reader, struct mxfs_source *src, void *buf,
                       size_t len, uint64_t offset)
{
    int rc = mxfs_source_read(src, buf, len, offset);

    reader->tally.bytes_read += rc == 0 ? len : 0;
    return rc;
}

/*
 * Reads bytes [offset, offset + len) of one output; for a copied one, these may go on into the
 * tensors that follow it in the source.
 */
static int read_inside(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan,
                       const struct mxfs_output *output, uint8_t *buf, size_t len, uint64_t offset)
{
    const struct mxfs_tensor *t = output->tensor;
    int rc;

    if (len == 0)
        return 0;
    if (output->group) {
        struct vfile_read read = vfile_read_of(reader, plan->model, output->group);
        rc = (output->group->scheme->unit_at ? vfile_unit_range : vfile_stream_range)(&read, buf,
                                                                                      len, offset);
        t = read.failed;
    } else {
        rc = read_source(reader, mxfs_model_source(plan->model, t), buf, len, t->offset + offset);
    }
    return rc == 0 ? 0 : report(plan->model, t, rc);
}

ssize_t mxfs_vfile_read_output(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan,
                               const struct mxfs_output *output, void *buf, size_t len,
                               uint64_t offset)
{
    uint64_t size = mxfs_output_info(output).size;

    if (offset >= size)
        return 0;
    len = mxfs_min_u64(len, size - offset);
    int rc = read_inside(reader, plan, output, buf, len, offset);
    return rc == 0 ? (ssize_t)len : rc;
}

/* Whether b, which comes next in the virtual file, also comes next in the source. */
static bool follows(const struct mxfs_output *a, uint64_t size, const struct mxfs_output *b)
{
    return a->tensor && b->tensor && b->tensor->offset == a->tensor->offset + size &&
           b->tensor->shard == a->tensor->shard;
}

/*
 * How many of `len` bytes from `offset` on one read of the source can give: copied tensors that are
 * neighbours in both files go together, or a file of a million small tensors would cost a read for
 * each.
 */
static size_t run_length(const struct mxfs_plan *plan, const struct mxfs_output *output,
                         uint64_t offset, size_t len)
{
    uint64_t size = mxfs_output_info(output).size;
    uint64_t end = output->offset + size;
    const struct mxfs_output *last = plan->outputs + plan->count - 1;

    while (end - offset < len && output < last && follows(output, size, output + 1)) {
        output++;
        size = mxfs_output_info(output).size;
        end += size;
    }
    return mxfs_min_u64(len, end - offset);
}

ssize_t mxfs_vfile_read_raw(struct mxfs_vfile_reader *reader, struct mxfs_source *source, void *buf,
                            size_t len, uint64_t offset)
{
    static struct mxfs_log_limit limit;
    uint64_t size = (uint64_t)source->st.st_size, dropped;
    char more[MXFS_LOG_DROPPED_TEXT];

    if (offset >= size)
        return 0;
    len = mxfs_min_u64(len, size - offset);
    int rc = read_source(reader, source, buf, len, offset);
    if (rc == 0)
        return (ssize_t)len;
    if (mxfs_log_allow(&limit, &dropped))
        mxfs_log(MXFS_LOG_ERROR, "%s: cannot read: %s%s", source->path, strerror(-rc),
                 mxfs_log_dropped(more, dropped));
    return -EIO;
}

/* A failure names the tensor, where there is one. */
static ssize_t read_verbatim(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan,
                             void *buf, size_t len, uint64_t offset)
{
    struct mxfs_source *src = mxfs_plan_source(plan);

    if (offset < plan->data_offset || plan->count == 0)
        return mxfs_vfile_read_raw(reader, src, buf, len, offset);
    int rc = read_source(reader, src, buf, len, offset);
    return rc == 0 ? (ssize_t)len : report(plan->model, mxfs_plan_at(plan, offset)->tensor, rc);
}

ssize_t mxfs_vfile_read(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan, void *buf,
                        size_t len, uint64_t offset)
{
    uint8_t *at = buf;

    if (offset >= plan->size)
        return 0;
    len = mxfs_min_u64(len, plan->size - offset);
    if (plan->verbatim)
        return read_verbatim(reader, plan, buf, len, offset);
    for (size_t left = len, n; left > 0; left -= n, at += n, offset += n) {
        if (offset < plan->data_offset) {
            n = mxfs_min_u64(left, plan->data_offset - offset);
            memcpy(at, plan->header + offset, n);
            continue;
        }
        const struct mxfs_output *output = mxfs_plan_at(plan, offset);
        n = run_length(plan, output, offset, left);
        int rc = read_inside(reader, plan, output, at, n, offset - output->offset);
        if (rc != 0)
            return rc;
    }
    return (ssize_t)len;
}
