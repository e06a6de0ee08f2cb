/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The editor: walks through the members of objects, and writes the edited text on the way. Private
 * to jsonedit/.
 *
 * Each edit copies the text before it, so edits must be made in the order of the text. To walk
 * through an object:
 *
 *     jsonedit_open(e, &object);
 *     while ((more = jsonedit_next(e, &object)) > 0)
 *         either  jsonedit_skip(e); jsonedit_cut(e, &object);
 *         or      jsonedit_keep(e, &object);
 *                 then move past the value: jsonedit_skip(), another walk, or jsonedit_set_value()
 *     jsonedit_append(e, &object, ...);
 *     jsonedit_close(e, &object);
 *
 * Functions return 0 (jsonedit_next(): 1 or 0), -EINVAL when the text is not JSON, or -ENOMEM.
 * After a failure only jsonedit_fini() may be called. Thread safety: per call.
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
struct jsonedit_editor {
    struct mxfs_json json;        /**< the text and the position in it */
    struct jsonedit_bytes out;    /**< the edited text so far */
    size_t copied;                /**< text before this position has been copied or cut */
    struct jsonedit_string key;   /**< of the current member, decoded */
    struct jsonedit_string value; /**< the last string that jsonedit_read_string() read */
};

/** An object being walked through. Positions are byte offsets in the text. */
struct jsonedit_object {
    size_t open;    /**< just after the opening brace */
    size_t count;   /**< members reached so far */
    size_t first;   /**< the opening quote of the first member */
    size_t end;     /**< the end of the member before the current one */
    size_t key;     /**< the opening quote of the current member */
    size_t key_end; /**< just after the closing quote of its name */
    size_t value;   /**< the first byte of its value */
    bool kept;      /**< at least one member was kept */
};

/** Starts editing a text, which is borrowed. */
int jsonedit_init(struct jsonedit_editor *e, const char *text, size_t len);

/** Frees; accepts a zero-initialised object. */
void jsonedit_fini(struct jsonedit_editor *e);

/** Checks that only white space is left, and hands over the edited text (caller frees). */
int jsonedit_finish(struct jsonedit_editor *e, char **out, size_t *out_len);

/** Enters the object at the current position. */
int jsonedit_open(struct jsonedit_editor *e, struct jsonedit_object *object);

/** Moves to the value of the next member: 1 with e->key set, or 0 after the closing brace. */
int jsonedit_next(struct jsonedit_editor *e, struct jsonedit_object *object);

/** Finishes an object after jsonedit_next() has returned 0. */
int jsonedit_close(struct jsonedit_editor *e, const struct jsonedit_object *object);

/** Whether the current member is called `name`. */
bool jsonedit_key_is(const struct jsonedit_editor *e, const char *name);

/**
 * The first byte of the current member's value, which identifies its type; -1 at the end of the
 * text.
 */
int jsonedit_kind(const struct jsonedit_editor *e);

/** Moves past any value, and keeps it. */
int jsonedit_skip(struct jsonedit_editor *e);

/** Moves past a string, keeps it, and decodes it into e->value. */
int jsonedit_read_string(struct jsonedit_editor *e);

/** Keeps the current member. Call it before editing the member. */
int jsonedit_keep(struct jsonedit_editor *e, struct jsonedit_object *object);

/** Removes the current member. Call it after moving past its value, without having edited that. */
int jsonedit_cut(struct jsonedit_editor *e, const struct jsonedit_object *object);

/** Renames the current member, which must be kept. Call it before editing the value. */
int jsonedit_set_key(struct jsonedit_editor *e, const struct jsonedit_object *object,
                     const char *name, size_t len);

/** Moves past the value of a kept member, and writes `json` instead. */
int jsonedit_set_value(struct jsonedit_editor *e, const char *json);

/**
 * Adds a member `name` with the value `json`. Call it after jsonedit_next() has returned 0, at most
 * once for an object.
 */
int jsonedit_append(struct jsonedit_editor *e, struct jsonedit_object *object, const char *name,
                    const char *json);

#endif
