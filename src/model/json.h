/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The JSON files of a model, as Python writes them: loading, and looking things up without a tree.
 * Private to model/.
 *
 * A value is a piece of the text. The whole text was checked when it was loaded, so look-ups cannot
 * fail: they return no value where the member is missing or of another kind.
 */
#ifndef MXFS_MODEL_JSON_H
#define MXFS_MODEL_JSON_H

#include "mxfs/error.h"
#include "mxfs/json.h"
#include "mxfs/reach.h"

/** A value; borrowed from the loaded text. Zero-initialised: no value. */
struct model_json {
    const char *text; /**< its first byte; NULL: there is no value */
    size_t len;       /**< bytes */
};

/** A walk through the members of an object or the elements of an array. */
struct model_json_walk {
    struct mxfs_json json;   /**< the position; internal */
    char close;              /**< the bracket that ends it; internal */
    char name[256];          /**< of the current member; "" for an element, a name that is longer,
                                and one with a NUL, for mxfs knows no such name */
    struct model_json value; /**< the current member or element */
};

/** A file to load. */
struct model_json_file {
    const char *path;               /**< absolute */
    const struct mxfs_reach *reach; /**< where it may lie */
    size_t max;                     /**< bytes that it may have */
};

/**
 * Reads a file and starts a parser on its text, which the caller frees, also after a failure. Fails
 * with MXFS_EXIT_SOURCE when the file is unreadable (-ENOENT without err when there is no such file
 * within reach), with MXFS_EXIT_MALFORMED when it is too large, and with -EINVAL and j->error when
 * it is not UTF-8.
 */
int model_json_open(struct mxfs_json *j, char **text, const struct model_json_file *file,
                    struct mxfs_error *err);

/** Records the parser's error in the file at `path`, with line and column. Returns -EINVAL. */
int model_json_fail(const struct mxfs_json *j, const char *path, struct mxfs_error *err);

/**
 * Reads a file and checks it: *root is the object that it must be. The caller frees *text, which is
 * NULL on failure. Fails like model_json_open(), and with MXFS_EXIT_MALFORMED.
 */
int model_json_load(struct model_json *root, char **text, const struct model_json_file *file,
                    struct mxfs_error *err);

/** The first byte of a value, which identifies its kind: one of {["tfn, - or a digit, N or I; 0 if
 * there is no value. */
char model_json_kind(struct model_json value);

/** The member `name` (at most 64 bytes) of an object. If there are several, the last, as in Python.
 * Reads the whole object. */
struct model_json model_json_get(struct model_json object, const char *name);

/** Like model_json_get() for `count` names at once: found[i] is the member names[i]. */
void model_json_find(struct model_json object, const char *const *names, struct model_json *found,
                     size_t count);

/** Starts a walk. `open` is '{' or '['; a value of another kind counts as empty. */
struct model_json_walk model_json_walk(struct model_json value, char open);

/** Moves to the next member or element; false when there are no more. */
bool model_json_next(struct model_json_walk *walk);

/** An integer up to INT64_MAX; 0 for any other value. */
uint64_t model_json_integer(struct model_json value);

/** Decodes a string into `out` (`size` bytes), NUL-terminated and cut if it is too long. Returns
 * false, and leaves *out alone, if the value is not a string. */
bool model_json_string(struct model_json value, char *out, size_t size);

#endif
