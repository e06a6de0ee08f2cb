/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * UTF-8: measuring well-formed text, and encoding code points.
 *
 * Well-formed as in the Unicode standard, table 3-7: no overlong forms, no surrogates, nothing
 * above U+10FFFF. Everything here is a pure function of its arguments.
 */
#ifndef MXFS_UTF8_H
#define MXFS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/bytes.h"

/** Whether `b` is a continuation byte (80..BF). */
static inline bool mxfs_utf8_is_tail(unsigned char b)
{
    return (b & 0xC0) == 0x80;
}

/** Bytes of the well-formed character at p[0], with `n` >= 1 bytes left; 0 if there is none. */
static inline size_t mxfs_utf8_char_len(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4 || n < 2 || !mxfs_utf8_is_tail(p[1]))
        return 0;
    if (p[0] < 0xE0)
        return 2;
    if (n < 3 || !mxfs_utf8_is_tail(p[2]))
        return 0;
    if (p[0] < 0xF0) /* E0 80..9F are overlong, ED A0..BF surrogates */
        return (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ? 0 : 3;
    if (n < 4 || !mxfs_utf8_is_tail(p[3])) /* F0 80..8F are overlong, F4 90..BF too large */
        return 0;
    return (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F) ? 0 : 4;
}

/** The length in bytes of the longest well-formed prefix of the `n` bytes at `text`. */
static inline size_t mxfs_utf8_valid_len(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0, len;

    while (i < n) {
        while (n - i >= 8 && !(mxfs_load_le64(s + i) & 0x8080808080808080u)) /* eight ASCII bytes */
            i += 8;
        if (i == n || (len = mxfs_utf8_char_len(s + i, n - i)) == 0)
            break;
        i += len;
    }
    return i;
}

/**
 * Writes the code point `c` to out[4]. Returns the number of bytes, 1 to 4. A surrogate is encoded
 * in three bytes, as if it were a character.
 */
static inline size_t mxfs_utf8_encode(uint32_t c, char *out)
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};

    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[len] | c);
    return len;
}

#endif
