/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Errors: how a failure at start-up becomes one line on stderr and an exit code.
 *
 * Functions return 0 or -errno. Those that run before a mount is ready also fill a struct
 * mxfs_error. The first error wins, so an outer caller cannot hide the cause. Thread safety: per
 * call.
 */
#ifndef MXFS_ERROR_H
#define MXFS_ERROR_H

#include <stddef.h>

#include "mxfs/compiler.h"

/** Exit codes of the process: stable, and documented in --help. */
enum mxfs_exit {
    MXFS_EXIT_OK = 0,        /**< success */
    MXFS_EXIT_DIFFERENT = 1, /**< the comparison found differences */
    MXFS_EXIT_USAGE = 2,     /**< the command line is wrong */
    MXFS_EXIT_MALFORMED = 3, /**< SOURCE violates its format */
    /** SOURCE is quantized in a way that cannot be dequantized exactly. */
    MXFS_EXIT_UNSUPPORTED = 4,
    MXFS_EXIT_SOURCE = 5, /**< SOURCE cannot be opened or read, or is incomplete */
    MXFS_EXIT_FAILED = 6, /**< anything else: mountpoint, /dev/fuse, unknown tensor, output */
};

/** Bytes of an error text: one sentence with a path and an (abbreviated) tensor name. */
#define MXFS_ERROR_TEXT 1024

/** A failure: exit code and reason. Zero-initialised means that nothing has failed. */
struct mxfs_error {
    enum mxfs_exit code;        /**< MXFS_EXIT_OK until an error is set */
    char text[MXFS_ERROR_TEXT]; /**< one line, control characters escaped, no newline */
};

/**
 * Records an error, unless one is recorded already. Returns -errnum, so that a function can end
 * with `return mxfs_fail(err, MXFS_EXIT_MALFORMED, EINVAL, "%s: ...", path)`. The formatted text is
 * escaped as by mxfs_escape(). `err` may be NULL.
 */
int mxfs_fail(struct mxfs_error *err, enum mxfs_exit code, int errnum, const char *fmt, ...)
    MXFS_PRINTF(4, 5);

/**
 * Records "out of memory" (MXFS_EXIT_FAILED), after "PATH: " unless `path` is NULL, and returns
 * -ENOMEM.
 */
int mxfs_fail_memory(struct mxfs_error *err, const char *path);

/**
 * Records a failure whose reasons have been printed already, on lines of their own: only the exit
 * code counts, and err->text stays empty. Does nothing when an error is recorded already. Returns
 * -errnum.
 */
int mxfs_fail_told(struct mxfs_error *err, enum mxfs_exit code, int errnum);

/** Bytes of the longest text that mxfs_quote() returns, with quotes and the final NUL. */
#define MXFS_QUOTED 200

/** A quoted name, returned by value. */
struct mxfs_quoted {
    char text[MXFS_QUOTED]; /**< NUL-terminated */
};

/**
 * Makes a tensor name (`len` arbitrary bytes) safe to print: puts it in double quotes, writes
 * control characters and invalid UTF-8 as \xNN, escapes quotes and backslashes, and replaces the
 * middle of a long name by "...".
 */
struct mxfs_quoted mxfs_quote(const char *name, size_t len);

/**
 * Copies `text` (`len` bytes) to `out` (`size` bytes, at least 1) and terminates it. Control
 * characters (C0, DEL, C1, line separators and bidirectional controls) and invalid UTF-8 become
 * \xNN. Stops at the last character that fits whole. Returns the length written.
 */
size_t mxfs_escape(char *out, size_t size, const char *text, size_t len);

#endif
