/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Loading of JSON in Python's dialect.
 */
#include "json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/source.h"

/* A weight map of a million names is some 100 MB. */
enum { JSON_MAX = 256 << 20 };

static size_t replace_word(char *text, size_t at, size_t len, const char *word)
{
    size_t n = strlen(word);
    if (len - at < n || memcmp(text + at, word, n) != 0)
        return 0;
    memset(text + at, ' ', n);
    text[at] = '0';
    return n;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Python's integers have no bounds, jansson's have 64 bits. Returns the length of the digits. */
static size_t replace_long_integer(char *text, size_t at, size_t len)
{
    size_t end = at;

    while (end < len && is_digit(text[end]))
        end++;
    bool fraction = at > 0 && text[at - 1] == '.';
    bool real = end < len && (text[end] == '.' || text[end] == 'e' || text[end] == 'E');
    if (end - at > 18 && !fraction && !real && text[at] != '0') {
        memset(text + at, ' ', end - at);
        text[at] = '0';
    }
    return end - at;
}

/* In the copy that is parsed, outside strings: same length, so that error positions stay right. */
static void replace_python_numbers(char *text, size_t len)
{
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && text[i] == 'N')
            replace_word(text, i, len, "NaN");
        else if (!in_string && text[i] == 'I')
            replace_word(text, i, len, "Infinity");
        else if (!in_string && is_digit(text[i]))
            i += replace_long_integer(text, i, len) - 1;
    }
}

int mxfs_json_load(const char *path, const struct mxfs_reach *reach, json_t **out,
                   struct mxfs_error *err)
{
    char *text = NULL;
    size_t len = 0;
    json_error_t why;

    *out = NULL;
    if (mxfs_reach_lacks(reach, path))
        return -ENOENT;
    int rc = mxfs_source_slurp(path, reach, JSON_MAX, &text, &len, err);
    if (rc != 0)
        return rc;
    replace_python_numbers(text, len);
    json_t *root = json_loadb(text, len, JSON_ALLOW_NUL, &why);
    free(text);
    if (!root)
        return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: line %d column %d: %s", path,
                         why.line, why.column, why.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: not a JSON object", path);
    }
    *out = root;
    return 0;
}
