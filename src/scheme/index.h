/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Which of the suffixes that schemes know occur in a model. Most models have a handful, so that
 * only the forms and the companions that are possible at all are looked for. Private to scheme/.
 */
#ifndef MXFS_SCHEME_INDEX_H
#define MXFS_SCHEME_INDEX_H

#include "match.h"

/** Bounds of the tables; adding schemes may need more (an assertion says so). */
enum { SCHEME_SUFFIXES = 160, SCHEME_FORMS = 96, SCHEME_COMPANY = 96 };

/** A suffix that some form knows. */
struct scheme_suffix {
    const char *text;
    size_t len;
    uint32_t dtypes; /**< of the tensors that end in it */
    bool absent;     /**< a tensor of a missing shard ends in it */
    uint8_t next;    /**< one more than the index of the next with the same end; 0: none */
};

/** A form whose main part, and what tells it, occurs. */
struct scheme_active {
    const struct mxfs_scheme *scheme;
    const struct scheme_form *form;
    uint32_t parts; /**< bit i: form->part[i] occurs */
};

/** A name that means something next to an output. */
struct scheme_companion {
    const char *suffix;
    enum scheme_role role;
    uint32_t dtypes;
    bool module;  /**< after "X." where the output is X.weight; else after the whole name */
    bool here;    /**< occurs in the model */
    bool gone;    /**< occurs in missing shards */
    bool strange; /**< changes the meaning of a group that does not list it */
};

/** A part that occurs and means something by itself: half a group, or a scale of activations. */
struct scheme_lone {
    const struct mxfs_scheme *scheme; /**< NULL: of scheme_common */
    const struct scheme_form *form;
    const struct scheme_part *part;
};

/** The suffixes, forms and companions that occur in a model. */
struct scheme_index {
    struct scheme_active form[SCHEME_FORMS]; /**< in matching order */
    size_t forms;
    struct scheme_companion company[SCHEME_COMPANY];
    size_t companions;
    struct scheme_lone lone[SCHEME_COMPANY];
    size_t lone_parts;
    struct scheme_suffix suffix[SCHEME_SUFFIXES];
    size_t suffixes;
    uint8_t head[256]; /**< by the last two bytes: one more than the index of the first; 0: none */
    uint32_t dtypes;   /**< of all tensors */
};

/** Fills a zeroed index. */
void scheme_index_fill(struct scheme_index *index, const struct mxfs_tensors *tensors,
                       const struct mxfs_tensors *absent);

/** The types with which a part counts as half a group when its main part is nowhere; or 0. */
uint32_t scheme_lone_dtypes(const struct scheme_part *part);

#endif
