/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The pull parser for JSON, in both dialects.
 */
#include "mxfs/json.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/utf8.h"

/* serde_json refuses the 128th level. Python's limit is that of its stack, about 1000 levels in
 * most versions; ours bounds the recursion of mxfs_json_skip(). */
static const unsigned max_depth[] = {[MXFS_JSON_STRICT] = 127, [MXFS_JSON_PYTHON] = 2048};

static int fail(struct mxfs_json *j, const char *error)
{
    j->error = error;
    return -EINVAL;
}

int mxfs_json_begin(struct mxfs_json *j, const char *text, size_t size,
                    enum mxfs_json_dialect dialect)
{
    *j = (struct mxfs_json){.text = text, .size = size, .dialect = dialect};
    size_t valid = mxfs_utf8_valid_len(text, size);
    if (valid == size)
        return 0;
    j->pos = valid;
    return fail(j, "not UTF-8");
}

/* The byte at pos, or -1 at the end. */
static int byte_at(const struct mxfs_json *j)
{
    return j->pos < j->size ? (unsigned char)j->text[j->pos] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

int mxfs_json_peek(struct mxfs_json *j)
{
    int c;

    while ((c = byte_at(j)) == ' ' || c == '\n' || c == '\t' || c == '\r')
        j->pos++;
    return c;
}

int mxfs_json_open(struct mxfs_json *j, char open)
{
    if (mxfs_json_peek(j) != open)
        return fail(j, open == '{' ? "expected '{'" : "expected '['");
    if (j->depth == max_depth[j->dialect])
        return fail(j, "nested too deeply");
    j->depth++;
    j->pos++;
    j->opened = true;
    return 0;
}

int mxfs_json_next(struct mxfs_json *j, char close)
{
    bool first = j->opened;
    int c = mxfs_json_peek(j);

    j->opened = false;
    if (c == close) {
        j->depth--;
        j->pos++;
        return 0;
    }
    if (first)
        return 1;
    if (c != ',')
        return fail(j, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
    j->pos++;
    return mxfs_json_peek(j) == close ? fail(j, "trailing comma") : 1;
}

static int hex_digit(int c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the four digits after "\u"; pos is at the first. */
static int read_hex4(struct mxfs_json *j, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4; i++, j->pos++) {
        int digit = hex_digit(byte_at(j));
        if (digit < 0)
            return fail(j, "expected four hexadecimal digits after \\u");
        *value = *value << 4 | (uint32_t)digit;
    }
    return 0;
}

/* After the first half of a surrogate pair: reads the second into *low, or consumes nothing and
 * leaves *low 0. */
static int read_low_surrogate(struct mxfs_json *j, uint32_t *low)
{
    size_t start = j->pos;

    *low = 0;
    if (j->size - j->pos < 2 || memcmp(j->text + j->pos, "\\u", 2) != 0)
        return 0;
    j->pos += 2;
    if (read_hex4(j, low))
        return -EINVAL;
    if (*low < 0xDC00 || *low > 0xDFFF) {
        j->pos = start;
        *low = 0;
    }
    return 0;
}

/* Reads what follows "\u"; a character beyond U+FFFF is written as a pair of surrogates. */
static int read_unicode_escape(struct mxfs_json *j, uint32_t *value)
{
    uint32_t low = 0;

    if (read_hex4(j, value))
        return -EINVAL;
    if (*value < 0xD800 || *value > 0xDFFF)
        return 0;
    if (*value <= 0xDBFF && read_low_surrogate(j, &low))
        return -EINVAL;
    if (low > 0)
        *value = 0x10000 + ((*value - 0xD800) << 10 | (low - 0xDC00));
    else if (j->dialect == MXFS_JSON_STRICT)
        return fail(j, "lone surrogate");
    return 0;
}

/* Escapes of two characters: the second, and what it means. */
static const char short_escapes[] = "\"\\/bfnrt", short_meanings[] = "\"\\/\b\f\n\r\t";

/* Reads the escape whose backslash is at pos; out[4] and *len receive its UTF-8. */
static int read_escape(struct mxfs_json *j, char *out, size_t *len)
{
    uint32_t value;
    const char *at;

    j->pos++;
    int c = byte_at(j);
    if (c == 'u') {
        j->pos++;
        if (read_unicode_escape(j, &value))
            return -EINVAL;
        *len = mxfs_utf8_encode(value, out);
        return 0;
    }
    if (c <= 0 || !(at = strchr(short_escapes, c)))
        return fail(j, "invalid escape");
    j->pos++;
    out[0] = short_meanings[at - short_escapes];
    *len = 1;
    return 0;
}

/* Moves over characters that need no decoding; returns how many bytes. */
static size_t skip_plain(struct mxfs_json *j)
{
    size_t start = j->pos;

    while (j->pos < j->size && mxfs_json_is_plain(j->text[j->pos]))
        j->pos++;
    return j->pos - start;
}

int mxfs_json_read_string(struct mxfs_json *j, struct mxfs_json_string *s)
{
    char escaped[4];
    size_t len = 0;

    if (mxfs_json_peek(j) != '"')
        return fail(j, "expected a string");
    j->pos++;
    *s = (struct mxfs_json_string){.raw = j->text + j->pos};
    while (s->len += skip_plain(j), byte_at(j) == '\\') {
        if (read_escape(j, escaped, &len))
            return -EINVAL;
        s->len += len;
    }
    if (byte_at(j) != '"')
        return fail(j, byte_at(j) < 0 ? "unterminated string" : "control character in a string");
    s->raw_len = (size_t)(j->text + j->pos - s->raw);
    j->pos++;
    return 0;
}

int mxfs_json_read_key(struct mxfs_json *j, struct mxfs_json_string *s)
{
    if (mxfs_json_read_string(j, s))
        return -EINVAL;
    if (mxfs_json_peek(j) != ':')
        return fail(j, "expected ':'");
    j->pos++;
    return 0;
}

size_t mxfs_json_escape(char c, char out[8])
{
    const char *at = c ? strchr(short_meanings, c) : NULL;

    if (at)
        return (size_t)snprintf(out, 8, "\\%c", short_escapes[at - short_meanings]);
    return (size_t)snprintf(out, 8, "\\u%04x", (unsigned)c & 0xFF);
}

size_t mxfs_json_decode(const struct mxfs_json_string *s, char *out, size_t size)
{
    /* The string was accepted in one of the dialects, so it is in the larger one. */
    struct mxfs_json j = {.text = s->raw, .size = s->raw_len, .dialect = MXFS_JSON_PYTHON};
    size_t done = 0, len = 0;
    char escaped[4];

    while (j.pos < j.size && done < size) {
        const char *from = j.text + j.pos;
        len = skip_plain(&j);
        if (len == 0 && read_escape(&j, escaped, &len) == 0)
            from = escaped;
        len = len < size - done ? len : size - done;
        memmove(out + done, from, len);
        done += len;
    }
    return done;
}

bool mxfs_json_equals(const struct mxfs_json_string *s, const char *text)
{
    char decoded[64];

    if (s->len != strlen(text))
        return false;
    if (s->len == s->raw_len)
        return memcmp(s->raw, text, s->len) == 0;
    assert(s->len <= sizeof(decoded));
    mxfs_json_decode(s, decoded, s->len);
    return memcmp(decoded, text, s->len) == 0;
}

/* A number as serde_json sees it on its way to a double: significand * 10^exponent. */
struct number {
    uint64_t significand; /* leading digits, as many as fit */
    int64_t exponent;
};

/* Takes a digit into the significand while it fits; returns whether it did. */
static bool take_digit(struct number *n, int c)
{
    uint64_t value;

    if (!mxfs_mul_u64(n->significand, 10, &value) ||
        !mxfs_add_u64(value, (uint64_t)(c - '0'), &value))
        return false;
    n->significand = value;
    return true;
}

static int skip_integer(struct mxfs_json *j, struct number *n)
{
    int c = byte_at(j);
    bool full = false;

    if (!is_digit(c))
        return fail(j, "invalid number");
    if (c == '0') {
        j->pos++;
        return is_digit(byte_at(j)) ? fail(j, "leading zero") : 0;
    }
    for (; is_digit(c = byte_at(j)); j->pos++) {
        full = full || !take_digit(n, c);
        n->exponent += full;
    }
    return 0;
}

int mxfs_json_read_u64(struct mxfs_json *j, uint64_t *value)
{
    int c = mxfs_json_peek(j);
    struct number n = {0};

    if (!is_digit(c))
        return fail(j, "expected an integer of 0 or more");
    if (skip_integer(j, &n))
        return -EINVAL;
    c = byte_at(j);
    if (c == '.' || c == 'e' || c == 'E')
        return fail(j, "expected an integer, not a fraction or power of ten");
    if (n.exponent > 0)
        return fail(j, "integer over 2^64-1");
    *value = n.significand;
    return 0;
}

static int skip_fraction(struct mxfs_json *j, struct number *n)
{
    bool full = false;
    int c;

    if (byte_at(j) != '.')
        return 0;
    j->pos++;
    if (!is_digit(byte_at(j)))
        return fail(j, "invalid number");
    for (; is_digit(c = byte_at(j)); j->pos++) {
        full = full || !take_digit(n, c);
        n->exponent -= !full;
    }
    return 0;
}

static int skip_exponent(struct mxfs_json *j, struct number *n)
{
    /* Far outside any double, whatever the digits before it: a header has under 2^27 of them. */
    const int64_t limit = INT32_MAX;
    int64_t value = 0;
    bool negative;
    int c = byte_at(j);

    if (c != 'e' && c != 'E')
        return 0;
    j->pos++;
    negative = byte_at(j) == '-';
    if (negative || byte_at(j) == '+')
        j->pos++;
    if (!is_digit(byte_at(j)))
        return fail(j, "invalid number");
    for (; is_digit(c = byte_at(j)); j->pos++)
        value = value > limit ? value : value * 10 + (c - '0');
    n->exponent += negative ? -value : value;
    return 0;
}

/* Whether the number, rounded to a double, would be infinite. */
static bool overflows_double(const struct number *n)
{
    /* With at most 1.85e19 in front, smaller powers cannot overflow and larger ones must. */
    static const double powers[] = {1e289, 1e290, 1e291, 1e292, 1e293, 1e294, 1e295,
                                    1e296, 1e297, 1e298, 1e299, 1e300, 1e301, 1e302,
                                    1e303, 1e304, 1e305, 1e306, 1e307, 1e308};

    if (n->significand == 0 || n->exponent < 289)
        return false;
    return n->exponent > 308 || __builtin_isinf((double)n->significand * powers[n->exponent - 289]);
}

static int skip_word(struct mxfs_json *j, const char *word)
{
    size_t len = strlen(word);

    if (j->size - j->pos < len || memcmp(j->text + j->pos, word, len) != 0)
        return fail(j, "expected a value");
    j->pos += len;
    return 0;
}

static int skip_number(struct mxfs_json *j)
{
    struct number n = {0};
    size_t start = j->pos;

    if (byte_at(j) == '-')
        j->pos++;
    if (j->dialect == MXFS_JSON_PYTHON && byte_at(j) == 'I')
        return skip_word(j, "Infinity");
    if (skip_integer(j, &n) || skip_fraction(j, &n) || skip_exponent(j, &n))
        return -EINVAL;
    if (j->dialect == MXFS_JSON_STRICT && overflows_double(&n)) {
        j->pos = start;
        return fail(j, "number out of range");
    }
    return 0;
}

/* Moves over an object or array. */
static int skip_container(struct mxfs_json *j, char open, char close)
{
    struct mxfs_json_string key;
    int more = mxfs_json_open(j, open);

    if (more)
        return more;
    while ((more = mxfs_json_next(j, close)) > 0)
        if ((open == '{' && mxfs_json_read_key(j, &key)) || mxfs_json_skip(j))
            return -EINVAL;
    return more;
}

int mxfs_json_skip(struct mxfs_json *j)
{
    struct mxfs_json_string s;
    int c = mxfs_json_peek(j);

    switch (c) {
    case '{':
        return skip_container(j, '{', '}');
    case '[':
        return skip_container(j, '[', ']');
    case '"':
        return mxfs_json_read_string(j, &s);
    case 't':
        return skip_word(j, "true");
    case 'f':
        return skip_word(j, "false");
    case 'n':
        return skip_word(j, "null");
    default:
        if (j->dialect == MXFS_JSON_PYTHON && (c == 'N' || c == 'I'))
            return skip_word(j, c == 'N' ? "NaN" : "Infinity");
        return c == '-' || is_digit(c) ? skip_number(j) : fail(j, "expected a value");
    }
}

/* From the first byte in the quotes of a checked string to the byte after them. */
static const char *after_string(const char *p)
{
    for (; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

/* From the opening bracket of a checked array or object to the byte after its end. */
static const char *after_container(const char *p)
{
    size_t depth = 0;

    do {
        char c = *p++;
        if (c == '"')
            p = after_string(p);
        c |= 0x20; /* brackets become braces */
        depth += c == '{';
        depth -= c == '}';
    } while (depth > 0);
    return p;
}

void mxfs_json_skip_checked(struct mxfs_json *j)
{
    int c = mxfs_json_peek(j);
    const char *p = j->text + j->pos, *end = j->text + j->size;

    if (c == '"')
        p = after_string(p + 1);
    else if (c == '{' || c == '[')
        p = after_container(p);
    else
        while (p < end && !memchr(",]} \t\r\n", *p, 7))
            p++;
    j->pos = (size_t)(p - j->text);
}

int mxfs_json_end(struct mxfs_json *j)
{
    return mxfs_json_peek(j) < 0 ? 0 : fail(j, "trailing characters");
}
