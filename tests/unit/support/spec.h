/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Tensors written as text, "NAME DTYPE SHAPE; ...", e.g. "a.weight U8 4,16; a.scale F32 -" (- is
 * the shape of a scalar). A spec is a set without bytes, for matching, or a safetensors file.
 */
#ifndef MXFS_TEST_SPEC_H
#define MXFS_TEST_SPEC_H

#include "mxfs/scheme.h"
#include "mxfs/tensors.h"
#include "support/suite.h"

enum { SPEC_MAX = 64, SPEC_RANK_MAX = 12 };

/** One tensor. `data` is owned, and NULL unless the spec was made with data. */
struct spec_tensor {
    char name[200];
    uint64_t shape[SPEC_RANK_MAX];
    uint8_t *data;
    struct mxfs_tensor
        tensor; /**< points to the two fields above; offset and size as in the file */
};

/** Tensors in the order of the text. */
struct spec {
    struct spec_tensor tensors[SPEC_MAX];
    size_t count;
    const char *metadata; /**< JSON of `__metadata__`, or NULL */
    unsigned padding;     /**< spaces after the JSON: shifts the data to any alignment */
    const struct mxfs_tensor *sorted[SPEC_MAX];
    struct mxfs_tensors set; /**< all of them, by name */
};

/** Parses the text. Release with spec_free(). */
struct spec *spec_new(const char *text);

/** The same, with random bytes for each tensor. */
struct spec *spec_new_filled(const char *text);

/** Releases a spec; accepts NULL. */
void spec_free(struct spec *spec);

/** The tensor called `name`; fails the test if there is none. */
struct spec_tensor *spec_find(struct spec *spec, const char *name);

/** Writes dir/name with the tensors in the order of the text. Returns its path. */
struct test_path spec_write(const struct spec *spec, const char *dir, const char *name);

#endif
