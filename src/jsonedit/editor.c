/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The editor: walks through the members of objects, and writes the edited text on the way.
 *
 * A member is cut together with the commas and white space around it. After a member that is kept,
 * the cut runs from the end of that one to the end of the removed one; before the first that is
 * kept, from the first key to the key of that one; and if none is kept, from brace to brace.
 */
#include "editor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/array.h"
#include "mxfs/utf8.h"

static int reserve(struct jsonedit_bytes *b, size_t more)
{
    char *data = mxfs_array_grow(b->data, b->len + more, &b->capacity, 1);

    if (!data)
        return -ENOMEM;
    b->data = data;
    return 0;
}

static int put(struct jsonedit_bytes *b, const char *data, size_t len)
{
    if (reserve(b, len) != 0)
        return -ENOMEM;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return 0;
}

static int put_text(struct jsonedit_bytes *b, const char *text)
{
    return put(b, text, strlen(text));
}

static int put_string(struct jsonedit_bytes *b, const char *text, size_t len)
{
    char escape[8];
    int rc = put(b, "\"", 1);

    if (mxfs_utf8_valid_len(text, len) != len)
        return -EINVAL;
    for (size_t i = 0; rc == 0 && i < len; i++)
        rc = mxfs_json_is_plain(text[i]) ? put(b, text + i, 1)
                                         : put(b, escape, mxfs_json_escape(text[i], escape));
    return rc != 0 ? rc : put(b, "\"", 1);
}

/* Copies the text up to `from`, and skips the text from there to `to`. */
static int cut(struct jsonedit_editor *e, size_t from, size_t to)
{
    int rc = put(&e->out, e->json.text + e->copied, from - e->copied);
    e->copied = to;
    return rc;
}

int jsonedit_init(struct jsonedit_editor *e, const char *text, size_t len)
{
    memset(e, 0, sizeof(*e));
    int rc = mxfs_json_begin(&e->json, text, len, MXFS_JSON_PYTHON);
    /* Most edits shorten the text; the buffer grows for those that do not. */
    return rc != 0 ? rc : reserve(&e->out, len / 2 + 64);
}

void jsonedit_fini(struct jsonedit_editor *e)
{
    free(e->out.data);
    free(e->key.storage.data);
    free(e->value.storage.data);
    memset(e, 0, sizeof(*e));
}

int jsonedit_finish(struct jsonedit_editor *e, char **out, size_t *out_len)
{
    if (mxfs_json_end(&e->json) != 0)
        return -EINVAL;
    if (cut(e, e->json.size, e->json.size) != 0 || put(&e->out, "", 1) != 0)
        return -ENOMEM;
    *out = e->out.data;
    *out_len = e->out.len - 1;
    e->out = (struct jsonedit_bytes){0};
    return 0;
}

static int decode(const struct mxfs_json_string *from, struct jsonedit_string *to)
{
    to->data = from->raw;
    to->len = from->len;
    if (from->len == from->raw_len)
        return 0;
    if (reserve(&to->storage, from->len) != 0)
        return -ENOMEM;
    to->data = to->storage.data;
    mxfs_json_decode(from, to->storage.data, from->len);
    return 0;
}

int jsonedit_open(struct jsonedit_editor *e, struct jsonedit_object *object)
{
    int rc = mxfs_json_open(&e->json, '{');

    *object = (struct jsonedit_object){.open = e->json.pos};
    return rc;
}

int jsonedit_next(struct jsonedit_editor *e, struct jsonedit_object *object)
{
    struct mxfs_json *j = &e->json;
    struct mxfs_json_string key;

    object->end = j->pos;
    int more = mxfs_json_next(j, '}');
    if (more <= 0)
        return more;
    object->key = j->pos;
    if (mxfs_json_read_key(j, &key) != 0)
        return -EINVAL;
    object->key_end = object->key + key.raw_len + 2;
    mxfs_json_peek(j);
    object->value = j->pos;
    if (object->count++ == 0)
        object->first = object->key;
    int rc = decode(&key, &e->key);
    return rc != 0 ? rc : 1;
}

int jsonedit_close(struct jsonedit_editor *e, const struct jsonedit_object *object)
{
    return object->count > 0 && !object->kept ? cut(e, object->open, e->json.pos - 1) : 0;
}

bool jsonedit_key_is(const struct jsonedit_editor *e, const char *name)
{
    return e->key.len == strlen(name) && memcmp(e->key.data, name, e->key.len) == 0;
}

int jsonedit_kind(const struct jsonedit_editor *e)
{
    return e->json.pos < e->json.size ? (unsigned char)e->json.text[e->json.pos] : -1;
}

int jsonedit_skip(struct jsonedit_editor *e)
{
    return mxfs_json_skip(&e->json);
}

int jsonedit_read_string(struct jsonedit_editor *e)
{
    struct mxfs_json_string string;
    int rc = mxfs_json_read_string(&e->json, &string);

    return rc != 0 ? rc : decode(&string, &e->value);
}

int jsonedit_keep(struct jsonedit_editor *e, struct jsonedit_object *object)
{
    bool first = !object->kept;

    object->kept = true;
    return first && object->count > 1 ? cut(e, object->first, object->key) : 0;
}

int jsonedit_cut(struct jsonedit_editor *e, const struct jsonedit_object *object)
{
    /* Members before the first that is kept are cut when that one is reached. */
    return object->kept ? cut(e, object->end, e->json.pos) : 0;
}

int jsonedit_set_key(struct jsonedit_editor *e, const struct jsonedit_object *object,
                     const char *name, size_t len)
{
    int rc = cut(e, object->key, object->key_end);
    return rc != 0 ? rc : put_string(&e->out, name, len);
}

int jsonedit_set_value(struct jsonedit_editor *e, const char *json)
{
    size_t from = e->json.pos;
    int rc = mxfs_json_skip(&e->json);

    if (rc == 0)
        rc = cut(e, from, e->json.pos);
    return rc != 0 ? rc : put_text(&e->out, json);
}

/*
 * Writes the white space that is before the last member. If there is only one member, on the line
 * of the brace, writes a space if there is one after the colon.
 */
static int put_separator(struct jsonedit_editor *e, const struct jsonedit_object *o)
{
    const char *text = e->json.text;
    size_t start = o->key;

    while (memchr(" \t\r\n", text[start - 1], 4))
        start--;
    if (o->count > 1 || memchr(text + start, '\n', o->key - start))
        return put(&e->out, text + start, o->key - start);
    return put(&e->out, " ", text[o->value - 1] == ' ');
}

static int put_member(struct jsonedit_editor *e, const struct jsonedit_object *o, const char *name,
                      const char *json)
{
    int rc = put_string(&e->out, name, strlen(name));

    if (rc == 0 && o->count > 0)
        rc = put(&e->out, e->json.text + o->key_end, o->value - o->key_end);
    else if (rc == 0)
        rc = put_text(&e->out, ": ");
    return rc != 0 ? rc : put_text(&e->out, json);
}

int jsonedit_append(struct jsonedit_editor *e, struct jsonedit_object *object, const char *name,
                    const char *json)
{
    bool follows = object->kept;
    /* If no member is kept, the new one replaces them all. */
    size_t from = follows ? object->end : object->count > 0 ? object->first : object->open;
    size_t to = object->count > 0 ? object->end : object->open;

    if (cut(e, from, to) != 0)
        return -ENOMEM;
    object->kept = true;
    if (follows && (put(&e->out, ",", 1) != 0 || put_separator(e, object) != 0))
        return -ENOMEM;
    return put_member(e, object, name, json);
}
