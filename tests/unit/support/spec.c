/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Tensors from text. The file writer shares nothing with the writer under test.
 */
#include "support/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t elements_of(const struct mxfs_tensor *t)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        n *= t->shape[i];
    return n;
}

/* Reads "2,3" or "-" and returns the rest of the text. */
static const char *read_shape(const char *text, struct spec_tensor *t)
{
    char *end;

    if (*text == '-')
        return text + 1;
    for (;; text = end + 1) {
        ck_assert_uint_lt(t->tensor.rank, SPEC_RANK_MAX);
        t->shape[t->tensor.rank++] = strtoull(text, &end, 10);
        ck_assert_msg(end != text, "bad shape at: %s", text);
        if (*end != ',')
            return end;
    }
}

static const char *read_tensor(const char *text, struct spec_tensor *t)
{
    char dtype[16];
    int used = 0;

    ck_assert_msg(sscanf(text, " %199s %15s %n", t->name, dtype, &used) == 2, "bad: %s", text);
    int d = mxfs_dtype_from_name(dtype, strlen(dtype));
    ck_assert_msg(d >= 0, "no dtype: %s", dtype);
    t->tensor = (struct mxfs_tensor){.name = t->name,
                                     .name_len = (uint32_t)strlen(t->name),
                                     .shape = t->shape,
                                     .dtype = (uint8_t)d};
    return read_shape(text + used, t);
}

struct spec *spec_new(const char *text)
{
    struct spec *spec = calloc(1, sizeof(*spec));
    uint64_t at = 0;

    ck_assert_ptr_nonnull(spec);
    while (*text) {
        struct spec_tensor *t = &spec->tensors[spec->count];
        ck_assert_uint_lt(spec->count, SPEC_MAX);
        text = read_tensor(text, t);
        t->tensor.offset = at;
        t->tensor.size = elements_of(&t->tensor) * mxfs_dtype_bits(t->tensor.dtype) / 8;
        at += t->tensor.size;
        spec->sorted[spec->count++] = &t->tensor;
        text += strspn(text, " ;\n");
    }
    spec->set = (struct mxfs_tensors){spec->sorted, spec->count};
    mxfs_tensors_sort(&spec->set);
    for (size_t i = 1; i < spec->count; i++)
        ck_assert_int_ne(mxfs_name_compare(spec->sorted[i - 1]->name, spec->sorted[i - 1]->name_len,
                                           spec->sorted[i]->name, spec->sorted[i]->name_len),
                         0);
    return spec;
}

struct spec *spec_new_filled(const char *text)
{
    struct spec *spec = spec_new(text);

    for (size_t i = 0; i < spec->count; i++) {
        struct spec_tensor *t = &spec->tensors[i];
        t->data = malloc(t->tensor.size + 1);
        ck_assert_ptr_nonnull(t->data);
        for (uint64_t b = 0; b < t->tensor.size; b++)
            t->data[b] = (uint8_t)test_random();
    }
    return spec;
}

void spec_free(struct spec *spec)
{
    if (!spec)
        return;
    for (size_t i = 0; i < spec->count; i++)
        free(spec->tensors[i].data);
    free(spec);
}

struct spec_tensor *spec_find(struct spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->count; i++) {
        if (strcmp(spec->tensors[i].name, name) == 0)
            return &spec->tensors[i];
    }
    ck_abort_msg("no tensor called %s", name);
    return NULL;
}

static void write_entry(FILE *out, const struct spec_tensor *t, const char *separator)
{
    fprintf(out, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", separator, t->name,
            mxfs_dtype_name(t->tensor.dtype));
    for (uint32_t d = 0; d < t->tensor.rank; d++)
        fprintf(out, "%s%" PRIu64, d ? "," : "", t->shape[d]);
    fprintf(out, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", t->tensor.offset,
            t->tensor.offset + t->tensor.size);
}

static char *make_json(const struct spec *spec, size_t *len)
{
    char *json = NULL;
    FILE *out = open_memstream(&json, len);

    ck_assert_ptr_nonnull(out);
    fputc('{', out);
    if (spec->metadata)
        fprintf(out, "\"__metadata__\":%s", spec->metadata);
    for (size_t i = 0; i < spec->count; i++)
        write_entry(out, &spec->tensors[i], i || spec->metadata ? "," : "");
    fprintf(out, "}%*s", (int)spec->padding, "");
    fclose(out);
    return json;
}

struct test_path spec_write(const struct spec *spec, const char *dir, const char *name)
{
    struct test_path path = test_join(dir, name);
    FILE *out = fopen(path.text, "wb");
    size_t len;
    char *json = make_json(spec, &len);

    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < 8; i++)
        fputc((int)(len >> 8 * i & 255), out);
    fwrite(json, 1, len, out);
    for (size_t i = 0; i < spec->count; i++) {
        const struct spec_tensor *t = &spec->tensors[i];
        if (t->data)
            fwrite(t->data, 1, t->tensor.size, out);
        else
            ck_assert_int_eq(fseek(out, (long)t->tensor.size, SEEK_CUR), 0);
    }
    ck_assert_int_eq(fclose(out), 0);
    free(json);
    return path;
}
