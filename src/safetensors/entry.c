/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * One entry of the header: reads a tensor's dtype, shape and offsets, and checks that they agree.
 */
#include "parser.h"

#include <errno.h>
#include <inttypes.h>

#include "mxfs/bytes.h"

/* The members of an entry. */
enum field { FIELD_DTYPE = 1, FIELD_SHAPE = 2, FIELD_OFFSETS = 4, FIELD_ALL = 7 };

struct entry {
    unsigned seen;         /* bits of enum field: members read so far */
    int dtype;             /* enum mxfs_dtype */
    const uint64_t *shape; /* in the arena; NULL in the first pass */
    uint32_t rank;
    uint64_t elements;   /* product of the dimensions, multiplied from left to right */
    bool overflow;       /* the product does not fit in 64 bits */
    uint64_t begin, end; /* data_offsets */
    uint64_t size;       /* bytes, computed from dtype and shape */
    size_t shape_at;     /* position of the shape in the text, for messages */
    size_t shape_len;    /* bytes of the shape in the text */
};

static int read_dtype(struct safetensors_parser *p, struct entry *e)
{
    struct mxfs_json_string s;
    char name[16]; /* no dtype is that long, so a name that is cut here is unknown anyway */

    if (mxfs_json_read_string(&p->json, &s))
        return -EINVAL;
    e->dtype = mxfs_dtype_from_name(name, mxfs_json_decode(&s, name, sizeof(name)));
    if (e->dtype < 0) {
        struct mxfs_quoted quoted = mxfs_quote(s.raw, s.raw_len);
        return safetensors_fail(p, "unknown dtype %s", quoted.text);
    }
    return 0;
}

static int read_shape(struct safetensors_parser *p, struct entry *e)
{
    struct mxfs_json *j = &p->json;
    uint64_t dim;
    int more;

    mxfs_json_peek(j);
    e->shape_at = j->pos;
    e->shape = p->out ? p->dims_arena + p->dims : NULL;
    e->elements = 1;
    if (mxfs_json_open(j, '['))
        return -EINVAL;
    for (; (more = mxfs_json_next(j, ']')) > 0; e->rank++, p->dims++) {
        if (mxfs_json_read_u64(j, &dim))
            return -EINVAL;
        /*
         * Multiply from left to right, like the library: [0, huge, huge] fits, [huge, huge, 0] does
         * not.
         */
        e->overflow = e->overflow || !mxfs_mul_u64(e->elements, dim, &e->elements);
        if (p->out)
            p->dims_arena[p->dims] = dim;
    }
    e->shape_len = j->pos - e->shape_at;
    return more;
}

static int read_offsets(struct safetensors_parser *p, struct entry *e)
{
    struct mxfs_json *j = &p->json;
    uint64_t *offsets[] = {&e->begin, &e->end};
    size_t count = 0;
    int more = 0;

    if (mxfs_json_open(j, '['))
        return -EINVAL;
    for (; count < 2 && (more = mxfs_json_next(j, ']')) > 0; count++)
        if (mxfs_json_read_u64(j, offsets[count]))
            return -EINVAL;
    if (count == 2)
        more = mxfs_json_next(j, ']');
    if (more < 0)
        return more;
    return more > 0 || count < 2 ? safetensors_fail(p, "data_offsets must be two integers") : 0;
}

static int read_field(struct safetensors_parser *p, struct entry *e)
{
    static const struct {
        const char *name;
        enum field field;
        int (*read)(struct safetensors_parser *p, struct entry *e);
    } fields[] = {{"dtype", FIELD_DTYPE, read_dtype},
                  {"shape", FIELD_SHAPE, read_shape},
                  {"data_offsets", FIELD_OFFSETS, read_offsets}};
    struct mxfs_json_string key;

    if (mxfs_json_read_key(&p->json, &key))
        return -EINVAL;
    for (size_t i = 0; i < MXFS_COUNT(fields); i++) {
        if (!mxfs_json_equals(&key, fields[i].name))
            continue;
        if (e->seen & fields[i].field)
            return safetensors_fail(p, "duplicate %s", fields[i].name);
        e->seen |= fields[i].field;
        return fields[i].read(p, e);
    }
    return mxfs_json_skip(&p->json);
}

