/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Parsing a header: the members of the JSON, and the rules for their numbers.
 *
 * The text is read twice. The first pass checks each entry by itself and counts; then exactly as
 * much memory as needed is allocated, and the second pass fills it. So a malformed header takes no
 * memory, however large it is, and no list has to grow.
 *
 * Headers are accepted and refused as in the reference library, except that mxfs refuses three
 * things that no known writer produces: two tensors of the same name, an entry written as an array,
 * and a dtype written as an object.
 */
#include "mxfs/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "parser.h"

static struct safetensors_name metadata_at(const void *list, uint32_t index)
{
    const struct mxfs_metadata *m = (const struct mxfs_metadata *)list + index;

    return (struct safetensors_name){m->key, m->key_len};
}

/* Second pass: a repeated key keeps its place and takes the new value. */
static void fill_metadata(struct safetensors_parser *p, const struct mxfs_metadata *pair)
{
    struct safetensors_name key = {pair->key, pair->key_len};
    uint32_t at = safetensors_nameset_add(&p->keys, key, (uint32_t)p->metadata, metadata_at,
                                          p->out->metadata);

    if (at == p->metadata)
        p->out->metadata[p->metadata++] = *pair;
    p->out->metadata[at].value = pair->value;
    p->out->metadata[at].value_len = pair->value_len;
}

static int read_metadata_pair(struct safetensors_parser *p)
{
    struct mxfs_json_string key, value;
    struct mxfs_metadata pair;

    if (mxfs_json_read_key(&p->json, &key) || mxfs_json_read_string(&p->json, &value))
        return -EINVAL;
    pair.key = safetensors_keep_text(p, &key);
    pair.key_len = (uint32_t)key.len;
    pair.value = safetensors_keep_text(p, &value);
    pair.value_len = (uint32_t)value.len;
    if (p->out)
        fill_metadata(p, &pair);
    else
        p->metadata++;
    return 0;
}

/* Reads the value of `__metadata__`: an object of strings, or null. */
static int read_metadata(struct safetensors_parser *p)
{
    int more;

    if (p->metadata_seen)
        return safetensors_fail(p, "duplicate __metadata__");
    p->metadata_seen = true;
    if (mxfs_json_peek(&p->json) == 'n')
        return mxfs_json_skip(&p->json);
    if (mxfs_json_open(&p->json, '{'))
        return -EINVAL;
    while ((more = mxfs_json_next(&p->json, '}')) > 0)
        if (read_metadata_pair(p))
            return -EINVAL;
    return more;
}

static int read_member(struct safetensors_parser *p)
{
    if (mxfs_json_read_key(&p->json, &p->name))
        return -EINVAL;
    if (mxfs_json_equals(&p->name, "__metadata__"))
        return read_metadata(p);
    p->in_entry = true; /* stays set after a failure, for the message */
    if (safetensors_read_entry(p))
        return -EINVAL;
    p->in_entry = false;
    return 0;
}

static int read_root(struct safetensors_parser *p)
{
    int more;

    if (mxfs_json_open(&p->json, '{'))
        return -EINVAL;
    while ((more = mxfs_json_next(&p->json, '}')) > 0)
        if (read_member(p))
            return -EINVAL;
    return more ? more : mxfs_json_end(&p->json);
}

/* Records the failure of the JSON parser, with its position in the file. */
static int fail_json(const struct safetensors_parser *p)
{
    return safetensors_fail(p, "%s at byte %zu", p->json.error,
                            MXFS_SAFETENSORS_PREFIX + p->json.pos);
}

/* Runs one pass over the whole text. */
static int read_header(struct safetensors_parser *p)
{
    int rc = read_root(p);

    return p->json.error ? fail_json(p) : rc;
}

