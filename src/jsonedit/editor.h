/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The editor: walks through the members of objects and writes the edited text as it goes. Private
 * to jsonedit/.
 *
 * One pass: text is copied up to each edit, so edits are made in the order of the text. The walk
 * through an object:
 *
 *     mxfs_editor_open(e, &object);
 *     while ((more = mxfs_editor_next(e, &object)) > 0)
 *         either  mxfs_editor_skip(e); mxfs_editor_cut(e, &object);
 *         or      mxfs_editor_keep(e, &object);
 *                 then over the value: mxfs_editor_skip(), or a walk through it, or _set_value()
 *     mxfs_editor_append(e, &object, ...);
 *     mxfs_editor_close(e, &object);
 *
 * Functions return 0 (next: 1 or 0), -EINVAL when the text is not JSON, or -ENOMEM; after a failure
 * only fini may be called.
 */
#ifndef MXFS_JSONEDIT_EDITOR_H
#define MXFS_JSONEDIT_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "scan.h"

/** Bytes that grow. Zero-initialised is empty. */
struct mxfs_editor_bytes {
    char *data;  /**< owned */
    size_t len;  /**< bytes used */
    size_t size; /**< bytes allocated */
};

/** A decoded string: in the text itself or, where it has escapes, in `storage`. */
struct mxfs_editor_string {
    const char *data; /**< not terminated */
    size_t len;       /**< bytes */
    struct mxfs_editor_bytes storage;
};

/** A text that is edited. */
struct mxfs_editor {
    struct mxfs_scan scan;           /**< the text, and how far it is read */
    struct mxfs_editor_bytes out;    /**< what is written */
    size_t copied;                   /**< text before this is written or cut */
    struct mxfs_editor_string key;   /**< of the last member that next() met, decoded */
    struct mxfs_editor_string value; /**< the last that read_string() met, decoded */
};

/** An object that is being walked through. Positions are those in the text. */
struct mxfs_editor_object {
    size_t open;                 /**< behind the brace */
    size_t count;                /**< members met */
    size_t first;                /**< the first member */
    size_t end;                  /**< behind the member before the present one */
    size_t separated;            /**< behind the comma, or brace, before the present member */
    struct mxfs_scan_string key; /**< of the present member */
    size_t value;                /**< of the present member: its first byte */
    bool kept;                   /**< some member stays */
};

/** Starts with a text, which is borrowed. */
int mxfs_editor_init(struct mxfs_editor *e, const char *text, size_t len);

/** Frees. */
void mxfs_editor_fini(struct mxfs_editor *e);

/** Checks that only white space is left, and hands over what is written (the caller frees). */
int mxfs_editor_finish(struct mxfs_editor *e, char **out, size_t *out_len);

/** Enters the object that is next. */
int mxfs_editor_open(struct mxfs_editor *e, struct mxfs_editor_object *object);

/** Moves to the value of the next member: 1 with e->key set, or 0 at the closing brace. */
int mxfs_editor_next(struct mxfs_editor *e, struct mxfs_editor_object *object);

/** Leaves the object, behind its last member. */
int mxfs_editor_close(struct mxfs_editor *e, struct mxfs_editor_object *object);

/** Whether the key of the present member is `name`. */
bool mxfs_editor_key_is(const struct mxfs_editor *e, const char *name);

/** The byte that the value which is next begins with; tells its kind. -1 at the end of the text. */
int mxfs_editor_kind(const struct mxfs_editor *e);

/** Moves over a value, which is kept as it is. */
int mxfs_editor_skip(struct mxfs_editor *e);

/** Moves over a string, which is kept as it is, and decodes it into e->value. */
int mxfs_editor_read_string(struct mxfs_editor *e);

/** The present member stays; call before anything in it is edited. */
int mxfs_editor_keep(struct mxfs_editor *e, struct mxfs_editor_object *object);

/** The present member goes; call behind its value, in which nothing was edited. */
int mxfs_editor_cut(struct mxfs_editor *e, struct mxfs_editor_object *object);

/** Gives the present member (kept) another key, written as JSON; before its value is edited. */
int mxfs_editor_set_key(struct mxfs_editor *e, struct mxfs_editor_object *object, const char *name,
                        size_t len);

/** Moves over the value that is next (of a kept member) and writes `json` in its place. */
int mxfs_editor_set_value(struct mxfs_editor *e, const char *json);

/** Adds a member, `name` (plain) with the value `json`, after next() said 0; once an object. */
int mxfs_editor_append(struct mxfs_editor *e, struct mxfs_editor_object *object, const char *name,
                       const char *json);

#endif
