/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Moving over JSON text in Python's dialect. Private to jsonedit/.
 *
 * (The parser of safetensors headers is another: it follows the verdicts of serde_json, which knows
 * no NaN and less nesting.) Functions return 0 or -EINVAL, after which the position is not used any
 * more.
 */
#ifndef MXFS_JSONEDIT_SCAN_H
#define MXFS_JSONEDIT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/** A position in a text. */
struct mxfs_scan {
    const char *text; /**< not terminated */
    size_t len;       /**< bytes of text */
    size_t pos;       /**< of the next byte */
    unsigned depth;   /**< arrays and objects that are open */
};

/** Where a string stands. */
struct mxfs_scan_string {
    size_t from;  /**< its first quote */
    size_t to;    /**< behind its last quote */
    bool escaped; /**< it has escapes, so decoded it is other bytes */
};

/** The next byte, not consumed; -1 at the end of the text. */
static inline int mxfs_scan_byte(const struct mxfs_scan *s)
{
    return s->pos < s->len ? (unsigned char)s->text[s->pos] : -1;
}

/** Moves over white space; returns mxfs_scan_byte(). */
int mxfs_scan_space(struct mxfs_scan *s);

/** Moves over `c`, which must be next. */
int mxfs_scan_expect(struct mxfs_scan *s, char c);

/** Moves over `{` or `[`, given as `c`, and counts the level. Who meets the end gives it back. */
int mxfs_scan_open(struct mxfs_scan *s, char c);

/** Moves over a string and checks it. */
int mxfs_scan_string(struct mxfs_scan *s, struct mxfs_scan_string *string);

/** Moves over white space and a value of any kind, and checks it. */
int mxfs_scan_value(struct mxfs_scan *s);

/**
 * Writes what an accepted string means to `out`, which has room for its bytes in the text; returns
 * the bytes written.
 */
size_t mxfs_scan_decode(const struct mxfs_scan *s, const struct mxfs_scan_string *string,
                        char *out);

#endif
