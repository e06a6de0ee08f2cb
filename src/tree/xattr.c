/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Extended attributes of tensor files, with the same values as `mxfs list --json`.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/text.h"
#include "nodes.h"

static int put_scheme(FILE *out, const struct mxfs_output *o)
{
    fputs(mxfs_output_scheme(o), out);
    return 0;
}

static int put_dtype(FILE *out, const struct mxfs_output *o)
{
    fputs(mxfs_dtype_name(mxfs_output_info(o).dtype), out);
    return 0;
}

static int put_shape(FILE *out, const struct mxfs_output *o)
{
    struct mxfs_output_info info = mxfs_output_info(o);

    if (info.rank > XATTR_SIZE_MAX / 2) /* too long in any case, so do not write it */
        return -E2BIG;
    mxfs_text_dims(out, info.shape, info.rank);
    return 0;
}

static int put_sources(FILE *out, const struct mxfs_output *o)
{
    const struct mxfs_tensor *sources[MXFS_PARTS_MAX];
    unsigned n = mxfs_output_sources(o, sources);
    size_t len = 0;

    for (unsigned i = 0; i < n; i++)
        len += sources[i]->name_len;
    if (len > XATTR_SIZE_MAX)
        return -E2BIG;
    json_t *names = json_array();
    int rc = names ? 0 : -1;

    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = json_array_append_new(names, json_stringn(sources[i]->name, sources[i]->name_len));
    if (rc == 0)
        rc = json_dumpf(names, out, JSON_COMPACT);
    json_decref(names);
    return rc == 0 ? 0 : -ENOMEM;
}

static const struct {
    const char *name;
    int (*put)(FILE *out, const struct mxfs_output *o); /* 0 or -errno */
} attributes[] = {
    {"user.mxfs.scheme", put_scheme},
    {"user.mxfs.shape", put_shape},
    {"user.mxfs.dtype", put_dtype},
    {"user.mxfs.sources", put_sources},
};

/* Copies an attribute of `len` bytes as getxattr(2) would; returns its length or -errno. */
static ssize_t give(const char *text, size_t len, char *buf, size_t size)
{
    if (len > XATTR_SIZE_MAX)
        return -E2BIG;
    if (size == 0)
        return (ssize_t)len;
    if (len > size)
        return -ERANGE;
    memcpy(buf, text, len);
    return (ssize_t)len;
}

static ssize_t give_value(int (*put)(FILE *out, const struct mxfs_output *o),
                          const struct mxfs_output *o, char *buf, size_t size)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    ssize_t rc = out ? put(out, o) : -ENOMEM;

    if (out && fclose(out) != 0)
        rc = -ENOMEM;
    if (rc == 0)
        rc = give(text, len, buf, size);
    free(text);
    return rc;
}

/* *out is the tensor of a tensor file, NULL for other files. Returns 0, or -ENOENT for no file. */
static int find_tensor(const struct mxfs_tree *tree, uint64_t ino,
                       const struct tree_view_output **out)
{
    struct stat st;

    *out = tree_nodes_tensor(tree, ino);
    return *out ? 0 : mxfs_tree_getattr(tree, ino, &st);
}

ssize_t mxfs_tree_getxattr(const struct mxfs_tree *tree, uint64_t ino, const char *name, char *buf,
                           size_t size)
{
    const struct tree_view_output *tensor;
    int rc = find_tensor(tree, ino, &tensor);

    for (size_t i = 0; rc == 0 && tensor && i < MXFS_COUNT(attributes); i++) {
        if (strcmp(name, attributes[i].name) == 0)
            return give_value(attributes[i].put, tensor->output, buf, size);
    }
    return rc == 0 ? -ENODATA : rc;
}

ssize_t mxfs_tree_listxattr(const struct mxfs_tree *tree, uint64_t ino, char *buf, size_t size)
{
    const struct tree_view_output *tensor;
    char names[256];
    size_t len = 0;
    int rc = find_tensor(tree, ino, &tensor);

    for (size_t i = 0; rc == 0 && tensor && i < MXFS_COUNT(attributes); i++)
        len += (size_t)sprintf(names + len, "%s", attributes[i].name) + 1;
    return rc == 0 ? give(names, len, buf, size) : rc;
}
