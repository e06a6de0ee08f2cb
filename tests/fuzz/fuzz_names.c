/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * libFuzzer: tensor name <-> file name. The input is a name, two names (its halves), and a file
 * name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/compiler.h"
#include "mxfs/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const extensions[] = {"", ".npy"};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* A valid directory entry that is safe on a terminal. */
static void expect_safe(const char *file, size_t len, const char *ext)
{
    size_t e = strlen(ext);

    expect(len > e && len < MXFS_FILE_NAME_SIZE && strlen(file) == len);
    expect(file[0] != '.' && !strchr(file, '/') && strcmp(file + len - e, ext) == 0);
    for (const char *c = file; *c; c++)
        expect((unsigned char)*c >= 0x20 && *c != 0x7F);
}

static void fuzz_name(const char *name, size_t len, const char *ext)
{
    char file[MXFS_FILE_NAME_SIZE], back[MXFS_FILE_NAME_SIZE];
    size_t n, file_len = mxfs_name_to_file(file, name, len, ext);
    bool hashed;

    expect_safe(file, file_len, ext);
    if (mxfs_name_from_file(back, &n, &hashed, file, ext))
        expect(!hashed && n == len && memcmp(back, name, n) == 0);
    else
        expect(hashed && strchr(file, '~'));
}

static void fuzz_pair(const char *name, size_t len, const char *ext)
{
    char a[MXFS_FILE_NAME_SIZE], b[MXFS_FILE_NAME_SIZE];
    size_t half = len / 2;

    mxfs_name_to_file(a, name, half, ext);
    mxfs_name_to_file(b, name + half, len - half, ext);
    bool same = half == len - half && memcmp(name, name + half, half) == 0;
    expect((strcmp(a, b) == 0) == same);
}

/* A tensor has one file name: what is taken is what would be written. */
static void fuzz_file(const char *file, const char *ext)
{
    char *name = malloc(strlen(file) + 1), again[MXFS_FILE_NAME_SIZE];
    size_t len;
    bool hashed;

    expect(name != NULL);
    if (mxfs_name_from_file(name, &len, &hashed, file, ext)) {
        mxfs_name_to_file(again, name, len, ext);
        expect(strcmp(again, file) == 0);
    }
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = malloc(size + 1);

    expect(name != NULL);
    memcpy(name, data, size);
    name[size] = '\0';
    for (size_t i = 0; i < MXFS_COUNT(extensions); i++) {
        fuzz_name(name, size, extensions[i]);
        fuzz_pair(name, size, extensions[i]);
        fuzz_file(name, extensions[i]);
    }
    free(name);
    return 0;
}
