/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Errors: one line of text that is safe on a terminal and in a log, whatever bytes it is made from.
 *
 * Text is escaped one character or stray byte at a time, so that it is never cut inside a character
 * or an escape. Long text is shortened in the middle, because a message begins with the file and
 * ends with the reason, and names often differ only at their ends.
 */
#include "mxfs/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mxfs/utf8.h"

/* Bytes of a message before it is shortened: PATH_MAX, a quoted name, and a reason. */
enum { RAW_TEXT = 8192 };

/* A well-formed character or a stray byte of a text, and its escaped form. */
struct unit {
    size_t in;    /* bytes in the text */
    size_t out;   /* bytes in escaped form */
    char text[8]; /* the escaped form, not terminated */
};

/*
 * C0, DEL and C1; the line and paragraph separators U+2028 and U+2029; and the bidirectional
 * controls, which can make a name look like another: U+061C, U+200E, U+200F, U+202A to U+202E,
 * U+2066 to U+2069.
 */
static bool is_control(const unsigned char *p, size_t len)
{
    if (len == 1)
        return p[0] < 0x20 || p[0] == 0x7F;
    if (len == 2)
        return (p[0] == 0xC2 && p[1] < 0xA0) || (p[0] == 0xD8 && p[1] == 0x9C);
    if (len != 3 || p[0] != 0xE2)
        return false;
    if (p[1] == 0x80)
        return p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE);
    return p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9;
}

static void escape_byte(struct unit *u, unsigned char b)
{
    static const char hex[] = "0123456789abcdef";

    u->text[0] = '\\';
    u->text[1] = 'x';
    u->text[2] = hex[b >> 4];
    u->text[3] = hex[b & 15];
    u->in = 1;
    u->out = 4;
}

/*
 * The unit at p[0], with n > 0 bytes left; `quoted` also escapes '"' and '\'. A control character
 * of several bytes is escaped byte by byte: after the first, the others alone are invalid UTF-8.
 */
static struct unit unit_at(const char *p, size_t n, bool quoted)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t len = mxfs_utf8_char_len(s, n);
    struct unit u = {0};

    if (len == 0 || is_control(s, len)) {
        escape_byte(&u, s[0]);
        return u;
    }
    if (quoted && (s[0] == '"' || s[0] == '\\'))
        u.text[u.out++] = '\\';
    memcpy(u.text + u.out, p, len);
    u.out += len;
    u.in = len;
    return u;
}

/*
 * Escapes as many whole units as fit into `room` bytes. Returns the bytes written; sets *used to
 * the bytes read.
 */
static size_t escape_units(char *out, size_t room, const char *text, size_t len, bool quoted,
                           size_t *used)
{
    size_t o = 0, i = 0;

    while (i < len) {
        struct unit u = unit_at(text + i, len - i, quoted);
        if (u.out > room - o)
            break;
        memcpy(out + o, u.text, u.out);
        o += u.out;
        i += u.in;
    }
    *used = i;
    return o;
}

/* The start of the longest tail of `text` whose escaped form takes at most `room` bytes. */
static size_t tail_start(const char *text, size_t len, size_t room, bool quoted)
{
    size_t start = len > room ? len - room : 0, total = 0;

    while (start > 0 && start < len && mxfs_utf8_is_tail((unsigned char)text[start]))
        start++;
    for (size_t i = start; i < len;) {
        struct unit u = unit_at(text + i, len - i, quoted);
        total += u.out;
        i += u.in;
    }
    while (total > room) {
        struct unit u = unit_at(text + start, len - start, quoted);
        total -= u.out;
        start += u.in;
    }
    return start;
}

/*
 * Escapes `text` into `room` bytes, replacing the middle of a long one by "...". Returns the bytes
 * written, without a final NUL.
 */
static size_t abridge(char *out, size_t room, const char *text, size_t len, bool quoted)
{
    size_t used, tail_used;
    size_t o = escape_units(out, room, text, len, quoted, &used);

    if (used == len)
        return o;
    o = escape_units(out, room / 2, text, len, quoted, &used);
    memcpy(out + o, "...", 3);
    o += 3;
    size_t start = tail_start(text, len, room - o, quoted);
    return o + escape_units(out + o, room - o, text + start, len - start, quoted, &tail_used);
}

size_t mxfs_escape(char *out, size_t size, const char *text, size_t len)
{
    size_t used;
    size_t o = escape_units(out, size - 1, text, len, false, &used);

    out[o] = '\0';
    return o;
}

struct mxfs_quoted mxfs_quote(const char *name, size_t len)
{
    struct mxfs_quoted q;
    size_t o = 0;

    q.text[o++] = '"';
    o += abridge(q.text + o, sizeof(q.text) - 3, name, len, true);
    q.text[o++] = '"';
    q.text[o] = '\0';
    return q;
}

int mxfs_fail(struct mxfs_error *err, enum mxfs_exit code, int errnum, const char *fmt, ...)
{
    char raw[RAW_TEXT];
    va_list args;

    if (!err || err->code != MXFS_EXIT_OK)
        return -errnum;
    va_start(args, fmt);
    vsnprintf(raw, sizeof(raw), fmt, args);
    va_end(args);
    err->code = code;
    err->text[abridge(err->text, sizeof(err->text) - 1, raw, strlen(raw), false)] = '\0';
    return -errnum;
}

int mxfs_fail_memory(struct mxfs_error *err, const char *path)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, ENOMEM, "%s%sout of memory", path ? path : "",
                     path ? ": " : "");
}

int mxfs_fail_told(struct mxfs_error *err, enum mxfs_exit code, int errnum)
{
    return mxfs_fail(err, code, errnum, "%s", "");
}
