/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libFuzzer: the editing of JSON; the input is the text of a file. What jansson reads as an object
 * must be accepted, what comes out must again be read by it, and a config that was edited once has
 * nothing to edit.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/jsonedit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure that a fuzzer and a debugger both see. */
static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* Whether jansson, which knows no NaN and Infinity, reads an object. It also takes a NUL behind a
 * number, which is not JSON. */
static bool is_object(const char *text, size_t len)
{
    json_t *root = json_loadb(text, len, 0, NULL);
    bool is = json_is_object(root) && !memchr(text, '\0', len);

    json_decref(root);
    return is;
}

static void fuzz_config(const char *text, size_t len, const char *dtype, bool good)
{
    char *once, *twice;
    size_t once_len, twice_len;

    if (mxfs_jsonedit_config(text, len, dtype, 0, &once, &once_len) != 0) {
        expect(!good && !once);
        return;
    }
    expect(!good || is_object(once, once_len));
    expect(mxfs_jsonedit_config(once, once_len, dtype, 0, &twice, &twice_len) == 0);
    expect(once_len == twice_len && memcmp(once, twice, once_len) == 0);
    free(once);
    free(twice);
}

/* A fate that depends on the name only; a name cut by a byte may end inside a character. */
static int decide(void *data, struct mxfs_jsonedit_weight *w)
{
    (void)data;
    w->renamed = w->name;
    w->renamed_len = w->name_len - (w->name_len > 0);
    return (int)((w->name_len + w->shard_len) % 3);
}

static void fuzz_index(const char *text, size_t len, bool good)
{
    char *out;
    size_t out_len;

    if (mxfs_jsonedit_index(text, len, UINT64_C(1) << 40, decide, NULL, &out, &out_len) != 0)
        expect(!out);
    else
        expect(!good || is_object(out, out_len));
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + !size); /* exact, so that a step beyond it is seen */

    expect(text != NULL);
    memcpy(text, data, size);
    bool good = is_object(text, size);
    fuzz_config(text, size, NULL, good);
    fuzz_config(text, size, "bfloat16", good);
    fuzz_index(text, size, good);
    free(text);
    return 0;
}
