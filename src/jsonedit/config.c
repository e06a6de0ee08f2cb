/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * config.json: removes members that describe the quantization, and sets those that name the dtype.
 *
 * The names are those of transformers (`quantization_config`; `dtype`, formerly `torch_dtype`), of
 * old compressed-tensors (`compression_config`), of MLX (`quantization`) and of DeepSeek V4
 * (`expert_dtype`). Models of several parts have a config for each part (`text_config`).
 */
#include "mxfs/jsonedit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "editor.h"

struct config {
    struct jsonedit_editor editor;
    char dtype[64]; /* as JSON; empty: leave dtypes alone */
    unsigned flags; /* enum mxfs_jsonedit_flags */
    bool has_dtype; /* a dtype was set */
};

static bool is_unwanted(const struct config *c)
{
    const struct jsonedit_editor *e = &c->editor;

    if (jsonedit_key_is(e, "expert_dtype"))
        return !(c->flags & MXFS_JSONEDIT_KEEP_EXPERT_DTYPE);
    return jsonedit_key_is(e, "quantization_config") || jsonedit_key_is(e, "compression_config") ||
           jsonedit_key_is(e, "quantization");
}

static bool is_dtype(const struct config *c)
{
    const struct jsonedit_editor *e = &c->editor;
    int kind = jsonedit_kind(e);

    return c->dtype[0] && (jsonedit_key_is(e, "dtype") || jsonedit_key_is(e, "torch_dtype")) &&
           (kind == '"' || kind == 'n' || kind == '{');
}

static bool is_config(const struct jsonedit_editor *e)
{
    static const char suffix[] = "_config";
    size_t n = sizeof(suffix) - 1;

    return jsonedit_kind(e) == '{' && e->key.len >= n &&
           memcmp(e->key.data + e->key.len - n, suffix, n) == 0;
}

static int edit_object(struct config *c, bool is_root);

static int edit_member(struct config *c, struct jsonedit_object *object)
{
    struct jsonedit_editor *e = &c->editor;
    int rc;

    if (is_unwanted(c)) {
        rc = jsonedit_skip(e);
        return rc != 0 ? rc : jsonedit_cut(e, object);
    }
    rc = jsonedit_keep(e, object);
    if (rc != 0)
        return rc;
    if (is_dtype(c)) {
        c->has_dtype = true;
        return jsonedit_set_value(e, c->dtype);
    }
    return is_config(e) ? edit_object(c, false) : jsonedit_skip(e);
}

static int edit_object(struct config *c, bool is_root)
{
    struct jsonedit_editor *e = &c->editor;
    struct jsonedit_object object;
    int more, rc = jsonedit_open(e, &object);

    if (rc != 0)
        return rc;
    while ((more = jsonedit_next(e, &object)) > 0) {
        rc = edit_member(c, &object);
        if (rc != 0)
            return rc;
    }
    if (more == 0 && is_root && c->dtype[0] && !c->has_dtype)
        more = jsonedit_append(e, &object, "torch_dtype", c->dtype);
    return more != 0 ? more : jsonedit_close(e, &object);
}

int mxfs_jsonedit_config(const char *text, size_t len, const char *dtype, unsigned flags,
                         char **out, size_t *out_len)
{
    struct config c = {.flags = flags};

    *out = NULL;
    *out_len = 0;
    if (dtype && snprintf(c.dtype, sizeof(c.dtype), "\"%s\"", dtype) >= (int)sizeof(c.dtype))
        return -EINVAL;
    int rc = jsonedit_init(&c.editor, text, len);
    if (rc == 0)
        rc = edit_object(&c, true);
    if (rc == 0)
        rc = jsonedit_finish(&c.editor, out, out_len);
    jsonedit_fini(&c.editor);
    return rc;
}
