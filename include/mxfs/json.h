/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A pull parser for JSON: the caller asks for what it expects next, and no tree is built.
 *
 * Functions return 0, or -EINVAL with `error` set and `pos` at the offending byte; after a failure
 * the parser must not be used again. Thread safety: per call.
 */
#ifndef MXFS_JSON_H
#define MXFS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Dialects of JSON. Both require UTF-8 without a byte order mark. */
enum mxfs_json_dialect {
    /**
     * serde_json 1.0, which reads safetensors headers in the reference library: RFC 8259, with
     * escapes that form whole characters, up to 127 levels of nesting, and numbers within the range
     * of a double.
     */
    MXFS_JSON_STRICT,
    /**
     * Python's json module, which reads config.json and indexes in transformers: adds NaN, Infinity
     * and -Infinity, numbers of any size, and lone surrogates, which decode to the three bytes that
     * UTF-8 would use for them. Up to 2048 levels of nesting.
     */
    MXFS_JSON_PYTHON,
};

/**
 * A position in a text. Set it up with mxfs_json_begin(), or by initializing the first three fields
 * if the text is known to be UTF-8. At the end, set `pos` to 0 to read the text again.
 */
struct mxfs_json {
    const char *text;               /**< not terminated; borrowed */
    size_t size;                    /**< bytes of text */
    enum mxfs_json_dialect dialect; /**< the dialect that is accepted */
    size_t pos;                     /**< of the next byte to read */
    unsigned depth;                 /**< open arrays and objects */
    bool opened;                    /**< the last thing read was an opening bracket */
    const char *error;              /**< the failure, without its position; NULL before any */
};

/** A string as it appears in the text. */
struct mxfs_json_string {
    const char *raw; /**< the bytes between the quotes, already checked */
    size_t raw_len;  /**< bytes of raw */
    size_t len;      /**< bytes when decoded; less than raw_len exactly when there are escapes */
};

/** Starts reading a text, and checks that all of it is UTF-8. */
int mxfs_json_begin(struct mxfs_json *j, const char *text, size_t size,
                    enum mxfs_json_dialect dialect);

/** Returns the next byte that is not white space, without consuming it; -1 at the end. */
int mxfs_json_peek(struct mxfs_json *j);

/** Consumes `open`, which is '{' or '['. */
int mxfs_json_open(struct mxfs_json *j, char open);

/**
 * Moves to the next member or element of the innermost open object or array. Returns 1 when there
 * is one, 0 after consuming `close`, the closing bracket, or -EINVAL.
 */
int mxfs_json_next(struct mxfs_json *j, char close);

/** Reads a string. */
int mxfs_json_read_string(struct mxfs_json *j, struct mxfs_json_string *s);

/** Reads the name of a member and the colon. */
int mxfs_json_read_key(struct mxfs_json *j, struct mxfs_json_string *s);

/** Reads an integer from 0 to 2^64-1, written without sign, fraction or exponent. */
int mxfs_json_read_u64(struct mxfs_json *j, uint64_t *value);

/** Skips any value, after checking it. */
int mxfs_json_skip(struct mxfs_json *j);

/** Like mxfs_json_skip(), for a value that was accepted before: much faster, and cannot fail. */
void mxfs_json_skip_checked(struct mxfs_json *j);

/** Checks that only white space is left. */
int mxfs_json_end(struct mxfs_json *j);

/** Whether a byte may appear in a string without an escape. */
static inline bool mxfs_json_is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/**
 * Writes the escape of a byte that is not plain, in its short form if there is one. Returns its
 * length. serde_json and Python write the same escapes.
 */
size_t mxfs_json_escape(char c, char out[8]);

/** Decodes a string into `out`, up to `size` bytes. Returns the number of bytes written. `out` may
 * be where the string is: no escape is shorter than the character that it means. */
size_t mxfs_json_decode(const struct mxfs_json_string *s, char *out, size_t size);

/** Whether a string decodes to `text`, which has at most 64 bytes. */
bool mxfs_json_equals(const struct mxfs_json_string *s, const char *text);

#endif
