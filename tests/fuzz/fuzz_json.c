/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libFuzzer: JSON; the input is the text of a file. A text that jansson reads as an object must be
 * accepted in Python's dialect, and so must one that the strict dialect accepts; looking things up
 * must find what jansson finds; an edited text must be read by jansson again, and a config that was
 * edited once has nothing left to edit.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "mxfs/jsonedit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure that a fuzzer and a debugger both see. */
static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* The text as jansson, which knows no NaN and Infinity, reads it: an object, or NULL. It also takes
 * a NUL after a number, which is not JSON. */
static json_t *read_object(const char *text, size_t len)
{
    json_t *root = memchr(text, '\0', len) ? NULL : json_loadb(text, len, JSON_ALLOW_NUL, NULL);

    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

static bool is_object(const char *text, size_t len)
{
    json_t *root = read_object(text, len);

    json_decref(root);
    return root != NULL;
}

static bool accepts(const char *text, size_t len, enum mxfs_json_dialect dialect)
{
    struct mxfs_json j;
    int rc = mxfs_json_begin(&j, text, len, dialect);

    if (rc == 0)
        rc = mxfs_json_skip(&j);
    if (rc == 0)
        rc = mxfs_json_end(&j);
    expect((rc == 0) == !j.error && j.pos <= len);
    return rc == 0;
}

static void compare_scalar(const json_t *value, struct model_json found)
{
    static const char kinds[] = {[JSON_TRUE] = 't', [JSON_FALSE] = 'f', [JSON_NULL] = 'n'};
    char text[4096 + 1]; /* no string in an input of libFuzzer is longer */

    if (json_is_string(value)) {
        expect(model_json_string(found, text, sizeof(text)));
        if (json_string_length(value) < sizeof(text))
            expect(memcmp(text, json_string_value(value), json_string_length(value) + 1) == 0);
    } else if (json_is_integer(value)) {
        json_int_t n = json_integer_value(value);
        expect(model_json_integer(found) == (n > 0 ? (uint64_t)n : 0));
    } else if (json_is_real(value)) {
        expect(model_json_integer(found) == 0);
    } else {
        expect(model_json_kind(found) == kinds[json_typeof(value)]);
    }
}

/* Whether a walk and look-ups find what jansson's tree has. Few levels: each look-up reads the
 * whole object. */
static void compare(json_t *value, struct model_json found, int depth)
{
    struct model_json_walk w = model_json_walk(found, json_is_array(value) ? '[' : '{');
    const char *key;
    json_t *member;
    size_t count = 0;

    if (!json_is_object(value) && !json_is_array(value)) {
        compare_scalar(value, found);
        return;
    }
    while (model_json_next(&w)) {
        if (json_is_array(value) && depth < 4)
            compare(json_array_get(value, count), w.value, depth + 1);
        count++;
    }
    expect(json_is_array(value) ? count == json_array_size(value)
                                : count >= json_object_size(value));
    json_object_foreach(value, key, member)
    {
        if (depth < 4 && strlen(key) <= 64)
            compare(member, model_json_get(found, key), depth + 1);
    }
}

static void fuzz_look_ups(const char *text, size_t len)
{
    json_t *root = read_object(text, len);
    size_t start = strspn(text, " \t\r\n");

    if (root)
        compare(root, (struct model_json){text + start, len - start}, 0);
    json_decref(root);
}

/* `sound` says whether the text is an object in Python's dialect, `good` whether it is in
 * jansson's. */
static void fuzz_config(const char *text, size_t len, const char *dtype, bool sound, bool good)
{
    char *once, *twice;
    size_t once_len, twice_len;

    if (mxfs_jsonedit_config(text, len, dtype, 0, &once, &once_len) != 0) {
        expect(!sound && !once);
        return;
    }
    expect(sound && (!good || is_object(once, once_len)));
    expect(mxfs_jsonedit_config(once, once_len, dtype, 0, &twice, &twice_len) == 0);
    expect(once_len == twice_len && memcmp(once, twice, once_len) == 0);
    free(once);
    free(twice);
}

/* An edit that depends on the names only. A name that is a byte shorter may end in a character. */
static int edit_weight(struct mxfs_jsonedit_index *index, const struct mxfs_jsonedit_weight *w)
{
    switch ((w->name_len + w->shard_len) % 3) {
    case 0:
        return mxfs_jsonedit_index_keep(index);
    case 1:
        return mxfs_jsonedit_index_drop(index);
    default:
        return mxfs_jsonedit_index_rename(index, w->name, w->name_len - (w->name_len > 0));
    }
}

static void fuzz_index(const char *text, size_t len, bool good)
{
    struct mxfs_jsonedit_index *index;
    struct mxfs_jsonedit_weight w;
    char *out = NULL;
    size_t out_len;
    int more = 0, rc = mxfs_jsonedit_index_new(&index, text, len, UINT64_C(1) << 40);

    while (rc == 0 && (more = mxfs_jsonedit_index_next(index, &w)) > 0)
        rc = edit_weight(index, &w);
    if (rc == 0 && more == 0 && mxfs_jsonedit_index_finish(index, &out, &out_len) == 0)
        expect(!good || is_object(out, out_len));
    else
        expect(!out);
    mxfs_jsonedit_index_free(index);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + !size); /* exact, so that a step beyond it is seen */

    expect(text != NULL);
    memcpy(text, data, size);
    bool good = is_object(text, size), sound = accepts(text, size, MXFS_JSON_PYTHON);
    expect(sound || (!good && !accepts(text, size, MXFS_JSON_STRICT)));
    struct mxfs_json j = {.text = text, .size = size};
    sound = sound && mxfs_json_peek(&j) == '{';
    fuzz_look_ups(text, size);
    fuzz_config(text, size, NULL, sound, good);
    fuzz_config(text, size, "bfloat16", sound, good);
    fuzz_index(text, size, good);
    free(text);
    return 0;
}
