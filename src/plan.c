/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Planning: puts the tensors of a virtual file in the order of the reference library, and computes
 * their offsets.
 */
#include "mxfs/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"

static enum mxfs_dtype out_dtype(enum mxfs_out out)
{
    static const uint8_t dtypes[MXFS_OUT_COUNT] = {MXFS_BF16, MXFS_F16, MXFS_F32};
    return dtypes[out];
}

struct mxfs_output_info mxfs_output_info(const struct mxfs_output *output)
{
    const struct mxfs_tensor *t = output->tensor;
    const struct mxfs_group *g = output->group;

    if (t)
        return (struct mxfs_output_info){t->name,     t->shape, t->size,
                                         t->name_len, t->rank,  t->dtype};
    return (struct mxfs_output_info){g->name,     g->shape, g->elements * mxfs_out_size(g->out),
                                     g->name_len, g->rank,  out_dtype(g->out)};
}

static int compare_file_order(const void *a, const void *b)
{
    struct mxfs_output_info x = mxfs_output_info(a), y = mxfs_output_info(b);
    return mxfs_safetensors_order(x.dtype, x.name, x.name_len, y.dtype, y.name, y.name_len);
}

static int compare_names(const void *a, const void *b, void *outputs)
{
    const struct mxfs_output *all = outputs;
    struct mxfs_output_info x = mxfs_output_info(&all[*(const uint32_t *)a]);
    struct mxfs_output_info y = mxfs_output_info(&all[*(const uint32_t *)b]);

    return mxfs_name_compare(x.name, x.name_len, y.name, y.name_len);
}

/*
 * Fills in the output that tensor `t` becomes: itself, or the group of which it is the main part.
 * Returns false if it becomes none. `near` is a hint for the search.
 */
static bool output_of(const struct mxfs_model *m, const struct mxfs_tensor *t, size_t *near,
                      struct mxfs_output *out)
{
    /*
     * A tensor that the index places in another shard is a stale copy. It would be a second tensor
     * of that name, so only a model that is shown unchanged keeps it.
     */
    bool unchanged = m->grouping.count == 0 && !m->restricted;
    int32_t stale = unchanged ? MXFS_ROLE_PLAIN : MXFS_ROLE_DROPPED;
    int32_t role = mxfs_model_find(m, t, near) ? m->grouping.role[*near] : stale;

    *out = (struct mxfs_output){0};
    if (role == MXFS_ROLE_DROPPED)
        return false;
    if (role < 0) {
        out->tensor = t;
        return true;
    }
    out->group = &m->grouping.groups[role];
    return out->group->part[0] == t;
}

static int collect_outputs(struct mxfs_plan *plan)
{
    const struct mxfs_safetensors *h = &plan->model->shards[plan->shard].header;
    size_t plain = 0, near = 0;

    plan->outputs = malloc((h->count + 1) * sizeof(*plan->outputs));
    if (!plan->outputs)
        return -ENOMEM;
    for (size_t i = 0; i < h->count; i++) {
        if (output_of(plan->model, &h->tensors[i], &near, &plan->outputs[plan->count])) {
            plain += plan->outputs[plan->count].tensor != NULL;
            plan->count++;
        }
    }
    plan->verbatim = plain == h->count;
    return 0;
}

static int index_names(struct mxfs_plan *plan, struct mxfs_error *err)
{
    plan->by_name = malloc((plan->count + 1) * sizeof(*plan->by_name));
    if (!plan->by_name)
        return -ENOMEM;
    for (size_t i = 0; i < plan->count; i++)
        plan->by_name[i] = (uint32_t)i;
    if (plan->count > 1)
        qsort_r(plan->by_name, plan->count, sizeof(*plan->by_name), compare_names, plan->outputs);
    for (size_t i = 1; i < plan->count; i++) {
        if (compare_names(&plan->by_name[i - 1], &plan->by_name[i], plan->outputs) == 0) {
            struct mxfs_output_info o = mxfs_output_info(&plan->outputs[plan->by_name[i]]);
            return mxfs_fail(err, MXFS_EXIT_UNSUPPORTED, EINVAL,
                             "%s: after dequantizing, two tensors would have the name %s",
                             mxfs_plan_source(plan)->path, mxfs_quote(o.name, o.name_len).text);
        }
    }
    return 0;
}

/* The tensors of an unchanged file keep their offsets; empty ones may share theirs with another. */
static void place_verbatim(struct mxfs_plan *plan)
{
    const struct mxfs_shard *shard = &plan->model->shards[plan->shard];
    for (size_t i = 0; i < plan->count; i++)
        plan->outputs[i].offset = plan->outputs[i].tensor->offset;
    plan->data_offset = shard->header.data_offset;
    plan->size = (uint64_t)shard->source.st.st_size;
}

static bool has_format(const struct mxfs_metadata *metadata, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (metadata[i].key_len == 6 && memcmp(metadata[i].key, "format", 6) == 0)
            return true;
    }
    return false;
}

