/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * config.json: what of it describes the quantization, and where the dtype stands.
 *
 * The names are those of transformers (`quantization_config`; `dtype`, formerly `torch_dtype`), of
 * old compressed-tensors (`compression_config`), of MLX (`quantization`) and of DeepSeek V4
 * (`expert_dtype`). Models of several parts hold a config for each (`text_config`).
 */
#include "mxfs/jsonedit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "editor.h"

struct config {
    struct mxfs_editor editor;
    char dtype[64]; /* as JSON; empty when dtypes are left alone */
    unsigned flags;
    bool has_dtype;
};

static bool is_unwanted(const struct config *c)
{
    const struct mxfs_editor *e = &c->editor;

    if (mxfs_editor_key_is(e, "expert_dtype"))
        return !(c->flags & MXFS_JSONEDIT_KEEP_EXPERT_DTYPE);
    return mxfs_editor_key_is(e, "quantization_config") ||
           mxfs_editor_key_is(e, "compression_config") || mxfs_editor_key_is(e, "quantization");
}

static bool is_dtype(const struct config *c)
{
    const struct mxfs_editor *e = &c->editor;
    int kind = mxfs_editor_kind(e);

    return c->dtype[0] &&
           (mxfs_editor_key_is(e, "dtype") || mxfs_editor_key_is(e, "torch_dtype")) &&
           (kind == '"' || kind == 'n' || kind == '{');
}

static bool is_config(const struct mxfs_editor *e)
{
    static const char suffix[] = "_config";
    size_t n = sizeof(suffix) - 1;

    return mxfs_editor_kind(e) == '{' && e->key.len >= n &&
           memcmp(e->key.data + e->key.len - n, suffix, n) == 0;
}

static int edit_object(struct config *c, bool is_root);

static int edit_member(struct config *c, struct mxfs_editor_object *object)
{
    struct mxfs_editor *e = &c->editor;
    int rc;

    if (is_unwanted(c)) {
        rc = mxfs_editor_skip(e);
        return rc != 0 ? rc : mxfs_editor_cut(e, object);
    }
    rc = mxfs_editor_keep(e, object);
    if (rc != 0)
        return rc;
    if (is_dtype(c)) {
        c->has_dtype = true;
        return mxfs_editor_set_value(e, c->dtype);
    }
    return is_config(e) ? edit_object(c, false) : mxfs_editor_skip(e);
}

static int edit_object(struct config *c, bool is_root)
{
    struct mxfs_editor *e = &c->editor;
    struct mxfs_editor_object object;
    int more, rc = mxfs_editor_open(e, &object);

    if (rc != 0)
        return rc;
    while ((more = mxfs_editor_next(e, &object)) > 0) {
        rc = edit_member(c, &object);
        if (rc != 0)
            return rc;
    }
    if (more == 0 && is_root && c->dtype[0] && !c->has_dtype)
        more = mxfs_editor_append(e, &object, "torch_dtype", c->dtype);
    return more != 0 ? more : mxfs_editor_close(e, &object);
}

int mxfs_jsonedit_config(const char *text, size_t len, const char *dtype, unsigned flags,
                         char **out, size_t *out_len)
{
    struct config c = {.flags = flags};

    *out = NULL;
    *out_len = 0;
    if (dtype && snprintf(c.dtype, sizeof(c.dtype), "\"%s\"", dtype) >= (int)sizeof(c.dtype))
        return -EINVAL;
    int rc = mxfs_editor_init(&c.editor, text, len);
    if (rc == 0)
        rc = edit_object(&c, true);
    if (rc == 0)
        rc = mxfs_editor_finish(&c.editor, out, out_len);
    mxfs_editor_fini(&c.editor);
    return rc;
}
