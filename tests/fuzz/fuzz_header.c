/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libFuzzer: the header; the input is a whole file. What is accepted is written canonically and
 * read again: that must succeed, mean the same, and be written again as the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure that a fuzzer and a debugger both see. */
static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Reads a file of which `head` has the prefix and at least the JSON; returns whether it is
 * accepted. */
static bool read_file(struct mxfs_safetensors *st, const uint8_t *head, uint64_t file_size)
{
    struct mxfs_error err = {0};
    uint64_t n = file_size < 8 ? 0 : mxfs_load_le64(head);

    *st = (struct mxfs_safetensors){0};
    if (mxfs_safetensors_check_size(n, file_size, "fuzz", &err) == 0) {
        char *json = malloc(n + !n); /* exact, so that a step beyond it is seen */
        expect(json != NULL);
        memcpy(json, head + 8, n);
        mxfs_safetensors_parse(st, json, n, file_size, "fuzz", &err);
        free(json);
    }
    for (const char *c = err.text; *c; c++)
        expect((unsigned char)*c >= 0x20 && *c != 0x7F);
    expect((err.code != MXFS_EXIT_OK) == (err.text[0] != '\0'));
    return err.code == MXFS_EXIT_OK;
}

static void write_file(const struct mxfs_safetensors *st, char **out, size_t *size)
{
    struct mxfs_safetensors_entry *entries = calloc(st->count + 1, sizeof(*entries));

    expect(entries != NULL);
    for (size_t i = 0; i < st->count; i++) {
        const struct mxfs_tensor *t = &st->tensors[i];
        entries[i] = (struct mxfs_safetensors_entry){.name = t->name,
                                                     .name_len = t->name_len,
                                                     .shape = t->shape,
                                                     .rank = t->rank,
                                                     .size = t->size,
                                                     .dtype = t->dtype};
    }
    expect(mxfs_safetensors_write(entries, st->count, st->metadata, st->metadata_count, out,
                                  size) == 0);
    free(entries);
}

static void compare(const struct mxfs_safetensors *a, const struct mxfs_safetensors *b)
{
    expect(a->count == b->count && a->metadata_count == b->metadata_count);
    for (size_t i = 0; i < a->count; i++) {
        const struct mxfs_tensor *x = &a->tensors[i], *y = &b->tensors[i];
        expect(x->name_len == y->name_len && memcmp(x->name, y->name, x->name_len) == 0);
        expect(x->rank == y->rank && memcmp(x->shape, y->shape, x->rank * sizeof(uint64_t)) == 0);
        expect(x->offset - a->data_offset == y->offset - b->data_offset);
        expect(x->size == y->size && x->dtype == y->dtype);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mxfs_safetensors first, second;
    char *once = NULL, *twice = NULL;
    size_t size_once, size_twice;

    if (read_file(&first, data, size)) {
        uint64_t payload = size - first.data_offset;
        write_file(&first, &once, &size_once);
        expect(size_once % 8 == 0);
        expect(read_file(&second, (const uint8_t *)once, size_once + payload));
        compare(&first, &second);
        write_file(&second, &twice, &size_twice);
        expect(size_once == size_twice && memcmp(once, twice, size_once) == 0);
        mxfs_safetensors_fini(&second);
        free(once);
        free(twice);
    }
    mxfs_safetensors_fini(&first);
    return 0;
}
