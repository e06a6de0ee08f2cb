/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The editor: walks through the members of objects and writes the edited text as it goes. Private
 * to jsonedit/.
 *
 * Text is copied up to each edit, so edits are made in the order of the text. To walk through an
 * object:
 *
 *     jsonedit_open(e, &object);
 *     while ((more = jsonedit_next(e, &object)) > 0)
 *         either  jsonedit_skip(e); jsonedit_cut(e, &object);
 *         or      jsonedit_keep(e, &object);
 *                 then pass the value: jsonedit_skip(), another walk, or jsonedit_set_value()
 *     jsonedit_append(e, &object, ...);
 *     jsonedit_close(e, &object);
 *
 * Functions return 0 (next: 1 or 0), -EINVAL when the text is not JSON, or -ENOMEM; after a failure
 * only jsonedit_fini() may be called.
 */
#ifndef MXFS_JSONEDIT_EDITOR_H
#define MXFS_JSONEDIT_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "mxfs/json.h"

/** A growing buffer. Zero-initialised is empty. */
struct jsonedit_bytes {
    char *data;      /**< owned */
    size_t len;      /**< bytes used */
    size_t capacity; /**< bytes allocated */
};

/** A decoded string: in the text itself or, when it has escapes, in `storage`. */
struct jsonedit_string {
    const char *data;              /**< not terminated */
    size_t len;                    /**< bytes */
    struct jsonedit_bytes storage; /**< owned */
};

/** A text being edited. */
struct jsonedit {
    struct mxfs_json json;        /**< the text and the position in it */
    struct jsonedit_bytes out;    /**< the edited text so far */
    size_t copied;                /**< text before this position is written or cut */
    struct jsonedit_string key;   /**< of the current member, decoded */
    struct jsonedit_string value; /**< the last string that jsonedit_read_string() read */
};

/** An object being walked through. All positions are in the text. */
struct jsonedit_object {
    size_t open;    /**< after the opening brace */
    size_t count;   /**< members met so far */
    size_t first;   /**< the first member */
    size_t end;     /**< the end of the member before the current one */
    size_t key;     /**< the current member: its opening quote */
    size_t key_end; /**< after its closing quote */
    size_t value;   /**< the first byte of its value */
    bool kept;      /**< at least one member stays */
};

/** Starts editing a text, which is borrowed. */
int jsonedit_init(struct jsonedit *e, const char *text, size_t len);

/** Frees everything. */
void jsonedit_fini(struct jsonedit *e);

/** Checks that only white space is left, and hands over the edited text (caller frees). */
int jsonedit_finish(struct jsonedit *e, char **out, size_t *out_len);

/** Enters the object at the current position. */
int jsonedit_open(struct jsonedit *e, struct jsonedit_object *object);

/** Moves to the value of the next member: 1 with e->key set, or 0 after the closing brace. */
int jsonedit_next(struct jsonedit *e, struct jsonedit_object *object);

/** Finishes an object whose end jsonedit_next() has reported. */
int jsonedit_close(struct jsonedit *e, const struct jsonedit_object *object);

/** Whether the current member is called `name`. */
bool jsonedit_key_is(const struct jsonedit *e, const char *name);

/** The byte that the value of the current member begins with, which tells its kind; -1 at the end
 * of the text. */
int jsonedit_kind(const struct jsonedit *e);

/** Passes any value and keeps it. */
int jsonedit_skip(struct jsonedit *e);

/** Passes a string, keeps it, and decodes it into e->value. */
int jsonedit_read_string(struct jsonedit *e);

/** Keeps the current member. Call before anything in it is edited. */
int jsonedit_keep(struct jsonedit *e, struct jsonedit_object *object);

/** Cuts the current member. Call after its value, in which nothing was edited. */
int jsonedit_cut(struct jsonedit *e, const struct jsonedit_object *object);

/** Renames the current member, which is kept. Call before its value is edited. */
int jsonedit_set_key(struct jsonedit *e, const struct jsonedit_object *object, const char *name,
                     size_t len);

/** Passes the value of a kept member and writes `json` in its place. */
int jsonedit_set_value(struct jsonedit *e, const char *json);

/** Adds the member `name` with the value `json` after jsonedit_next() returned 0; at most once for
 * an object. */
int jsonedit_append(struct jsonedit *e, struct jsonedit_object *object, const char *name,
                    const char *json);

#endif
