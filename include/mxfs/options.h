/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The command line: one table of options drives both parsing and --help.
 *
 * Thread safety: per call.
 */
#ifndef MXFS_OPTIONS_H
#define MXFS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mxfs/choices.h"
#include "mxfs/error.h"

/** The commands. The first word that is not an option selects one; the default is to mount. */
enum mxfs_command {
    MXFS_COMMAND_MOUNT,    /**< SOURCE MOUNTPOINT */
    MXFS_COMMAND_LIST,     /**< list SOURCE */
    MXFS_COMMAND_CAT,      /**< cat SOURCE TENSOR */
    MXFS_COMMAND_EXPORT,   /**< export SOURCE DEST */
    MXFS_COMMAND_VERIFY,   /**< verify SOURCE REFERENCE */
    MXFS_COMMAND_STATS,    /**< stats MOUNTPOINT */
    MXFS_COMMAND_UNMOUNT,  /**< -u MOUNTPOINT; from here on, commands are options */
    MXFS_COMMAND_HELP,     /**< --help; from here on, commands have no operands */
    MXFS_COMMAND_VERSION,  /**< --version */
    MXFS_COMMAND_GENERATE, /**< --generate */
    MXFS_COMMAND_END,      /**< the number of commands */
};

/** Values of --generate. */
enum {
    MXFS_GENERATE_NONE, /**< not given */
    MXFS_GENERATE_MAN,  /**< the man page */
    MXFS_GENERATE_BASH, /**< completions for bash */
    MXFS_GENERATE_ZSH,  /**< completions for zsh */
    MXFS_GENERATE_FISH, /**< completions for fish */
};

/** Bits of --views. */
enum {
    MXFS_VIEW_TENSORS = 1, /**< tensors/: raw bytes */
    MXFS_VIEW_NPY = 2,     /**< npy/: NumPy files */
};

/** A parsed command line; strings are borrowed from argv or owned by the object. */
struct mxfs_options {
    struct mxfs_choices choices; /**< how to open SOURCE; first, so that offsets agree */
    enum mxfs_command command;   /**< what to do */
    enum mxfs_command topic;     /**< the command that --help describes; MXFS_COMMAND_HELP: all */
    const char *operand[2];      /**< as many as the command takes */
    const char *views;           /**< as given; NULL: the default */
    int view_bits;               /**< MXFS_VIEW_* after parsing; -1: the default for the source */
    bool follow_symlinks;        /**< with allow_other: follow links out of the source */
    uint64_t threads;            /**< 0: derived from the number of processors */
    uint64_t stop_timeout;       /**< seconds, see struct mxfs_fs_options */
    uint64_t idle_timeout;       /**< seconds, see struct mxfs_fs_options; 0: never */
    uint64_t readahead;          /**< bytes, see struct mxfs_fs_options; 0: the default */
    uint64_t uid, gid, umask;    /**< see struct mxfs_tree_options; MXFS_NOT_GIVEN */
    bool allow_other;            /**< see struct mxfs_fs_options */
    bool auto_unmount;           /**< see struct mxfs_fs_options */
    bool no_sandbox;             /**< the opposite of `sandbox` in struct mxfs_fs_options */
    bool direct_io;              /**< see struct mxfs_fs_options */
    bool xattr;                  /**< see struct mxfs_fs_options */
    bool foreground;             /**< stay in the foreground */
    bool verbose;                /**< log MXFS_LOG_DEBUG */
    bool quiet;                  /**< log only MXFS_LOG_ERROR, show no progress */
    bool debug;                  /**< print FUSE requests */
    bool json;                   /**< list, stats: write JSON */
    bool tree;                   /**< list: write a tree of modules */
    bool schemes;                /**< list: print the known formats; without SOURCE */
    bool hash;                   /**< list: add hashes */
    const char *only_scheme;     /**< list: glob of the schemes, or NULL */
    bool force;                  /**< overwrite, or write to a terminal */
    bool unmount;                /**< --unmount (-u) */
    uint64_t jobs;               /**< 0: one for each processor */
    int generate;                /**< MXFS_GENERATE_* */
    bool help;                   /**< --help */
    bool version;                /**< --version */
    bool ignored;                /**< set by options of mount(8) that change nothing */
    uint64_t given;              /**< bit N: row N of the table was given; private to the parser */
    char **owned;                /**< copies of -o lists, which values point into; owned */
    size_t owned_count;          /**< of owned */
};

/** The value of a number that was not given and has no default. */
#define MXFS_NOT_GIVEN UINT64_MAX
/** The default of --stop-timeout, seconds. */
#define MXFS_STOP_TIMEOUT_DEFAULT 10

/**
 * Parses argv, whose order may change. Returns 0, or -EINVAL with err filled (MXFS_EXIT_USAGE: what
 * was given and what was expected).
 */
int mxfs_options_parse(struct mxfs_options *options, int argc, char **argv, struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void mxfs_options_fini(struct mxfs_options *options);

/** Writes the output of --generate; `what` is one of MXFS_GENERATE_*. */
void mxfs_options_generate(FILE *out, int what);

/** Writes the text of --help for one command, or for all (MXFS_COMMAND_HELP). */
void mxfs_options_help(FILE *out, enum mxfs_command topic);

#endif
