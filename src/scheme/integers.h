/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Integer codes of 1 to 8 bits in rows, whose groups of columns share a scale, perhaps a zero and a
 * bias: what compressed-tensors, ModelOpt, GPTQ, AWQ and MLX have in common. Private to scheme/.
 *
 *   value = (code - offset - zero) * scale (+ bias), then perhaps times a factor of its column
 *
 * Differences are whole numbers of at most 9 bits, exact in every float type. Products are rounded
 * to the type that the library computes in (group->via), sums again.
 */
#ifndef MXFS_SCHEME_INTEGERS_H
#define MXFS_SCHEME_INTEGERS_H

#include "match.h"

enum {
    /** Groups of a row of which the columns are reordered: their entries lie on the stack. */
    MXFS_INT_REORDERED_GROUPS = 2048,
    /** Columns whose groups are read when matching. */
    MXFS_INT_REORDERED_COLUMNS = 1 << 20,
};

/** How codes are stored, and what the streaming operations below know of their group. */
struct mxfs_int {
    uint8_t bits;     /**< of a code */
    uint8_t per_word; /**< codes in a 32-bit word whose upper bits idle; 0: no gaps between codes */
    bool row_pairs;   /**< octets hold a code of an even row (low half) and of the next (high) */
    bool one_scale;   /**< one for the whole tensor */
    bool zeros_packed;   /**< like the codes, but along the rows */
    uint8_t meaning;     /**< enum mxfs_code8, of codes of 8 bits */
    int16_t offset;      /**< subtracted from codes of 5 to 7 bits */
    float values[16];    /**< of codes of up to 4 bits */
    uint8_t zeros;       /**< index of that part, or 0 for none */
    uint8_t biases;      /**< likewise */
    uint8_t columns;     /**< likewise: factors of columns */
    uint64_t groups;     /**< of a row */
    uint64_t row_bytes;  /**< of stored codes */
    uint64_t zero_rows;  /**< rows of packed zeros in a matrix */
    uint16_t group_of[]; /**< each column's, where block_cols is 0: columns are reordered */
};

struct mxfs_int_row;

/** Fills the entries of groups [group, group + n). Arrays that the row does not have are NULL. */
typedef void mxfs_int_entries_fn(const struct mxfs_int_row *row, uint64_t group, size_t n,
                                 float *scales, float *zeros, float *biases);

/** One row whose codes lie in memory. */
struct mxfs_int_row {
    const struct mxfs_group *group; /**< block_cols: columns that share an entry; 0: see group_of */
    const struct mxfs_int *layout;
    const struct mxfs_codec *codec;
    const uint8_t *codes;      /**< those of column `base` on */
    uint64_t base;             /**< a multiple of mxfs_int_step() */
    enum mxfs_nibbles nibbles; /**< where codes of 4 bits lie */
    const uint8_t *factors;    /**< bytes of the part `columns`, all of it */
    bool zeros, biases;        /**< whether there are any */
    mxfs_int_entries_fn *entries;
    const void *context; /**< of entries() */
};

/** A layout with `reordered` entries of group_of, for group->constants; NULL when memory is out. */
struct mxfs_int *mxfs_int_new(unsigned bits, uint64_t reordered);

/** Columns whose codes begin at a whole octet that can be found by multiplication. */
uint64_t mxfs_int_step(const struct mxfs_int *layout);

/** Octets of the codes in front of `column`, a multiple of the step. */
uint64_t mxfs_int_octets(const struct mxfs_int *layout, uint64_t column);

/** Decodes columns [column, column + n) of a row. */
void mxfs_int_columns(const struct mxfs_int_row *row, uint64_t column, uint64_t n, uint8_t *dst);

/** The type that products are rounded to when a library computes in the type of its scales. */
enum mxfs_out mxfs_int_via(const struct mxfs_tensor *scales);

/** The output is float16 where nothing else was asked for and the config says so. */
void mxfs_int_choose_out(const struct mxfs_match *match, struct mxfs_group *group);

/**
 * Reads `g_idx`, the group of each column. *layout gets room for it, filled, and group->block_cols
 * becomes 0, unless the groups lie in their natural order (block_cols columns each). Returns NULL,
 * or the reason why it cannot be used.
 */
const char *mxfs_int_read_groups(struct mxfs_match *match, struct mxfs_group *group,
                                 struct mxfs_int **layout, const struct mxfs_tensor *g_idx,
                                 bool even);

/**
 * Streaming operations of a group whose layout is group->constants: codes are part 0, scales [..,
 * rows, groups] part 1. Parts that are not named by the layout are not read.
 */
void mxfs_int_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                    struct mxfs_span spans[MXFS_PARTS_MAX]);
void mxfs_int_decode(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                     uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst);

/** Reasons that several matchers give. */
extern const char mxfs_reason_memory[];
extern const char mxfs_reason_unreadable[];
extern const char mxfs_reason_g_idx[];
extern const char mxfs_reason_no_zeros[];
extern const char mxfs_reason_bits[];

#endif
