/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * *.safetensors.index.json: edits the weight map and the total size.
 */
#include "mxfs/jsonedit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "editor.h"

struct mxfs_jsonedit_index {
    struct jsonedit_editor editor;
    struct jsonedit_object root;
    struct jsonedit_object map; /* the weight map, while in_map */
    bool in_map;
    char total_size[24]; /* as JSON */
};

int mxfs_jsonedit_index_new(struct mxfs_jsonedit_index **index, const char *text, size_t len,
                            uint64_t total_size)
{
    struct mxfs_jsonedit_index *x = calloc(1, sizeof(*x));
    int rc = x ? jsonedit_init(&x->editor, text, len) : -ENOMEM;

    if (rc == 0)
        rc = jsonedit_open(&x->editor, &x->root);
    if (rc != 0) {
        mxfs_jsonedit_index_free(x);
        x = NULL;
    } else {
        snprintf(x->total_size, sizeof(x->total_size), "%" PRIu64, total_size);
    }
    *index = x;
    return rc;
}

static int edit_metadata(struct mxfs_jsonedit_index *x)
{
    struct jsonedit_editor *e = &x->editor;
    struct jsonedit_object object;
    int more = 0, rc = jsonedit_open(e, &object);

    while (rc == 0 && (more = jsonedit_next(e, &object)) > 0) {
        rc = jsonedit_keep(e, &object);
        if (rc == 0)
            rc = jsonedit_key_is(e, "total_size") ? jsonedit_set_value(e, x->total_size)
                                                  : jsonedit_skip(e);
    }
    return rc != 0 ? rc : more;
}

/*
 * Walks through the root to the next weight map and enters it. Returns 1, or 0 at the end of the
 * root.
 */
static int next_map(struct mxfs_jsonedit_index *x)
{
    struct jsonedit_editor *e = &x->editor;
    int more, rc = 0;

    while ((more = jsonedit_next(e, &x->root)) > 0) {
        rc = jsonedit_keep(e, &x->root);
        if (rc == 0 && jsonedit_key_is(e, "weight_map")) {
            rc = jsonedit_open(e, &x->map);
            return rc != 0 ? rc : 1;
        }
        if (rc == 0)
            rc = jsonedit_key_is(e, "metadata") && jsonedit_kind(e) == '{' ? edit_metadata(x)
                                                                           : jsonedit_skip(e);
        if (rc != 0)
            return rc;
    }
    return more;
}

/* Moves to the next member of the current weight map, or of the next one that is not empty. */
static int next_member(struct mxfs_jsonedit_index *x)
{
    int more = 0;

    while (more == 0) {
        if (!x->in_map && (more = next_map(x)) <= 0)
            return more;
        x->in_map = true;
        more = jsonedit_next(&x->editor, &x->map);
        if (more == 0) {
            x->in_map = false;
            more = jsonedit_close(&x->editor, &x->map);
        }
    }
    return more;
}

int mxfs_jsonedit_index_next(struct mxfs_jsonedit_index *x, struct mxfs_jsonedit_weight *w)
{
    struct jsonedit_editor *e = &x->editor;
    int more = next_member(x);

    if (more <= 0)
        return more;
    int rc = jsonedit_read_string(e);
    if (rc != 0)
        return rc;
    *w = (struct mxfs_jsonedit_weight){.name = e->key.data,
                                       .name_len = e->key.len,
                                       .shard = e->value.data,
                                       .shard_len = e->value.len};
    return 1;
}

int mxfs_jsonedit_index_keep(struct mxfs_jsonedit_index *x)
{
    return jsonedit_keep(&x->editor, &x->map);
}

int mxfs_jsonedit_index_drop(struct mxfs_jsonedit_index *x)
{
    return jsonedit_cut(&x->editor, &x->map);
}

int mxfs_jsonedit_index_rename(struct mxfs_jsonedit_index *x, const char *name, size_t len)
{
    const struct jsonedit_string *key = &x->editor.key;
    int rc = jsonedit_keep(&x->editor, &x->map);

    /* A name that does not change keeps its escapes. */
    if (rc != 0 || (key->len == len && memcmp(key->data, name, len) == 0))
        return rc;
    return jsonedit_set_key(&x->editor, &x->map, name, len);
}

int mxfs_jsonedit_index_finish(struct mxfs_jsonedit_index *x, char **out, size_t *out_len)
{
    *out = NULL;
    *out_len = 0;
    return jsonedit_finish(&x->editor, out, out_len);
}

void mxfs_jsonedit_index_free(struct mxfs_jsonedit_index *x)
{
    if (x)
        jsonedit_fini(&x->editor);
    free(x);
}
