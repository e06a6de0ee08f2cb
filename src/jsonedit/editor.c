/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The editor: walks through the members of objects and writes the edited text as it goes.
 *
 * What is cut with a member, so that commas and lines stay right: behind a member that stays, all
 * from that member's end to the cut one's end (its comma goes, the white space behind it stays);
 * before the first that stays, all from the first key to the key of that one; and where none stays,
 * all between the braces.
 */
#include "editor.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/utf8.h"

static int reserve(struct mxfs_editor_bytes *b, size_t more)
{
    if (more <= b->size - b->len)
        return 0;
    if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
        return -ENOMEM;
    size_t size = (b->len + more) * 2;
    char *data = realloc(b->data, size);
    if (!data)
        return -ENOMEM;
    b->data = data;
    b->size = size;
    return 0;
}

static int put(struct mxfs_editor_bytes *b, const char *data, size_t len)
{
    if (reserve(b, len) != 0)
        return -ENOMEM;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return 0;
}

static int put_text(struct mxfs_editor_bytes *b, const char *text)
{
    return put(b, text, strlen(text));
}

/* How many bytes at p stand for themselves; behind them is a byte to escape, or one that is not
 * UTF-8. */
static size_t plain_len(const unsigned char *p, size_t len)
{
    size_t at = 0, n = 1;

    while (at < len && n > 0 && p[at] >= 0x20 && p[at] != '"' && p[at] != '\\') {
        n = mxfs_utf8_char_len(p + at, len - at);
        at += n;
    }
    return at;
}

static int put_escape(struct mxfs_editor_bytes *b, unsigned char c)
{
    char escape[8];

    if (c >= 0x80)
        return -EINVAL;
    snprintf(escape, sizeof(escape), c < 0x20 ? "\\u%04x" : "\\%c", c);
    return put_text(b, escape);
}

static int put_string(struct mxfs_editor_bytes *b, const char *name, size_t len)
{
    int rc = put(b, "\"", 1);

    for (size_t at = 0; rc == 0 && at < len;) {
        size_t n = plain_len((const unsigned char *)name + at, len - at);
        rc = put(b, name + at, n);
        at += n;
        if (rc == 0 && at < len)
            rc = put_escape(b, (unsigned char)name[at++]);
    }
    return rc != 0 ? rc : put(b, "\"", 1);
}

/* Copies what stands before `from` and leaves out what stands before `to`. */
static int cut(struct mxfs_editor *e, size_t from, size_t to)
{
    int rc = put(&e->out, e->scan.text + e->copied, from - e->copied);
    e->copied = to;
    return rc;
}

int mxfs_editor_init(struct mxfs_editor *e, const char *text, size_t len)
{
    memset(e, 0, sizeof(*e));
    e->scan = (struct mxfs_scan){.text = text, .len = len};
    /* Most edits shorten; where not, it grows. */
    return reserve(&e->out, len / 2 + 64);
}

void mxfs_editor_fini(struct mxfs_editor *e)
{
    free(e->out.data);
    free(e->key.storage.data);
    free(e->value.storage.data);
    memset(e, 0, sizeof(*e));
}

int mxfs_editor_finish(struct mxfs_editor *e, char **out, size_t *out_len)
{
    if (mxfs_scan_space(&e->scan) >= 0)
        return -EINVAL;
    if (cut(e, e->scan.len, e->scan.len) != 0 || put(&e->out, "", 1) != 0)
        return -ENOMEM;
    *out = e->out.data;
    *out_len = e->out.len - 1;
    e->out = (struct mxfs_editor_bytes){0};
    return 0;
}

static int decode(const struct mxfs_editor *e, const struct mxfs_scan_string *from,
                  struct mxfs_editor_string *to)
{
    to->data = e->scan.text + from->from + 1;
    to->len = from->to - from->from - 2;
    if (!from->escaped)
        return 0;
    if (reserve(&to->storage, to->len) != 0)
        return -ENOMEM;
    to->data = to->storage.data;
    to->len = mxfs_scan_decode(&e->scan, from, to->storage.data);
    return 0;
}

int mxfs_editor_open(struct mxfs_editor *e, struct mxfs_editor_object *object)
{
    mxfs_scan_space(&e->scan);
    if (mxfs_scan_open(&e->scan, '{') != 0)
        return -EINVAL;
    *object = (struct mxfs_editor_object){.open = e->scan.pos, .separated = e->scan.pos};
    return 0;
}