/* Computes e->size from dtype and shape. */
static int measure(struct safetensors_parser *p, struct entry *e)
{
    unsigned width = mxfs_dtype_bits((enum mxfs_dtype)e->dtype);
    uint64_t bits;

    if (e->overflow || !mxfs_mul_u64(e->elements, width, &bits))
        return safetensors_fail(p, "its size does not fit in 64 bits");
    if (bits % 8)
        return safetensors_fail(p, "%" PRIu64 " elements of %s (%u bits) do not fill whole bytes",
                                e->elements, mxfs_dtype_name((enum mxfs_dtype)e->dtype), width);
    e->size = bits / 8;
    return 0;
}

/* Checks everything about an entry that does not depend on the others. */
static int check_entry(struct safetensors_parser *p, struct entry *e)
{
    /* Enough bytes of a shape to recognise it. */
    const int shown = e->shape_len < 64 ? (int)e->shape_len : 64;

    if (e->seen != FIELD_ALL)
        return safetensors_fail(p, "%s is missing",
                                !(e->seen & FIELD_DTYPE)   ? "dtype"
                                : !(e->seen & FIELD_SHAPE) ? "shape"
                                                           : "data_offsets");
    if (e->end < e->begin)
        return safetensors_fail(p, "data_offsets [%" PRIu64 ",%" PRIu64 "] run backwards", e->begin,
                                e->end);
    if (measure(p, e))
        return -EINVAL;
    if (e->end - e->begin != e->size)
        return safetensors_fail(p,
                                "data_offsets [%" PRIu64 ",%" PRIu64
                                "] do not match dtype %s and shape %.*s (%" PRIu64 " bytes)",
                                e->begin, e->end, mxfs_dtype_name((enum mxfs_dtype)e->dtype), shown,
                                p->json.text + e->shape_at, e->size);
    if (e->end > p->data_size)
        return safetensors_fail(p,
                                "data_offsets [%" PRIu64 ",%" PRIu64 "] exceed the %" PRIu64
                                " bytes of data (truncated file?)",
                                e->begin, e->end, p->data_size);
    return 0;
}

static struct safetensors_name tensor_at(const void *list, uint32_t index)
{
    const struct mxfs_tensor *t = (const struct mxfs_tensor *)list + index;

    return (struct safetensors_name){t->name, t->name_len};
}

/* Second pass: records the entry. Fails if its name has occurred before. */
static int fill_tensor(struct safetensors_parser *p, const struct entry *e, const char *name)
{
    struct mxfs_tensor *t = &p->out->tensors[p->tensors];

    *t = (struct mxfs_tensor){.name = name,
                              .name_len = (uint32_t)p->name.len,
                              .shape = e->shape,
                              .rank = e->rank,
                              .offset = p->data_offset + e->begin,
                              .size = e->size,
                              .dtype = (uint8_t)e->dtype};
    if (safetensors_nameset_add(&p->names, (struct safetensors_name){name, p->name.len},
                                (uint32_t)p->tensors, tensor_at, p->out->tensors) != p->tensors)
        return safetensors_fail(p, "duplicate name");
    return 0;
}

int safetensors_read_entry(struct safetensors_parser *p)
{
    struct entry e = {0};
    int more;

    if (mxfs_json_open(&p->json, '{'))
        return -EINVAL;
    while ((more = mxfs_json_next(&p->json, '}')) > 0)
        if (read_field(p, &e))
            return -EINVAL;
    if (more < 0 || check_entry(p, &e))
        return -EINVAL;
    const char *name = safetensors_keep_text(p, &p->name);
    if (p->out && fill_tensor(p, &e, name))
        return -EINVAL;
    p->tensors++;
    return 0;
}
