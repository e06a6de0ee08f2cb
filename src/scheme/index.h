/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Which of the suffixes that schemes know occur in a model. Most models have a handful, so the
 * search looks for few forms and parts. Private to scheme/.
 */
#ifndef MXFS_SCHEME_INDEX_H
#define MXFS_SCHEME_INDEX_H

#include "match.h"

/** Bounds of the tables; more schemes may need more room, as an assertion says. */
enum { SCHEME_SUFFIXES = 160, SCHEME_FORMS = 96, SCHEME_ENTRIES = 200 };

/** A suffix that some form lists. */
struct scheme_suffix {
    const char *text; /**< two bytes at least */
    size_t len;       /**< of text */
    uint32_t dtypes;  /**< of the tensors that end in it */
    bool absent;      /**< a tensor of a missing shard ends in it */
    uint8_t next;     /**< one more than the index of the next with the same end; 0: none */
};

/** A form that may match: its main part, and the parts that tell it, occur. */
struct scheme_active {
    const struct mxfs_scheme *scheme; /**< whose form it is */
    const struct scheme_form *form;   /**< one of scheme->forms */
    uint32_t parts;                   /**< bit i: form->part[i] occurs */
};

/** A part, other than a main part, that occurs and means something even without its form. */
struct scheme_entry {
    const struct mxfs_scheme *scheme; /**< NULL: of scheme_common */
    const struct scheme_form *form;   /**< the form that lists it */
    const struct scheme_part *part;   /**< one of form->part */
    const char *suffix; /**< after the output's name, or after "X." where that is X.weight */
    uint32_t lone;      /**< types of which a tensor without its main part is half a group */
    bool module;        /**< the output is X.weight */
    bool strange;       /**< it changes the meaning of a group that does not list it */
    bool gone;          /**< it may do so from a missing shard */
};

/** The suffixes of all forms, and the forms and parts that occur in a model. */
struct scheme_index {
    struct scheme_active form[SCHEME_FORMS];      /**< in the order in which they are asked */
    size_t forms;                                 /**< used elements of form */
    struct scheme_entry entry[SCHEME_ENTRIES];    /**< in matching order */
    size_t entries;                               /**< used elements of entry */
    struct scheme_suffix suffix[SCHEME_SUFFIXES]; /**< without "" */
    size_t suffixes;                              /**< used elements of suffix */
    uint8_t head[256]; /**< by the last two bytes: one more than the index of the first; 0: none */
    uint32_t dtypes;   /**< of all tensors */
};

/** Fills a zeroed index for a model, under options->absent and options->forced. */
void scheme_index_fill(struct scheme_index *index, const struct mxfs_tensors *tensors,
                       const struct mxfs_match_options *options);

#endif
