/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * *.safetensors.index.json: the weight map and the total size.
 */
#include "mxfs/jsonedit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "editor.h"

struct index {
    struct mxfs_editor editor;
    char total_size[24];
    mxfs_jsonedit_decide *decide;
    void *data;
};

/* What is done with the present member of an object, of which the key is read. */
typedef int edit_member(struct index *x, struct mxfs_editor_object *object);

static int edit_object(struct index *x, edit_member *member)
{
    struct mxfs_editor_object object;
    int more, rc = mxfs_editor_open(&x->editor, &object);

    if (rc != 0)
        return rc;
    while ((more = mxfs_editor_next(&x->editor, &object)) > 0) {
        rc = member(x, &object);
        if (rc != 0)
            return rc;
    }
    return more != 0 ? more : mxfs_editor_close(&x->editor, &object);
}

/* A name that stays the same keeps its spelling. */
static int rename_member(struct mxfs_editor *e, struct mxfs_editor_object *object,
                         const struct mxfs_jsonedit_weight *w)
{
    if (w->renamed_len == w->name_len && memcmp(w->renamed, w->name, w->name_len) == 0)
        return 0;
    return mxfs_editor_set_key(e, object, w->renamed, w->renamed_len);
}

static int edit_weight(struct index *x, struct mxfs_editor_object *object)
{
    struct mxfs_editor *e = &x->editor;
    int rc = mxfs_editor_read_string(e);

    if (rc != 0)
        return rc;
    struct mxfs_jsonedit_weight w = {.name = e->key.data,
                                     .name_len = e->key.len,
                                     .shard = e->value.data,
                                     .shard_len = e->value.len};
    int fate = x->decide(x->data, &w);
    if (fate < 0)
        return fate;
    if (fate == MXFS_JSONEDIT_DROP)
        return mxfs_editor_cut(e, object);
    rc = mxfs_editor_keep(e, object);
    return rc == 0 && fate == MXFS_JSONEDIT_RENAME ? rename_member(e, object, &w) : rc;
}

static int edit_metadata(struct index *x, struct mxfs_editor_object *object)
{
    struct mxfs_editor *e = &x->editor;
    int rc = mxfs_editor_keep(e, object);

    if (rc != 0)
        return rc;
    return mxfs_editor_key_is(e, "total_size") ? mxfs_editor_set_value(e, x->total_size)
                                               : mxfs_editor_skip(e);
}

static int edit_root(struct index *x, struct mxfs_editor_object *object)
{
    struct mxfs_editor *e = &x->editor;
    int rc = mxfs_editor_keep(e, object);

    if (rc != 0)
        return rc;
    if (mxfs_editor_key_is(e, "weight_map"))
        return edit_object(x, edit_weight);
    if (mxfs_editor_key_is(e, "metadata") && mxfs_editor_kind(e) == '{')
        return edit_object(x, edit_metadata);
    return mxfs_editor_skip(e);
}

int mxfs_jsonedit_index(const char *text, size_t len, uint64_t total_size,
                        mxfs_jsonedit_decide *decide, void *data, char **out, size_t *out_len)
{
    struct index x = {.decide = decide, .data = data};

    *out = NULL;
    *out_len = 0;
    snprintf(x.total_size, sizeof(x.total_size), "%" PRIu64, total_size);
    int rc = mxfs_editor_init(&x.editor, text, len);
    if (rc == 0)
        rc = edit_object(&x, edit_root);
    if (rc == 0)
        rc = mxfs_editor_finish(&x.editor, out, out_len);
    mxfs_editor_fini(&x.editor);
    return rc;
}
