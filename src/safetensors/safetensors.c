/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * bytes -> header: the grammar of the JSON and the rules that its numbers must obey.
 *
 * The text is read twice. The first pass checks everything that one entry can say by itself and
 * counts; then exactly the memory that is needed is allocated; the second pass fills it. So a
 * malformed header costs no memory whatever its size, and there is no list that grows.
 *
 * Verdicts are those of the reference library, with three exceptions, which no known writer makes:
 * a tensor named twice, an entry written as an array, and a dtype written as an object are refused.
 */
#include "mxfs/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "mxfs/bytes.h"
#include "mxfs/utf8.h"

#include "parser.h"

static struct mxfs_name metadata_at(const void *list, uint32_t index)
{
    const struct mxfs_metadata *m = (const struct mxfs_metadata *)list + index;

    return (struct mxfs_name){m->key, m->key_len};
}

/* Second pass: a key given again replaces the value and keeps the place. */
static void fill_metadata(struct mxfs_parser *p, const struct mxfs_metadata *pair)
{
    struct mxfs_name key = {pair->key, pair->key_len};
    uint32_t at =
        mxfs_nameset_add(&p->keys, key, (uint32_t)p->metadata, metadata_at, p->out->metadata);

    if (at == p->metadata)
        p->out->metadata[p->metadata++] = *pair;
    p->out->metadata[at].value = pair->value;
    p->out->metadata[at].value_len = pair->value_len;
}

static int read_metadata_pair(struct mxfs_parser *p)
{
    struct mxfs_json_string key, value;
    struct mxfs_metadata pair;

    if (mxfs_json_read_key(&p->json, &key) || mxfs_json_read_string(&p->json, &value))
        return mxfs_parser_bad_json(p);
    pair.key = mxfs_parser_keep_text(p, &key);
    pair.key_len = (uint32_t)key.len;
    pair.value = mxfs_parser_keep_text(p, &value);
    pair.value_len = (uint32_t)value.len;
    if (p->out)
        fill_metadata(p, &pair);
    else
        p->metadata++;
    return 0;
}

/* Reads the value of `__metadata__`: an object of strings, or null. */
static int read_metadata(struct mxfs_parser *p)
{
    bool first = true;
    int more;

    if (p->metadata_seen)
        return mxfs_parser_fail(p, "__metadata__ is given twice");
    p->metadata_seen = true;
    if (mxfs_json_peek(&p->json) == 'n')
        return mxfs_json_skip(&p->json) ? mxfs_parser_bad_json(p) : 0;
    if (mxfs_json_open(&p->json, '{'))
        return mxfs_parser_bad_json(p);
    while ((more = mxfs_json_next(&p->json, '}', &first)) > 0)
        if (read_metadata_pair(p))
            return -EINVAL;
    return more < 0 ? mxfs_parser_bad_json(p) : 0;
}

static int read_member(struct mxfs_parser *p)
{
    int rc;

    if (mxfs_json_read_key(&p->json, &p->name))
        return mxfs_parser_bad_json(p);
    if (mxfs_json_equals(&p->name, "__metadata__"))
        return read_metadata(p);
    p->in_entry = true;
    rc = mxfs_parser_read_entry(p);
    p->in_entry = false;
    return rc;
}

/* One pass over the whole text. */
static int read_header(struct mxfs_parser *p)
{
    bool first = true;
    int more;

    if (mxfs_json_open(&p->json, '{'))
        return mxfs_parser_bad_json(p);
    while ((more = mxfs_json_next(&p->json, '}', &first)) > 0)
        if (read_member(p))
            return -EINVAL;
    if (more < 0 || mxfs_json_end(&p->json))
        return mxfs_parser_bad_json(p);
    return 0;
}

