/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Choosing copies. All tensors are sorted by name, which puts copies next to each other; the index
 * says which shard each name belongs to; one copy of each name is kept.
 */
#include "copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/path.h"

/* Values instead of a shard: the index does not name the tensor, or its shard is missing. */
enum { UNSAID = UINT32_MAX, ABSENT = UINT32_MAX - 1 };

/* The state of choosing. */
struct choice {
    struct mxfs_model *m;
    const struct model_index *index;
    uint32_t *opened; /* for each shard of the index: its place among the open ones, or ABSENT */
    uint32_t *meant;  /* for the first copy of each name: its open shard, ABSENT or UNSAID */
};

static const char *file_of(const struct mxfs_shard *shard)
{
    return mxfs_path_basename(shard->source.path);
}

/* Both lists are sorted by name. */
static void match_shards(struct choice *c)
{
    size_t s = 0;

    for (size_t i = 0; i < c->index->shard_count; i++) {
        bool open =
            s < c->m->shard_count && strcmp(file_of(&c->m->shards[s]), c->index->shards[i]) == 0;
        c->opened[i] = open ? (uint32_t)s++ : ABSENT;
    }
}

static bool same_name(const struct mxfs_tensor *a, const struct mxfs_tensor *b)
{
    return mxfs_name_compare(a->name, a->name_len, b->name, b->name_len) == 0;
}

/* Whether the shard has one of the copies that begin at `first`. */
static bool is_in_shard(const struct mxfs_tensors *set, size_t first, uint32_t shard)
{
    for (size_t i = first; i < set->count && same_name(set->sorted[first], set->sorted[i]); i++) {
        if (set->sorted[i]->shard == shard)
            return true;
    }
    return false;
}

static int ask_index(struct choice *c, struct mxfs_error *err)
{
    const struct mxfs_tensors *set = &c->m->tensors;
    size_t near = 0;

    for (size_t i = 0; i < c->index->count; i++) {
        const struct model_index_entry *e = &c->index->entries[i];
        uint32_t shard = c->opened[e->shard];
        size_t first = mxfs_tensors_find(set, near, e->name, e->name_len, "");
        bool there = first != MXFS_NOT_FOUND;
        if (shard != ABSENT && !(there && is_in_shard(set, first, shard)))
            return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL,
                             "%s: names tensor %s in %s, which does not hold it", c->index->path,
                             mxfs_quote(e->name, e->name_len).text,
                             c->m->shards[shard].source.path);
        if (there) {
            c->meant[first] = shard;
            near = first;
        }
    }
    return 0;
}

/* The order of preference among copies that the index does not name: the one in the file that the
 * user named, then the first. */
static bool comes_before(const struct mxfs_model *m, const struct mxfs_tensor *a,
                         const struct mxfs_tensor *b)
{
    return b->shard != m->main && (a->shard == m->main || a->shard < b->shard);
}

/* Keeps one of the copies [first, end), or none of them. */
static void keep_one(struct choice *c, size_t first, size_t end, size_t *kept)
{
    const struct mxfs_tensor **sorted = c->m->tensors.sorted, *best = NULL;

    for (size_t i = first; i < end; i++) {
        bool better = c->meant[first] == UNSAID ? !best || comes_before(c->m, sorted[i], best)
                                                : sorted[i]->shard == c->meant[first];
        if (better)
            best = sorted[i];
    }
    if (best)
        sorted[(*kept)++] = best;
}

static void drop_copies(struct choice *c)
{
    struct mxfs_tensors *set = &c->m->tensors;
    size_t kept = 0;

    for (size_t first = 0, end; first < set->count; first = end) {
        for (end = first + 1; end < set->count; end++) {
            if (!same_name(set->sorted[first], set->sorted[end]))
                break;
        }
        keep_one(c, first, end, &kept);
    }
    c->m->has_stale = kept < set->count;
    set->count = kept;
}

static int collect(struct mxfs_model *m)
{
    size_t total = 0;

    for (size_t s = 0; s < m->shard_count; s++)
        total += m->shards[s].header.count;
    m->tensors.sorted = malloc((total + 1) * sizeof(*m->tensors.sorted));
    if (!m->tensors.sorted)
        return -ENOMEM;
    for (size_t s = 0; s < m->shard_count; s++) {
        const struct mxfs_safetensors *h = &m->shards[s].header;
        for (size_t i = 0; i < h->count; i++)
            m->tensors.sorted[m->tensors.count++] = &h->tensors[i];
    }
    mxfs_tensors_sort(&m->tensors);
    return 0;
}

/* Allocates one block: the pointers, followed by the tensors that they point to. */
static int collect_absent(const struct choice *c, struct mxfs_tensors *absent)
{
    const struct model_index *x = c->index;
    size_t n = 0;

    for (size_t i = 0; i < x->count; i++)
        n += c->opened[x->entries[i].shard] == ABSENT;
    if (n == 0)
        return 0;
    absent->sorted = malloc(n * (sizeof(*absent->sorted) + sizeof(**absent->sorted)));
    if (!absent->sorted)
        return -ENOMEM;
    struct mxfs_tensor *tensors = (struct mxfs_tensor *)(absent->sorted + n);
    for (size_t i = 0; i < x->count; i++) {
        const struct model_index_entry *e = &x->entries[i];
        if (c->opened[e->shard] != ABSENT)
            continue;
        tensors[absent->count] =
            (struct mxfs_tensor){.name = e->name, .name_len = e->name_len, .shard = ABSENT};
        absent->sorted[absent->count] = &tensors[absent->count];
        absent->count++;
    }
    mxfs_tensors_sort(absent);
    return 0;
}

int model_choose_copies(struct mxfs_model *m, const struct model_index *index,
                        struct mxfs_tensors *absent, struct mxfs_error *err)
{
    struct choice c = {.m = m, .index = index};
    int rc = collect(m);

    /* A single file has no name twice. */
    if (rc != 0 || !index->path)
        return rc;
    c.opened = malloc((index->shard_count + 1) * sizeof(*c.opened));
    c.meant = malloc((m->tensors.count + 1) * sizeof(*c.meant));
    if (c.opened && c.meant) {
        memset(c.meant, 0xFF, (m->tensors.count + 1) * sizeof(*c.meant)); /* UNSAID */
        match_shards(&c);
        rc = ask_index(&c, err);
    } else {
        rc = -ENOMEM;
    }
    if (rc == 0)
        drop_copies(&c);
    if (rc == 0)
        rc = collect_absent(&c, absent);
    free(c.meant);
    free(c.opened);
    return rc;
}