int mxfs_editor_next(struct mxfs_editor *e, struct mxfs_editor_object *object)
{
    struct mxfs_scan *s = &e->scan;

    object->end = s->pos;
    if (mxfs_scan_space(s) == '}')
        return 0;
    if (object->count > 0) {
        if (mxfs_scan_expect(s, ',') != 0)
            return -EINVAL;
        object->separated = s->pos;
        mxfs_scan_space(s);
    }
    if (mxfs_scan_string(s, &object->key) != 0)
        return -EINVAL;
    mxfs_scan_space(s);
    if (mxfs_scan_expect(s, ':') != 0)
        return -EINVAL;
    mxfs_scan_space(s);
    object->value = s->pos;
    if (object->count++ == 0)
        object->first = object->key.from;
    int rc = decode(e, &object->key, &e->key);
    return rc != 0 ? rc : 1;
}

int mxfs_editor_close(struct mxfs_editor *e, struct mxfs_editor_object *object)
{
    if (object->count > 0 && !object->kept && cut(e, object->open, e->scan.pos) != 0)
        return -ENOMEM;
    e->scan.depth--;
    return mxfs_scan_expect(&e->scan, '}');
}

bool mxfs_editor_key_is(const struct mxfs_editor *e, const char *name)
{
    return e->key.len == strlen(name) && memcmp(e->key.data, name, e->key.len) == 0;
}

int mxfs_editor_kind(const struct mxfs_editor *e)
{
    return mxfs_scan_byte(&e->scan);
}

int mxfs_editor_skip(struct mxfs_editor *e)
{
    return mxfs_scan_value(&e->scan);
}

int mxfs_editor_read_string(struct mxfs_editor *e)
{
    struct mxfs_scan_string string;

    if (mxfs_scan_string(&e->scan, &string) != 0)
        return -EINVAL;
    return decode(e, &string, &e->value);
}

int mxfs_editor_keep(struct mxfs_editor *e, struct mxfs_editor_object *object)
{
    bool first = !object->kept;

    object->kept = true;
    return first && object->count > 1 ? cut(e, object->first, object->key.from) : 0;
}

int mxfs_editor_cut(struct mxfs_editor *e, struct mxfs_editor_object *object)
{
    /* What goes before the first that stays is known when that one is met. */
    return object->kept ? cut(e, object->end, e->scan.pos) : 0;
}

int mxfs_editor_set_key(struct mxfs_editor *e, struct mxfs_editor_object *object, const char *name,
                        size_t len)
{
    int rc = cut(e, object->key.from, object->key.to);
    return rc != 0 ? rc : put_string(&e->out, name, len);
}

int mxfs_editor_set_value(struct mxfs_editor *e, const char *json)
{
    size_t from = e->scan.pos;
    int rc = mxfs_scan_value(&e->scan);

    if (rc == 0)
        rc = cut(e, from, e->scan.pos);
    return rc != 0 ? rc : put_text(&e->out, json);
}

/* What stands between a comma and the last member; before a lone member, that only if it is on a
 * line of its own. */
static int put_separator(struct mxfs_editor *e, const struct mxfs_editor_object *o)
{
    const char *space = e->scan.text + o->separated;
    size_t len = o->key.from - o->separated;
    bool spaced = e->scan.text[o->value - 1] == ' ';

    if (o->count > 1 || memchr(space, '\n', len))
        return put(&e->out, space, len);
    return put(&e->out, " ", spaced ? 1 : 0);
}

static int put_member(struct mxfs_editor *e, const struct mxfs_editor_object *o, const char *name,
                      const char *json)
{
    int rc = put_string(&e->out, name, strlen(name));

    if (rc == 0 && o->count > 0)
        rc = put(&e->out, e->scan.text + o->key.to, o->value - o->key.to);
    else if (rc == 0)
        rc = put_text(&e->out, ": ");
    return rc != 0 ? rc : put_text(&e->out, json);
}

int mxfs_editor_append(struct mxfs_editor *e, struct mxfs_editor_object *object, const char *name,
                       const char *json)
{
    bool behind = object->kept;
    /* Where none stays, the new member takes the place of all. */
    size_t from = behind ? object->end : object->count > 0 ? object->first : object->open;
    size_t to = object->count > 0 ? object->end : object->open;

    if (cut(e, from, to) != 0)
        return -ENOMEM;
    object->kept = true;
    if (behind && (put(&e->out, ",", 1) != 0 || put_separator(e, object) != 0))
        return -ENOMEM;
    return put_member(e, object, name, json);
}
