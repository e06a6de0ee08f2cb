/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Escaping and unescaping the names of files in tensors/ and npy/.
 */
#include "mxfs/names.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

enum { HASH_DIGITS = 32 };

static bool is_escaped(const char *name, size_t i)
{
    unsigned char c = (unsigned char)name[i];
    return c < 0x20 || c == 0x7f || c == '/' || c == '%' || c == '~' || (c == '.' && i == 0);
}

/*
 * Escapes as much of the name as fits in `room` bytes, without cutting an escape or a UTF-8
 * character. Sets *full to whether all of it fitted.
 */
static size_t escape_prefix(char *out, size_t room, const char *name, size_t len, bool *full)
{
    size_t n = 0, whole = 0;

    *full = true;
    for (size_t i = 0; i < len; i++) {
        size_t need = is_escaped(name, i) ? 3 : 1;
        if (((unsigned char)name[i] & 0xC0) != 0x80)
            whole = n;
        if (n + need > room) {
            *full = false;
            return whole;
        }
        if (need == 3)
            snprintf(out + n, 4, "%%%02X", (unsigned char)name[i]);
        else
            out[n] = name[i];
        n += need;
    }
    return n;
}

size_t mxfs_name_to_file(char out[MXFS_FILE_NAME_SIZE], const char *name, size_t len,
                         const char *ext)
{
    char escaped[MXFS_FILE_NAME_SIZE + 4];
    size_t room = MXFS_FILE_NAME_SIZE - 1 - strlen(ext);
    bool full;
    size_t n = escape_prefix(escaped, room, name, len, &full);

    if (len == 0)
        return (size_t)snprintf(out, MXFS_FILE_NAME_SIZE, "%%%s", ext);
    if (full)
        return (size_t)snprintf(out, MXFS_FILE_NAME_SIZE, "%.*s%s", (int)n, escaped, ext);
    XXH128_hash_t h = XXH3_128bits(name, len);
    n = escape_prefix(escaped, room - 1 - HASH_DIGITS, name, len, &full);
    return (size_t)snprintf(out, MXFS_FILE_NAME_SIZE, "%.*s~%016llx%016llx%s", (int)n, escaped,
                            (unsigned long long)h.high64, (unsigned long long)h.low64, ext);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool unescape(char *name, size_t *len, const char *file, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        if (file[i] != '%') {
            name[out++] = file[i];
            continue;
        }
        int high = i + 2 < n ? hex_digit(file[i + 1]) : -1;
        int low = i + 2 < n ? hex_digit(file[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        name[out++] = (char)(high << 4 | low);
        i += 2;
    }
    *len = out;
    return true;
}

bool mxfs_name_from_file(char *name, size_t *len, bool *hashed, const char *file, const char *ext)
{
    size_t n = strlen(file), ext_len = strlen(ext);
    char again[MXFS_FILE_NAME_SIZE];

    *hashed = false;
    *len = 0;
    if (n < ext_len || n >= MXFS_FILE_NAME_SIZE || strcmp(file + n - ext_len, ext) != 0)
        return false;
    n -= ext_len;
    if (memchr(file, '~', n)) {
        *hashed = true;
        return false;
    }
    if (n == 1 && file[0] == '%')
        return true;
    if (!unescape(name, len, file, n))
        return false;
    /* Accept only the spelling that mxfs_name_to_file() gives. */
    mxfs_name_to_file(again, name, *len, ext);
    return strcmp(again, file) == 0;
}
