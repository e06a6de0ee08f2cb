/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Choices: what the user asked for when opening a source. One struct travels by const pointer from
 * the command line, or from the library's caller, down to the model.
 *
 * Thread safety: immutable once made.
 */
#ifndef MXFS_CHOICES_H
#define MXFS_CHOICES_H

#include <stdbool.h>
#include <stdint.h>

#include "mxfs/kernel.h"
#include "mxfs/settings.h"

/** Type of dequantized tensors. */
enum mxfs_dtype_choice {
    MXFS_CHOOSE_AUTO, /**< the one that config.json names if BF16 or F32, else BF16 */
    MXFS_CHOOSE_BF16, /**< from here on 1 + enum mxfs_out */
    MXFS_CHOOSE_F16,
    MXFS_CHOOSE_F32,
};

/** What happens to tensors that cannot be dequantized exactly. */
enum mxfs_unsupported_choice {
    MXFS_UNSUPPORTED_REFUSE, /**< the source is refused */
    MXFS_UNSUPPORTED_RAW,    /**< they are shown as stored */
};

/** The default of cache_size. It holds eight experts of gpt-oss. */
#define MXFS_CACHE_SIZE_DEFAULT ((uint64_t)64 << 20)
/** The smallest cache_size. */
#define MXFS_CACHE_SIZE_MIN ((uint64_t)1 << 20)

struct mxfs_reach;

/** The choices. Strings are borrowed, and needed only while a source is opened and judged. */
struct mxfs_choices {
    int dtype;           /**< enum mxfs_dtype_choice */
    int unsupported;     /**< enum mxfs_unsupported_choice */
    const char *only;    /**< glob of the tensors to show, or NULL for all */
    const char *scheme;  /**< the only schemes to use, "fp8,nvfp4"; NULL: what the config says */
    bool partial;        /**< leave out tensors that need a missing shard */
    uint64_t cache_size; /**< bytes of packed units to keep */
    uint64_t unit_max;  /**< bytes that a packed unit should not exceed; mxfs_view_open() derives it
                           from `cache_size` */
    const char *kernel; /**< name of the decoding kernel, or NULL for the best one */
    bool confined;      /**< show and consult only SOURCE itself, its folder and, in a Hugging Face
                           cache, the blobs; no link leads anywhere else */
    bool trim; /**< give freed memory back to the system after each model; for the program alone,
                  since it affects the whole process */
    /** What may be opened besides the file that the caller named; NULL: everything. A file out of
     * reach is treated as missing; a shard that the index names is an error. mxfs_repo_open()
     * derives it from `confined`. */
    const struct mxfs_reach *reach;
};

/** What holds where nothing else was chosen. */
extern const struct mxfs_choices mxfs_choices_default;

/** Places in mxfs_choice_settings. */
enum {
    MXFS_CHOICE_DTYPE,
    MXFS_CHOICE_UNSUPPORTED,
    MXFS_CHOICE_ONLY,
    MXFS_CHOICE_SCHEME,
    MXFS_CHOICE_PARTIAL,
    MXFS_CHOICE_CACHE_SIZE,
    MXFS_CHOICE_KERNEL,
    MXFS_CHOICE_COUNT
};

/** The choices that can be given as text. */
extern const struct mxfs_setting mxfs_choice_settings[MXFS_CHOICE_COUNT];

/**
 * Parses a list like "dtype=f32,cache-size=1G" into *choices, which holds the defaults. Changes
 * `list`, into which the strings of the result point. Fails with MXFS_EXIT_USAGE.
 */
int mxfs_choices_parse(struct mxfs_choices *choices, char *list, struct mxfs_error *err);

/** Fails with MXFS_EXIT_USAGE unless all of choices->scheme are names of schemes that decode. */
int mxfs_choices_check(const struct mxfs_choices *choices, struct mxfs_error *err);

/** The element type that a choice stands for; `automatic` is that of MXFS_CHOOSE_AUTO. */
static inline enum mxfs_out mxfs_choices_out(const struct mxfs_choices *choices,
                                             enum mxfs_out automatic)
{
    if (choices->dtype == MXFS_CHOOSE_AUTO)
        return automatic;
    return (enum mxfs_out)(choices->dtype - MXFS_CHOOSE_BF16);
}

#endif
