/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Writing a header in canonical form: the bytes that the reference library writes, with the compact
 * JSON of serde_json.
 *
 * The same code runs twice, first only to count, so that the buffer has exactly the right size.
 */
#include "mxfs/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/json.h"

/* The length of prefix and JSON is padded to a multiple of this, so that the data is aligned. */
enum { ALIGNMENT = 8 };

/* The output. */
struct sink {
    char *out;   /* NULL: only count bytes */
    size_t size; /* bytes so far */
};

static void put(struct sink *s, const char *text, size_t len)
{
    if (s->out)
        memcpy(s->out + s->size, text, len);
    s->size += len;
}

static void put_text(struct sink *s, const char *text)
{
    put(s, text, strlen(text));
}

static void put_number(struct sink *s, uint64_t value)
{
    char digits[24];

    put(s, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, value));
}

/* Like serde_json, escapes only what must be escaped, and writes all else as UTF-8. */
static void put_string(struct sink *s, const char *text, size_t len)
{
    char escape[8];
    size_t done = 0;

    put(s, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        if (mxfs_json_is_plain(text[i]))
            continue;
        put(s, text + done, i - done);
        put(s, escape, mxfs_json_escape(text[i], escape));
        done = i + 1;
    }
    put(s, text + done, len - done);
    put(s, "\"", 1);
}

static void put_metadata(struct sink *s, const struct mxfs_metadata *metadata, size_t count)
{
    put_text(s, "\"__metadata__\":{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(s, ",", 1);
        put_string(s, metadata[i].key, metadata[i].key_len);
        put(s, ":", 1);
        put_string(s, metadata[i].value, metadata[i].value_len);
    }
    put(s, "}", 1);
}

static void put_entry(struct sink *s, const struct mxfs_safetensors_entry *e, uint64_t begin)
{
    put_string(s, e->name, e->name_len);
    put_text(s, ":{\"dtype\":\"");
    put_text(s, mxfs_dtype_name((enum mxfs_dtype)e->dtype));
    put_text(s, "\",\"shape\":[");
    for (uint32_t i = 0; i < e->rank; i++) {
        if (i > 0)
            put(s, ",", 1);
        put_number(s, e->shape[i]);
    }
    put_text(s, "],\"data_offsets\":[");
    put_number(s, begin);
    put(s, ",", 1);
    put_number(s, begin + e->size);
    put_text(s, "]}");
}

static void put_header(struct sink *s, const struct mxfs_safetensors_entry *entries, size_t count,
                       const struct mxfs_metadata *metadata, size_t metadata_count)
{
    uint64_t offset = 0;

    put(s, "{", 1);
    if (metadata_count > 0)
        put_metadata(s, metadata, metadata_count);
    for (size_t i = 0; i < count; offset += entries[i++].size) {
        if (i > 0 || metadata_count > 0)
            put(s, ",", 1);
        put_entry(s, &entries[i], offset);
    }
    put(s, "}", 1);
}

static bool sizes_fit(const struct mxfs_safetensors_entry *entries, size_t count)
{
    uint64_t total = 0;

    for (size_t i = 0; i < count; i++)
        if (!mxfs_add_u64(total, entries[i].size, &total))
            return false;
    return true;
}

int mxfs_safetensors_order(uint8_t dtype_a, const char *name_a, size_t len_a, uint8_t dtype_b,
                           const char *name_b, size_t len_b)
{
    int order = (dtype_a < dtype_b) - (dtype_a > dtype_b);

    if (order == 0)
        order = memcmp(name_a, name_b, len_a < len_b ? len_a : len_b);
    return order ? order : (len_a > len_b) - (len_a < len_b);
}

int mxfs_safetensors_write(const struct mxfs_safetensors_entry *entries, size_t count,
                           const struct mxfs_metadata *metadata, size_t metadata_count, char **out,
                           size_t *size)
{
    struct sink sink = {0};
    size_t padded;

    if (!sizes_fit(entries, count))
        return -EOVERFLOW;
    put_header(&sink, entries, count, metadata, metadata_count);
    padded = mxfs_align_up(sink.size, ALIGNMENT);
    if (padded > MXFS_SAFETENSORS_HEADER_MAX)
        return -EFBIG;
    *out = malloc(MXFS_SAFETENSORS_PREFIX + padded);
    if (!*out)
        return -ENOMEM;
    mxfs_store_le64(*out, padded);
    sink = (struct sink){.out = *out, .size = MXFS_SAFETENSORS_PREFIX};
    put_header(&sink, entries, count, metadata, metadata_count);
    memset(*out + sink.size, ' ', MXFS_SAFETENSORS_PREFIX + padded - sink.size);
    *size = MXFS_SAFETENSORS_PREFIX + padded;
    return 0;
}
