/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libFuzzer: the command line. The input is words that end in NUL, as in /proc/PID/cmdline; the
 * first word is also taken as the library's list of options.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 64 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* One line, or nothing when all is well. */
static void expect_told(int rc, const struct mxfs_error *err)
{
    expect((rc != 0) == (err->text[0] != '\0') && (rc != 0) == (err->code != MXFS_EXIT_OK));
    for (const char *c = err->text; *c; c++)
        expect((unsigned char)*c >= 0x20 && *c != 0x7F);
}

/* Properties that the commands rely on. */
static void expect_complete(const struct mxfs_options *o)
{
    static const unsigned char operands[MXFS_COMMAND_END] = {
        [MXFS_COMMAND_MOUNT] = 2,   [MXFS_COMMAND_LIST] = 1,   [MXFS_COMMAND_CAT] = 2,
        [MXFS_COMMAND_EXPORT] = 2,  [MXFS_COMMAND_VERIFY] = 2, [MXFS_COMMAND_STATS] = 1,
        [MXFS_COMMAND_UNMOUNT] = 1,
    };

    expect(o->command < MXFS_COMMAND_END);
    for (int i = 0; i < 2; i++)
        expect((o->operand[i] != NULL) == (i < operands[o->command]));
    expect(o->choices.cache_size >= MXFS_CACHE_SIZE_MIN);
}

static void fuzz_words(char *text, size_t size)
{
    char program[] = "mxfs", *argv[WORDS_MAX + 2] = {program};
    struct mxfs_options options;
    struct mxfs_error err = {0};
    int argc = 1;

    for (char *at = text; at < text + size && argc <= WORDS_MAX; at += strlen(at) + 1)
        argv[argc++] = at;
    int rc = mxfs_options_parse(&options, argc, argv, &err);
    expect_told(rc, &err);
    if (rc == 0)
        expect_complete(&options);
    mxfs_options_fini(&options);
}

static void fuzz_list(const char *text)
{
    struct mxfs_choices choices = mxfs_choices_default;
    struct mxfs_error err = {0};
    char *list = strdup(text);

    expect(list != NULL);
    int rc = mxfs_choices_parse(&choices, list, &err);
    expect_told(rc, &err);
    expect(rc != 0 || choices.cache_size >= MXFS_CACHE_SIZE_MIN);
    free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* exact, so that the sanitizer sees a read past it */

    expect(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    fuzz_list(text);
    fuzz_words(text, size);
    free(text);
    return 0;
}
