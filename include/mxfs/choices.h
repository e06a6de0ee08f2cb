/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Choices: the options for opening a source. One struct is passed by const pointer from the command
 * line, or from the library's caller, down to the model.
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
    MXFS_CHOOSE_AUTO, /**< the dtype in config.json if it is BF16 or F32, else BF16 */
    MXFS_CHOOSE_BF16, /**< bfloat16; from here on 1 + enum mxfs_out */
    MXFS_CHOOSE_F16,  /**< IEEE 754 binary16 */
    MXFS_CHOOSE_F32,  /**< IEEE 754 binary32 */
};

/** How to treat tensors that cannot be dequantized exactly. */
enum mxfs_unsupported_choice {
    MXFS_UNSUPPORTED_REFUSE, /**< refuse the source */
    MXFS_UNSUPPORTED_RAW,    /**< show them as stored */
};

/** The default cache_size, which holds eight experts of gpt-oss. */
#define MXFS_CACHE_SIZE_DEFAULT ((uint64_t)64 << 20)
/** The smallest cache_size. */
#define MXFS_CACHE_SIZE_MIN ((uint64_t)1 << 20)

struct mxfs_quant_config;
struct mxfs_reach;

/** The choices. Strings are borrowed, and must stay valid while a source is opened and judged. */
struct mxfs_choices {
    int dtype;           /**< enum mxfs_dtype_choice */
    int unsupported;     /**< enum mxfs_unsupported_choice */
    const char *only;    /**< glob of the tensors to show, or NULL for all */
    const char *scheme;  /**< the only schemes to use, "fp8,nvfp4"; NULL: decided by the config */
    bool partial;        /**< leave out tensors that need a missing shard */
    uint64_t cache_size; /**< bytes of packed units to keep */
    const char *kernel;  /**< decoding kernel by name, or NULL for the best one */
    /** Bytes that a packed unit should not exceed; mxfs_view_open() derives it from cache_size. */
    uint64_t unit_max;
    /** Refuse links that lead out of SOURCE, its folder and the blobs of its Hugging Face cache. */
    bool confined;
    /** Return freed memory to the system after each model. Affects the whole process, so the
     * library leaves it off. */
    bool trim;
    /** The files that may be opened besides the one that the caller named; NULL: all. A file out of
     * reach is treated as missing, but a shard that the index names is an error. mxfs_repo_open()
     * derives this from `confined`. */
    const struct mxfs_reach *reach;
    /** The folder's config.json if it has been read for another model already; NULL: read it. Must
     * outlive the models that are opened with it. */
    const struct mxfs_quant_config *config;
};

/** The defaults. */
extern const struct mxfs_choices mxfs_choices_default;

/** Indices of mxfs_choice_settings. */
enum {
    MXFS_CHOICE_DTYPE,       /**< dtype */
    MXFS_CHOICE_UNSUPPORTED, /**< unsupported */
    MXFS_CHOICE_ONLY,        /**< only */
    MXFS_CHOICE_SCHEME,      /**< scheme */
    MXFS_CHOICE_PARTIAL,     /**< partial */
    MXFS_CHOICE_CACHE_SIZE,  /**< cache_size */
    MXFS_CHOICE_KERNEL,      /**< kernel */
    MXFS_CHOICE_COUNT,       /**< the number of settings */
};

/** The choices that can be given as text. */
extern const struct mxfs_setting mxfs_choice_settings[MXFS_CHOICE_COUNT];

/**
 * Parses a list like "dtype=f32,cache-size=1G" into *choices, which the caller has set to the
 * defaults. Changes `list`, and the strings of the result point into it. Returns 0, or -EINVAL with
 * err filled (MXFS_EXIT_USAGE).
 */
int mxfs_choices_parse(struct mxfs_choices *choices, char *list, struct mxfs_error *err);

/**
 * Checks that all names in choices->scheme are schemes that decode. Returns 0, or -EINVAL with err
 * filled (MXFS_EXIT_USAGE).
 */
int mxfs_choices_check(const struct mxfs_choices *choices, struct mxfs_error *err);

/** The element type that was chosen; `automatic` is returned for MXFS_CHOOSE_AUTO. */
static inline enum mxfs_out mxfs_choices_out(const struct mxfs_choices *choices,
                                             enum mxfs_out automatic)
{
    if (choices->dtype == MXFS_CHOOSE_AUTO)
        return automatic;
    return (enum mxfs_out)(choices->dtype - MXFS_CHOOSE_BF16);
}

#endif
