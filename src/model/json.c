/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Loading JSON files in Python's dialect, and looking things up in their text.
 */
#include "json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/source.h"
#include "mxfs/utf8.h"

int model_json_fail(const struct mxfs_json *j, const char *path, struct mxfs_error *err)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < j->pos; i++) {
        if (j->text[i] == '\n') {
            line++;
            column = 1;
        } else {
            column += !mxfs_utf8_is_tail((unsigned char)j->text[i]);
        }
    }
    return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: line %zu column %zu: %s", path, line,
                     column, j->error);
}

int model_json_open(struct mxfs_json *j, char **text, const struct model_json_file *file,
                    struct mxfs_error *err)
{
    size_t len;

    *text = NULL;
    if (mxfs_reach_lacks(file->reach, file->path))
        return -ENOENT;
    int rc = mxfs_source_slurp(file->path, file->reach, file->max, text, &len, err);
    return rc != 0 ? rc : mxfs_json_begin(j, *text, len, MXFS_JSON_PYTHON);
}

int model_json_load(struct model_json *root, char **text, const struct model_json_file *file,
                    struct mxfs_error *err)
{
    struct mxfs_json j = {.error = NULL};
    int rc = model_json_open(&j, text, file, err);

    if (rc == 0) {
        mxfs_json_peek(&j);
        *root = (struct model_json){*text + j.pos, j.size - j.pos};
        rc = mxfs_json_skip(&j);
    }
    if (rc == 0)
        rc = mxfs_json_end(&j);
    if (j.error)
        model_json_fail(&j, file->path, err);
    else if (rc == 0 && model_json_kind(*root) != '{')
        rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: not a JSON object", file->path);
    if (rc != 0) {
        free(*text);
        *text = NULL;
    }
    return rc;
}

char model_json_kind(struct model_json value)
{
    return value.text ? value.text[0] : '\0';
}

/* A parser at the start of a value. */
static struct mxfs_json parser(struct model_json value)
{
    return (struct mxfs_json){.text = value.text, .size = value.len, .dialect = MXFS_JSON_PYTHON};
}

struct model_json_walk model_json_walk(struct model_json value, char open)
{
    struct model_json_walk walk;

    walk.json = parser(value);
    walk.close = open == '{' ? '}' : ']';
    if (model_json_kind(value) != open || mxfs_json_open(&walk.json, open) != 0)
        walk.close = '\0';
    walk.value = (struct model_json){0};
    walk.name[0] = '\0';
    return walk;
}

/* Reads the value at the position of a parser. */
static struct model_json read_value(struct mxfs_json *j)
{
    mxfs_json_peek(j);
    size_t start = j->pos;
    mxfs_json_skip_checked(j);
    return (struct model_json){j->text + start, j->pos - start};
}

static void read_name(struct model_json_walk *walk)
{
    struct mxfs_json_string name;

    mxfs_json_read_key(&walk->json, &name);
    if (name.len >= sizeof(walk->name))
        return;
    mxfs_json_decode(&name, walk->name, name.len);
    walk->name[memchr(walk->name, '\0', name.len) ? 0 : name.len] = '\0';
}

bool model_json_next(struct model_json_walk *walk)
{
    walk->name[0] = '\0';
    if (walk->close == '\0' || mxfs_json_next(&walk->json, walk->close) <= 0)
        return false;
    if (walk->close == '}')
        read_name(walk);
    walk->value = read_value(&walk->json);
    return true;
}

void model_json_find(struct model_json object, const char *const *names, struct model_json *found,
                     size_t count)
{
    struct mxfs_json j = parser(object);
    struct mxfs_json_string key;

    for (size_t i = 0; i < count; i++)
        found[i] = (struct model_json){0};
    if (model_json_kind(object) != '{' || mxfs_json_open(&j, '{') != 0)
        return;
    while (mxfs_json_next(&j, '}') > 0 && mxfs_json_read_key(&j, &key) == 0) {
        struct model_json value = read_value(&j);
        for (size_t i = 0; i < count; i++)
            if (mxfs_json_equals(&key, names[i]))
                found[i] = value;
    }
}

struct model_json model_json_get(struct model_json object, const char *name)
{
    struct model_json found;

    model_json_find(object, &name, &found, 1);
    return found;
}

uint64_t model_json_integer(struct model_json value)
{
    struct mxfs_json j = parser(value);
    uint64_t n;

    return mxfs_json_read_u64(&j, &n) == 0 && n <= INT64_MAX ? n : 0;
}

bool model_json_string(struct model_json value, char *out, size_t size)
{
    struct mxfs_json j = parser(value);
    struct mxfs_json_string s;

    if (mxfs_json_read_string(&j, &s) != 0)
        return false;
    out[mxfs_json_decode(&s, out, size - 1)] = '\0';
    return true;
}
