/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Moving over JSON text in Python's dialect.
 */
#include "scan.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "mxfs/utf8.h"

/* What jansson allows, too, which has read the text before. It bounds the recursion here. */
enum { MAX_DEPTH = 2048 };

int mxfs_scan_space(struct mxfs_scan *s)
{
    int c;
    while ((c = mxfs_scan_byte(s)) == ' ' || c == '\n' || c == '\r' || c == '\t')
        s->pos++;
    return c;
}

int mxfs_scan_expect(struct mxfs_scan *s, char c)
{
    if (mxfs_scan_byte(s) != c)
        return -EINVAL;
    s->pos++;
    return 0;
}

int mxfs_scan_open(struct mxfs_scan *s, char c)
{
    if (s->depth == MAX_DEPTH || mxfs_scan_expect(s, c) != 0)
        return -EINVAL;
    s->depth++;
    return 0;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u. */
static int read_unit(struct mxfs_scan *s, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, s->pos++) {
        int digit = hex_digit(mxfs_scan_byte(s));
        if (digit < 0)
            return -EINVAL;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return 0;
}

/* The digits behind \u, and a second escape where the first is half of a pair. */
static int read_unicode(struct mxfs_scan *s, uint32_t *c)
{
    uint32_t low;

    if (read_unit(s, c) != 0)
        return -EINVAL;
    if (*c < 0xD800 || *c > 0xDFFF)
        return 0;
    if (*c > 0xDBFF || mxfs_scan_expect(s, '\\') != 0 || mxfs_scan_expect(s, 'u') != 0 ||
        read_unit(s, &low) != 0 || low < 0xDC00 || low > 0xDFFF)
        return -EINVAL;
    *c = 0x10000 + ((*c - 0xD800) << 10 | (low - 0xDC00));
    return 0;
}

/* Reads the escape whose backslash is next. */
static int read_escape(struct mxfs_scan *s, uint32_t *c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    s->pos++;
    int kind = mxfs_scan_byte(s);
    const char *at = kind > 0 ? strchr(from, kind) : NULL;
    if (kind != 'u' && !at)
        return -EINVAL;
    s->pos++;
    if (kind == 'u')
        return read_unicode(s, c);
    *c = (unsigned char)to[at - from];
    return 0;
}

/* Moves over one character that stands for itself. */
static int skip_char(struct mxfs_scan *s, int c)
{
    if (c < 0x20)
        return -EINVAL;
    size_t n = mxfs_utf8_char_len((const unsigned char *)s->text + s->pos, s->len - s->pos);
    s->pos += n;
    return n ? 0 : -EINVAL;
}

int mxfs_scan_string(struct mxfs_scan *s, struct mxfs_scan_string *string)
{
    uint32_t value;
    int c;

    *string = (struct mxfs_scan_string){.from = s->pos};
    if (mxfs_scan_expect(s, '"') != 0)
        return -EINVAL;
    while ((c = mxfs_scan_byte(s)) != '"') {
        string->escaped |= c == '\\';
        if ((c == '\\' ? read_escape(s, &value) : skip_char(s, c)) != 0)
            return -EINVAL;
    }
    string->to = ++s->pos;
    return 0;
}

size_t mxfs_scan_decode(const struct mxfs_scan *s, const struct mxfs_scan_string *string, char *out)
{
    struct mxfs_scan in = {.text = s->text, .len = string->to - 1, .pos = string->from + 1};
    char *start = out;
    uint32_t c;

    while (in.pos < in.len) {
        if (in.text[in.pos] != '\\')
            *out++ = in.text[in.pos++];
        else if (read_escape(&in, &c) == 0)
            out += mxfs_utf8_encode(c, out);
    }
    return (size_t)(out - start);
}

static int skip_digits(struct mxfs_scan *s)
{
    size_t start = s->pos;
    int c;
    while ((c = mxfs_scan_byte(s)) >= '0' && c <= '9')
        s->pos++;
    return s->pos > start ? 0 : -EINVAL;
}

static int skip_word(struct mxfs_scan *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len - s->pos < n || memcmp(s->text + s->pos, word, n) != 0)
        return -EINVAL;
    s->pos += n;
    return 0;
}

static int skip_exponent(struct mxfs_scan *s)
{
    s->pos++;
    int c = mxfs_scan_byte(s);
    s->pos += c == '+' || c == '-';
    return skip_digits(s);
}

/* Also -Infinity. */
static int skip_number(struct mxfs_scan *s)
{
    s->pos += mxfs_scan_byte(s) == '-';
    if (mxfs_scan_byte(s) == 'I')
        return skip_word(s, "Infinity");
    if (mxfs_scan_byte(s) == '0')
        s->pos++; /* a digit behind it is then where no digit may be */
    else if (skip_digits(s) != 0)
        return -EINVAL;
    if (mxfs_scan_byte(s) == '.' && (s->pos++, skip_digits(s)) != 0)
        return -EINVAL;
    int c = mxfs_scan_byte(s);
    return c == 'e' || c == 'E' ? skip_exponent(s) : 0;
}

/* One element or member. */
static int skip_item(struct mxfs_scan *s, bool named)
{
    struct mxfs_scan_string key;

    if (named) {
        mxfs_scan_space(s);
        if (mxfs_scan_string(s, &key) != 0)
            return -EINVAL;
        mxfs_scan_space(s);
        if (mxfs_scan_expect(s, ':') != 0)
            return -EINVAL;
    }
    return mxfs_scan_value(s);
}

static int skip_container(struct mxfs_scan *s, char open, char close)
{
    if (mxfs_scan_open(s, open) != 0)
        return -EINVAL;
    if (mxfs_scan_space(s) != close) {
        do {
            if (skip_item(s, open == '{') != 0)
                return -EINVAL;
        } while (mxfs_scan_space(s) == ',' && ++s->pos);
    }
    s->depth--;
    return mxfs_scan_expect(s, close);
}

int mxfs_scan_value(struct mxfs_scan *s)
{
    struct mxfs_scan_string string;

    switch (mxfs_scan_space(s)) {
    case '{':
        return skip_container(s, '{', '}');
    case '[':
        return skip_container(s, '[', ']');
    case '"':
        return mxfs_scan_string(s, &string);
    case 't':
        return skip_word(s, "true");
    case 'f':
        return skip_word(s, "false");
    case 'n':
        return skip_word(s, "null");
    case 'N':
        return skip_word(s, "NaN");
    default:
        return skip_number(s);
    }
}