/* Between the passes: allocates what the first one counted, and starts again. */
static int begin_second_pass(struct mxfs_parser *p, struct mxfs_safetensors *out)
{
    /* calloc(0) may return NULL; one byte more makes NULL mean one thing. */
    out->tensors = calloc(p->tensors + 1, sizeof(*out->tensors));
    out->metadata = calloc(p->metadata + 1, sizeof(*out->metadata));
    out->arena = malloc(p->dims * sizeof(uint64_t) + p->text + 1);
    if (!out->tensors || !out->metadata || !out->arena ||
        mxfs_nameset_init(&p->names, p->tensors) || mxfs_nameset_init(&p->keys, p->metadata))
        return mxfs_fail_memory(p->err, p->path);
    p->dims_arena = out->arena;
    p->text_arena = (char *)(p->dims_arena + p->dims);
    p->json = (struct mxfs_json){.text = p->json.text, .size = p->json.size};
    p->tensors = p->metadata = p->dims = p->text = 0;
    p->metadata_seen = false;
    p->out = out;
    return 0;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* By begin, then end, then place in the header: names lie in the arena in that order, and of two
 * at one address the first is the empty one. */
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

/* Puts tensors in the order of their data. Headers nearly always are, and qsort() needs memory. */
static void sort_tensors(struct mxfs_safetensors *st)
{
    for (size_t i = 1; i < st->count; i++)
        if (compare_tensors(&st->tensors[i - 1], &st->tensors[i]) > 0) {
            qsort(st->tensors, st->count, sizeof(*st->tensors), compare_tensors);
            return;
        }
}

/* Checks that the tensors cover the data without holes or overlaps. */
static int check_cover(const struct mxfs_parser *p)
{
    uint64_t end = p->data_offset;

    for (size_t i = 0; i < p->out->count; end += p->out->tensors[i++].size) {
        const struct mxfs_tensor *t = &p->out->tensors[i];
        struct mxfs_quoted name;
        if (t->offset == end)
            continue;
        name = mxfs_quote(t->name, t->name_len);
        return mxfs_parser_fail(
            p,
            "tensor %s: its data begin at %" PRIu64 ", %s: the tensors before it end at %" PRIu64,
            name.text, t->offset - p->data_offset, t->offset > end ? "after a hole" : "overlapping",
            end - p->data_offset);
    }
    if (end != p->data_offset + p->data_size)
        return mxfs_parser_fail(
            p, "the tensors end at %" PRIu64 ", but there are %" PRIu64 " bytes of data",
            end - p->data_offset, p->data_size);
    return 0;
}

/* Gives back what duplicate metadata keys did not need. */
static void trim_metadata(struct mxfs_safetensors *st)
{
    struct mxfs_metadata *less = realloc(st->metadata, (st->metadata_count + 1) * sizeof(*less));

    if (less)
        st->metadata = less;
}

static int fill(struct mxfs_parser *p, struct mxfs_safetensors *out)
{
    int rc = begin_second_pass(p, out);

    if (rc == 0)
        rc = read_header(p);
    mxfs_nameset_fini(&p->names);
    mxfs_nameset_fini(&p->keys);
    if (rc)
        return rc;
    out->count = p->tensors;
    out->metadata_count = p->metadata;
    out->data_offset = p->data_offset;
    trim_metadata(out);
    sort_tensors(out);
    return check_cover(p);
}

/* Position of the first byte that is not part of well-formed UTF-8, or n. */
static size_t find_bad_utf8(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0, len;

    while (i < n) {
        while (n - i >= 8 && !(mxfs_load_le64(s + i) & 0x8080808080808080u))
            i += 8;
        if (i == n || (len = mxfs_utf8_char_len(s + i, n - i)) == 0)
            break;
        i += len;
    }
    return i;
}

int mxfs_safetensors_check_size(uint64_t n, uint64_t file_size, const char *path,
                                struct mxfs_error *err)
{
    const struct mxfs_parser p = {.path = path, .err = err};

    if (file_size < MXFS_SAFETENSORS_PREFIX)
        return mxfs_parser_fail(&p, "the file has %" PRIu64 " bytes, not even a length", file_size);
    if (n > MXFS_SAFETENSORS_HEADER_MAX)
        return mxfs_parser_fail(&p, "a length of %" PRIu64 " bytes, over the limit of %u", n,
                                MXFS_SAFETENSORS_HEADER_MAX);
    if (n > file_size - MXFS_SAFETENSORS_PREFIX)
        return mxfs_parser_fail(
            &p, "a length of %" PRIu64 " bytes, but the file has only %" PRIu64 " more", n,
            file_size - MXFS_SAFETENSORS_PREFIX);
    return 0;
}

int mxfs_safetensors_parse(struct mxfs_safetensors *out, const char *json, size_t n,
                           uint64_t file_size, const char *path, struct mxfs_error *err)
{
    struct mxfs_parser p = {.json = {.text = json, .size = n}, .path = path, .err = err};
    int rc = mxfs_safetensors_check_size(n, file_size, path, err);

    *out = (struct mxfs_safetensors){0};
    if (rc)
        return rc;
    p.data_offset = MXFS_SAFETENSORS_PREFIX + n;
    p.data_size = file_size - p.data_offset;
    size_t bad = find_bad_utf8(json, n);
    if (bad < n)
        return mxfs_parser_fail(&p, "not UTF-8 at byte %zu", MXFS_SAFETENSORS_PREFIX + bad);
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