/* The metadata of the source, with "format":"pt" added if it has no format. The caller frees it. */
static struct mxfs_metadata *make_metadata(const struct mxfs_safetensors *h, size_t *count)
{
    struct mxfs_metadata *m = malloc((h->metadata_count + 1) * sizeof(*m));
    if (!m)
        return NULL;
    *count = h->metadata_count;
    if (*count)
        memcpy(m, h->metadata, *count * sizeof(*m));
    if (!has_format(m, *count))
        m[(*count)++] = (struct mxfs_metadata){"format", "pt", 6, 2};
    return m;
}

static int write_header(struct mxfs_plan *plan)
{
    const struct mxfs_safetensors *h = &plan->model->shards[plan->shard].header;
    size_t metadata_count, size;
    struct mxfs_metadata *metadata = make_metadata(h, &metadata_count);
    struct mxfs_safetensors_entry *entries = malloc((plan->count + 1) * sizeof(*entries));
    int rc = metadata && entries ? 0 : -ENOMEM;

    for (size_t i = 0; i < plan->count && rc == 0; i++) {
        struct mxfs_output_info o = mxfs_output_info(&plan->outputs[i]);
        entries[i] =
            (struct mxfs_safetensors_entry){o.name, o.shape, o.size, o.name_len, o.rank, o.dtype};
    }
    if (rc == 0)
        rc = mxfs_safetensors_write(entries, plan->count, metadata, metadata_count, &plan->header,
                                    &size);
    free(entries);
    free(metadata);
    if (rc == 0)
        plan->data_offset = size;
    return rc;
}

static int place_outputs(struct mxfs_plan *plan)
{
    if (plan->count > 1)
        qsort(plan->outputs, plan->count, sizeof(*plan->outputs), compare_file_order);
    int rc = write_header(plan);
    if (rc != 0)
        return rc;
    uint64_t at = plan->data_offset;
    for (size_t i = 0; i < plan->count; i++) {
        plan->outputs[i].offset = at;
        if (!mxfs_add_u64(at, mxfs_output_info(&plan->outputs[i]).size, &at) || at > INT64_MAX)
            return -EOVERFLOW;
    }
    plan->size = at;
    return 0;
}

int mxfs_plan_init(struct mxfs_plan *plan, struct mxfs_model *model, size_t shard,
                   struct mxfs_error *err)
{
    const char *path = model->shards[shard].source.path;

    memset(plan, 0, sizeof(*plan));
    plan->model = model;
    plan->shard = shard;
    int rc = collect_outputs(plan);
    if (rc == 0 && plan->verbatim)
        place_verbatim(plan);
    else if (rc == 0)
        rc = place_outputs(plan);
    if (rc == 0)
        rc = index_names(plan, err);
    if (rc == 0)
        return 0;
    mxfs_plan_fini(plan);
    return mxfs_fail(err, rc == -ENOMEM ? MXFS_EXIT_FAILED : MXFS_EXIT_MALFORMED, -rc,
                     "%s: cannot lay out the dequantized file: %s", path, strerror(-rc));
}

void mxfs_plan_fini(struct mxfs_plan *plan)
{
    free(plan->outputs);
    free(plan->by_name);
    free(plan->header);
    memset(plan, 0, sizeof(*plan));
}

size_t mxfs_plan_find(const struct mxfs_plan *plan, const char *name, size_t len)
{
    size_t low = 0, high = plan->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        struct mxfs_output_info o = mxfs_output_info(&plan->outputs[plan->by_name[mid]]);
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

const char *mxfs_output_scheme(const struct mxfs_output *output)
{
    return output->tensor ? "plain" : output->group->scheme->name;
}

unsigned mxfs_output_sources(const struct mxfs_output *output,
                             const struct mxfs_tensor *sources[MXFS_PARTS_MAX])
{
    if (output->tensor) {
        sources[0] = output->tensor;
        return 1;
    }
    memcpy(sources, output->group->part, output->group->parts * sizeof(*sources));
    return output->group->parts;
}

bool mxfs_plan_is_stale(const struct mxfs_plan *plan, const struct mxfs_output *output)
{
    size_t at = 0;

    return plan->model->has_stale && output->tensor &&
           !mxfs_model_find(plan->model, output->tensor, &at);
}

const struct mxfs_output *mxfs_plan_at(const struct mxfs_plan *plan, uint64_t offset)
{
    size_t low = 0, high = plan->count;
    /*
     * Find the last output that starts at or before `offset`: if several start there, only the last
     * one has bytes.
     */
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        if (plan->outputs[mid].offset <= offset)
            low = mid;
        else
            high = mid;
    }
    return &plan->outputs[low];
}

void mxfs_plan_totals(const struct mxfs_plan *plan, uint64_t *bytes_in, uint64_t *bytes_out)
{
    *bytes_in = (uint64_t)mxfs_plan_source(plan)->st.st_size;
    *bytes_out = plan->size;
}
