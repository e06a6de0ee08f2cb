/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The command line: one table of options, from which parsing and --help both come.
 *
 * Thread safety: per call.
 */
#ifndef MXFS_OPTIONS_H
#define MXFS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mxfs/error.h"

/** What to do; the first word that is not an option decides. */
enum mxfs_command {
    MXFS_COMMAND_MOUNT,   /**< SOURCE MOUNTPOINT */
    MXFS_COMMAND_LIST,    /**< list SOURCE */
    MXFS_COMMAND_CAT,     /**< cat SOURCE TENSOR */
    MXFS_COMMAND_EXPORT,  /**< export SOURCE DEST */
    MXFS_COMMAND_VERIFY,  /**< verify SOURCE REFERENCE */
    MXFS_COMMAND_STATS,   /**< stats MOUNTPOINT */
    MXFS_COMMAND_UNMOUNT, /**< -u MOUNTPOINT; from here on: commands that are options */
    MXFS_COMMAND_HELP,    /**< from here on: without operands */
    MXFS_COMMAND_VERSION,
    MXFS_COMMAND_GENERATE, /**< --generate */
    MXFS_COMMAND_END,
};

/** Values of --dtype, in the order of the table's choices. */
enum {
    MXFS_DTYPE_OPTION_AUTO,
    MXFS_DTYPE_OPTION_BF16,
    MXFS_DTYPE_OPTION_F16,
    MXFS_DTYPE_OPTION_F32
};

/** Values of --generate. */
enum {
    MXFS_GENERATE_NONE,
    MXFS_GENERATE_MAN,
    MXFS_GENERATE_BASH,
    MXFS_GENERATE_ZSH,
    MXFS_GENERATE_FISH,
};

/** Values of --unsupported. */
enum { MXFS_UNSUPPORTED_REFUSE, MXFS_UNSUPPORTED_RAW };

/** Bits of --views. */
enum { MXFS_VIEW_TENSORS = 1, MXFS_VIEW_NPY = 2 };

/** A parsed command line; strings are borrowed from argv or owned by the object. */
struct mxfs_options {
    enum mxfs_command command;
    const char *operand[2];   /**< as many as the command takes */
    int dtype;                /**< MXFS_DTYPE_OPTION_* */
    int unsupported;          /**< MXFS_UNSUPPORTED_* */
    const char *views;        /**< as given; NULL: the default */
    int view_bits;            /**< MXFS_VIEW_* after parsing; -1: the default for the source */
    const char *only;         /**< glob of the tensors to show, or NULL */
    const char *scheme;       /**< names of the only schemes to use, known ones; or NULL */
    bool partial;             /**< show what is there of an incomplete model */
    bool follow_symlinks;     /**< with allow_other: follow links out of the source */
    uint64_t cache_size;      /**< bytes */
    const char *kernel;       /**< name, or NULL: the best one */
    uint64_t threads;         /**< 0: chosen by the number of processors */
    uint64_t stop_timeout;    /**< seconds, see struct mxfs_fs_options */
    uint64_t idle_timeout;    /**< the same; 0: never */
    uint64_t readahead;       /**< bytes, see struct mxfs_fs_options; 0: the default */
    uint64_t uid, gid, umask; /**< see struct mxfs_tree_options; MXFS_NOT_GIVEN */
    bool allow_other;
    bool auto_unmount;
    bool no_sandbox;
    bool direct_io;
    bool xattr; /**< see struct mxfs_fs_options */
    bool foreground;
    bool verbose;
    bool quiet;
    bool debug;
    bool json;
    bool tree;
    bool schemes;
    bool hash;
    const char *only_scheme; /**< glob of the schemes to list, or NULL */
    bool force;
    bool unmount;
    uint64_t jobs; /**< 0: as many as there are processors */
    int generate;  /**< MXFS_GENERATE_* */
    bool help;
    bool version;
    bool ignored;   /**< where options land that mount(8) passes and that change nothing */
    uint64_t given; /**< which rows of the table were given, for the parser */
    char **owned;   /**< copies of -o lists, for values that point into them */
    size_t owned_count;
};

/** The default of --cache-size: eight gpt-oss experts, see README. */
#define MXFS_CACHE_SIZE_DEFAULT ((uint64_t)64 << 20)
/** Of a number without a default: it was not given. */
#define MXFS_NOT_GIVEN UINT64_MAX
/** The default of --stop-timeout, seconds. */
#define MXFS_STOP_TIMEOUT_DEFAULT 10
/** The smallest --cache-size. */
#define MXFS_CACHE_SIZE_MIN ((uint64_t)1 << 20)

/**
 * Parses argv (its order may change). On wrong usage returns -EINVAL with err filled
 * (MXFS_EXIT_USAGE: what was given and what was expected).
 */
int mxfs_options_parse(struct mxfs_options *options, int argc, char **argv, struct mxfs_error *err);

/** Parses what may stand after -o, alone: for callers without an argv. Failures as above. */
int mxfs_options_from_list(struct mxfs_options *options, const char *list, struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void mxfs_options_fini(struct mxfs_options *options);

/** Writes what --generate asks for: MXFS_GENERATE_MAN, ... */
void mxfs_options_generate(FILE *out, int what);

/** Writes the text of --help. */
void mxfs_options_help(FILE *out);

#endif