/* Allocates memory for what the first pass counted, and goes back to the start. */
static int begin_second_pass(struct safetensors_parser *p, struct mxfs_safetensors *out)
{
    /* calloc(0) may return NULL; with one element more, NULL always means out of memory. */
    out->tensors = calloc(p->tensors + 1, sizeof(*out->tensors));
    out->metadata = calloc(p->metadata + 1, sizeof(*out->metadata));
    out->arena = malloc(p->dims * sizeof(uint64_t) + p->text + 1);
    if (!out->tensors || !out->metadata || !out->arena ||
        safetensors_nameset_init(&p->names, p->tensors) ||
        safetensors_nameset_init(&p->keys, p->metadata))
        return mxfs_fail_memory(p->err, p->path);
    p->dims_arena = out->arena;
    p->text_arena = (char *)(p->dims_arena + p->dims);
    p->json.pos = 0;
    p->tensors = p->metadata = p->dims = p->text = 0;
    p->metadata_seen = false;
    p->out = out;
    return 0;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/*
 * Orders by offset, then size, then position in the header: names are in the arena in the order of
 * the header, and of two at the same address the first is empty.
 */
static int compare_tensors(const void *a, const void *b)
{
    const struct mxfs_tensor *x = a, *y = b;
    int order = compare_u64(x->offset, y->offset);

    if (order == 0)
        order = compare_u64(x->size, y->size);
    if (order == 0)
        order = compare_u64((uintptr_t)x->name, (uintptr_t)y->name);
    return order ? order : compare_u64(x->name_len, y->name_len);
}

/*
 * Sorts tensors by offset, unless they are sorted already, as in most headers: qsort() needs
 * memory.
 */
static void sort_tensors(struct mxfs_safetensors *st)
{
    for (size_t i = 1; i < st->count; i++)
        if (compare_tensors(&st->tensors[i - 1], &st->tensors[i]) > 0) {
            qsort(st->tensors, st->count, sizeof(*st->tensors), compare_tensors);
            return;
        }
}

/* Checks that the tensors cover the data without gap or overlap. */
static int check_cover(const struct safetensors_parser *p)
{
    uint64_t end = p->data_offset;

    for (size_t i = 0; i < p->out->count; end += p->out->tensors[i++].size) {
        const struct mxfs_tensor *t = &p->out->tensors[i];
        struct mxfs_quoted name;
        if (t->offset == end)
            continue;
        name = mxfs_quote(t->name, t->name_len);
        return safetensors_fail(
            p,
            "tensor %s: its data begins at %" PRIu64 ", %s: the tensors before it end at %" PRIu64,
            name.text, t->offset - p->data_offset, t->offset > end ? "after a gap" : "overlapping",
            end - p->data_offset);
    }
    if (end != p->data_offset + p->data_size)
        return safetensors_fail(
            p, "the tensors end at %" PRIu64 ", but there are %" PRIu64 " bytes of data",
            end - p->data_offset, p->data_size);
    return 0;
}

/* Frees the memory that was counted for repeated metadata keys. */
static void trim_metadata(struct mxfs_safetensors *st)
{
    struct mxfs_metadata *less = realloc(st->metadata, (st->metadata_count + 1) * sizeof(*less));

    if (less)
        st->metadata = less;
}

static int fill(struct safetensors_parser *p, struct mxfs_safetensors *out)
{
    int rc = begin_second_pass(p, out);

    if (rc == 0)
        rc = read_header(p);
    safetensors_nameset_fini(&p->names);
    safetensors_nameset_fini(&p->keys);
    if (rc)
        return rc;
    out->count = p->tensors;
    out->metadata_count = p->metadata;
    out->data_offset = p->data_offset;
    trim_metadata(out);
    sort_tensors(out);
    return check_cover(p);
}

int mxfs_safetensors_check_size(uint64_t n, uint64_t file_size, const char *path,
                                struct mxfs_error *err)
{
    const struct safetensors_parser p = {.path = path, .err = err};

    if (file_size < MXFS_SAFETENSORS_PREFIX)
        return safetensors_fail(&p, "the file has %" PRIu64 " bytes, too few for a header",
                                file_size);
    if (n > MXFS_SAFETENSORS_HEADER_MAX)
        return safetensors_fail(&p, "its length is %" PRIu64 " bytes, over the limit of %u", n,
                                MXFS_SAFETENSORS_HEADER_MAX);
    if (n > file_size - MXFS_SAFETENSORS_PREFIX)
        return safetensors_fail(
            &p, "its length is %" PRIu64 " bytes, but only %" PRIu64 " follow in the file", n,
            file_size - MXFS_SAFETENSORS_PREFIX);
    return 0;
}

int mxfs_safetensors_parse(struct mxfs_safetensors *out, const char *json, size_t n,
                           uint64_t file_size, const char *path, struct mxfs_error *err)
{
    struct safetensors_parser p = {.path = path, .err = err};
    int rc = mxfs_safetensors_check_size(n, file_size, path, err);

    *out = (struct mxfs_safetensors){0};
    if (rc)
        return rc;
    p.data_offset = MXFS_SAFETENSORS_PREFIX + n;
    p.data_size = file_size - p.data_offset;
    if (mxfs_json_begin(&p.json, json, n, MXFS_JSON_STRICT))
        return fail_json(&p);
    rc = read_header(&p);
    if (rc == 0)
        rc = fill(&p, out);
    if (rc)
        mxfs_safetensors_fini(out);
    return rc;
}

void mxfs_safetensors_fini(struct mxfs_safetensors *st)
{
    free(st->tensors);
    free(st->metadata);
    free(st->arena);
    *st = (struct mxfs_safetensors){0};
}
