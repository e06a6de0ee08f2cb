/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * How a scheme describes its format, and the functions for its fit(). Private to scheme/.
 */
#ifndef MXFS_SCHEME_MATCH_H
#define MXFS_SCHEME_MATCH_H

#include "mxfs/scheme.h"

/** Sets of types, as bits of enum mxfs_dtype. */
#define SCHEME_BIT(dtype) (1u << MXFS_##dtype)
enum {
    SCHEME_ANY = (1 << MXFS_DTYPE_COUNT) - 1, /**< all types */
    /** Scales that are numbers. */
    SCHEME_LINEAR = SCHEME_BIT(F32) | SCHEME_BIT(BF16) | SCHEME_BIT(F16),
    /** Scales that are exponents: F8_E8M0, or U8 with the same bytes. */
    SCHEME_EXPONENT = SCHEME_BIT(U8) | SCHEME_BIT(F8_E8M0),
    /** Codes of 8 bits that are floating-point numbers. */
    SCHEME_FP8 = SCHEME_BIT(F8_E4M3) | SCHEME_BIT(F8_E5M2),
};

/** The role of a part in its group. */
enum scheme_role {
    SCHEME_CODES,         /**< the main part */
    SCHEME_SCALES,        /**< of rows, blocks or groups */
    SCHEME_ZEROS,         /**< zero points */
    SCHEME_BIASES,        /**< added to products */
    SCHEME_GLOBAL,        /**< a scale of scales */
    SCHEME_DIVISOR,       /**< a scale of scales that divides */
    SCHEME_COLUMNS,       /**< factors of columns (pre_quant_scale) */
    SCHEME_G_IDX,         /**< the group of each column */
    SCHEME_SHAPE,         /**< dimensions of the output */
    SCHEME_MAP,           /**< values of codes */
    SCHEME_STATE,         /**< JSON that describes the rest */
    SCHEME_NESTED_SCALES, /**< scales of quantized scales */
    SCHEME_NESTED_MAP,    /**< values of quantized scales */
    SCHEME_ORDER,         /**< the order of the elements */
    SCHEME_LOW_RANK,      /**< a low-rank part that is added at run time */
    SCHEME_OTHER,         /**< does not enter the weight, or is not understood */
    SCHEME_ACTIVATION,    /**< scales activations or a KV cache: dropped */
    SCHEME_ROLES,         /**< number of roles */
};

/** The meaning of a part's presence or absence, as bits; 0: the part is optional. */
enum {
    SCHEME_TELLS = 1,       /**< without it, the tensors have another format */
    SCHEME_NEEDED = 2,      /**< without it, the group is half a group */
    SCHEME_ASYMMETRIC = 4,  /**< NEEDED if the config says that integers have zero points */
    SCHEME_TYPED = 8,       /**< another type means another format, not an unknown one */
    SCHEME_ALONE = 16,      /**< it is half a group without its main part, under the name "scale" */
    SCHEME_PAIRED = 32,     /**< ALONE, but only if another part of the form is there */
    SCHEME_NAMED = 64,      /**< ALONE, but under the name of the scheme */
    SCHEME_WITNESS = 128,   /**< it changes the format, but is not a part: it keeps its role */
    SCHEME_AMBIGUOUS = 256, /**< its name has other meanings too: harmless next to a group
                               that does not list it */
};

/** One part: the tensor called stem + suffix. */
struct scheme_part {
    enum scheme_role role; /**< parts of one role are alternatives */
    const char *suffix;    /**< NULL ends a table */
    uint32_t dtypes;       /**< types that it may have */
    unsigned flags;        /**< SCHEME_TELLS and the others */
};

/** Most parts of a form, with the one that ends them. */
#define SCHEME_FORM_PARTS 12

/**
 * The names of a group's parts. The main part comes first: any tensor whose name ends in its suffix
 * and that has one of its types. The rest of the name is the stem, which all parts share.
 */
struct scheme_form {
    const char *output; /**< suffix of the output, also called stem + suffix */
    const char *name;   /**< of a refused format; NULL: the scheme's name */
    const char *reason; /**< why the format is refused; NULL: it is decoded */
    struct scheme_part part[SCHEME_FORM_PARTS]; /**< in the order of group->part */
};

/** A form and a tensor that may be its main part. */
struct scheme_case {
    struct mxfs_match *match;                   /**< the search */
    size_t index;                               /**< of the main part in match->tensors */
    const struct mxfs_scheme *scheme;           /**< that is asked */
    const struct scheme_form *form;             /**< one of its forms */
    size_t stem_len;                            /**< bytes of the name before the suffix */
    const struct mxfs_tensor *of[SCHEME_ROLES]; /**< the parts found, or NULL */
    uint8_t place[SCHEME_ROLES];                /**< their indices in group->part; 0 for none */
    struct mxfs_group *group;                   /**< that the scheme fills */
};

/** Refuses a group for `reason`, under the name of its scheme. Returns -ENOTSUP. */
int scheme_refuse(struct scheme_case *c, const char *reason);

/** Refuses under another name. */
int scheme_refuse_as(struct scheme_case *c, const char *name, const char *reason);

/** Refuses a group that lacks a part. */
int scheme_refuse_half(struct scheme_case *c, const char *reason);

/** The one way to read a part while matching. Returns 0 or -errno, which ends the search. */
int scheme_read(struct scheme_case *c, const struct mxfs_tensor *part, void *buf, size_t len,
                uint64_t offset);

/** Ends the search with -errno `rc`, of another failure. Returns rc. */
int scheme_fail(struct scheme_case *c, int rc);

/** The one way to allocate while matching: as realloc(). NULL ends the search. */
void *scheme_alloc(struct scheme_case *c, void *old, size_t size);

/** Sets group->layout to `size` zero bytes. Returns NULL without memory, which ends the search. */
void *scheme_layout(struct scheme_case *c, size_t size);

/** Sets the output's shape; refuses too many dimensions, and sizes that 63 bits cannot hold. */
int scheme_set_shape(struct scheme_case *c, const uint64_t *shape, uint32_t rank);

/** Sets the output's shape to that of the codes, but with count * each for `axis`, which exists. */
int scheme_set_axis(struct scheme_case *c, uint32_t axis, uint64_t count, uint64_t each);

/** Whether all dimensions are equal except `axis`, which is `ratio` times as large in `codes`. */
bool scheme_is_blocked(const struct mxfs_tensor *codes, const struct mxfs_tensor *scales,
                       uint32_t axis, uint64_t ratio);

/** Whether the first `rank` dimensions are the same. */
bool scheme_same_dims(const struct mxfs_tensor *a, const struct mxfs_tensor *b, uint32_t rank);

/** The last dimension, or 0 for a scalar. */
uint64_t scheme_last_dim(const struct mxfs_tensor *t);

/** Whether the codes have scales of a name that some scheme knows. */
bool scheme_has_scales(const struct scheme_case *c);

/** Whether `list`, names separated by commas, has the name text[0, len). */
bool scheme_list_has(const char *list, const char *text, size_t len);

/** How refusals speak of parts of a role. */
struct scheme_words {
    const char *missing;  /**< "its scales are missing" */
    const char *unknown;  /**< "its scales have an unknown type" */
    const char *stranger; /**< "it has ..., which is not part of this format" */
};
extern const struct scheme_words scheme_words[SCHEME_ROLES];

/** Names that no scheme lists: scales of activations, and parts that no group may have. */
extern const struct scheme_form scheme_common[];

/** Reasons that several schemes give. */
extern const char scheme_no_fit[];
extern const char scheme_too_large[];
extern const char scheme_swizzled[];

#endif
