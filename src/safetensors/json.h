/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A pull parser for JSON text: the caller asks for what it expects next, nothing is built.
 *
 * Grammar and limits are those of serde_json 1.0, which the reference library of safetensors uses:
 * RFC 8259 without lenience, escapes that make whole characters only, 127 levels of nesting, and no
 * number beyond the range of a double.
 * Functions return 0, or -EINVAL with `error` set and `pos` at the byte that is wrong; after that
 * the parser is not used any more. Thread safety: per call.
 */
#ifndef MXFS_SAFETENSORS_JSON_H
#define MXFS_SAFETENSORS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A position in a text. Initialise `text` and `size`, the rest with zeros. */
struct mxfs_json {
    const char *text;  /**< well-formed UTF-8 (the caller has checked), not terminated */
    size_t size;       /**< bytes of text */
    size_t pos;        /**< of the next byte to read */
    unsigned depth;    /**< arrays and objects that are open */
    const char *error; /**< what is wrong, without position; NULL while nothing is */
};

/** A string where it stands in the text. */
struct mxfs_json_string {
    const char *raw; /**< what stands between the quotes, checked */
    size_t raw_len;  /**< bytes of raw */
    size_t len;      /**< bytes when decoded, at most raw_len; equal when there is no escape */
};

/** The next byte that is not white space, not consumed; -1 at the end of the text. */
int mxfs_json_peek(struct mxfs_json *j);

/** Consumes `open`, which is '{' or '['. */
int mxfs_json_open(struct mxfs_json *j, char open);

/**
 * Moves to the next member of the object or element of the array that `close` ends: returns 1 when
 * there is one, 0 when `close` was consumed, or -EINVAL. *first is true before the first call.
 */
int mxfs_json_next(struct mxfs_json *j, char close, bool *first);

/** Reads a string. */
int mxfs_json_read_string(struct mxfs_json *j, struct mxfs_json_string *s);

/** Reads the name of a member, and the colon. */
int mxfs_json_read_key(struct mxfs_json *j, struct mxfs_json_string *s);

/** Reads an integer of 0 to 2^64-1, written without sign, fraction or exponent. */
int mxfs_json_read_u64(struct mxfs_json *j, uint64_t *value);

/** Reads a value of any kind, checks it, and forgets it. */
int mxfs_json_skip(struct mxfs_json *j);

/** Checks that only white space is left. */
int mxfs_json_end(struct mxfs_json *j);

/** Writes the s->len bytes of a string that mxfs_json_read_string() accepted. */
void mxfs_json_decode(const struct mxfs_json_string *s, char *out);

/** Whether a string that mxfs_json_read_string() accepted means `text`, of at most 16 bytes. */
bool mxfs_json_equals(const struct mxfs_json_string *s, const char *text);

#endif
