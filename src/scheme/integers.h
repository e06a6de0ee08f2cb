/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Rows of integer codes of 1 to 8 bits, in which groups of columns share a scale and optionally a
 * zero and a bias: the common ground of compressed-tensors, ModelOpt, GPTQ, AWQ and MLX. Private to
 * scheme/.
 *
 *   value = (code - offset - zero) * scale (+ bias), then (* factor of its column)
 *
 * Differences are whole numbers of at most 9 bits, exact in every float type. Products are rounded
 * to the type in which the library computes (via), and so are sums.
 */
#ifndef MXFS_SCHEME_INTEGERS_H
#define MXFS_SCHEME_INTEGERS_H

#include "match.h"

enum {
    /** Most groups of a row whose columns are reordered: their entries lie on the stack. */
    SCHEME_INT_REORDERED_GROUPS = 2048,
    /** Most columns whose groups are read when matching. */
    SCHEME_INT_REORDERED_COLUMNS = 1 << 20,
};

/** Layouts of words that hold codes by columns, see gptq.c. */
enum scheme_int_words { SCHEME_INT_GPTQ_V1, SCHEME_INT_GPTQ_V2, SCHEME_INT_AWQ };

/** The layout of a group: how codes are stored, and how their entries are spread over them. */
struct scheme_int {
    uint64_t rows;       /**< of one matrix: N */
    uint64_t cols;       /**< elements of one row: K */
    uint64_t block_cols; /**< columns that share an entry; 0: see group_of */
    uint64_t groups;     /**< entries of a row */
    uint64_t row_bytes;  /**< of stored codes */
    uint64_t zero_rows;  /**< rows of packed zeros in a matrix */
    uint64_t strip;      /**< by unit: columns of a unit */
    const float *values; /**< of the 16 codes of up to 4 bits */
    int16_t offset;      /**< subtracted from codes of 5 to 7 bits */
    uint8_t bits;        /**< of a code */
    uint8_t per_word;    /**< codes in a 32-bit word with unused upper bits; 0: no gaps */
    uint8_t scales;      /**< index of that part */
    uint8_t zeros;       /**< index of that part, or 0 for none */
    uint8_t biases;      /**< likewise */
    uint8_t columns;     /**< likewise: factors of columns */
    bool row_pairs;      /**< a byte holds codes of an even row (low half) and of the next */
    bool one_scale;      /**< one for the whole tensor */
    bool zeros_packed;   /**< like the codes, but along the rows */
    enum mxfs_code8 meaning : 8;     /**< of codes of 8 bits */
    enum mxfs_out via : 8;           /**< type that products are rounded to first */
    enum scheme_int_words words : 8; /**< by unit: order of codes and zeros */
    uint16_t group_of[]; /**< each column's, where block_cols is 0: columns are reordered */
};

/** One row whose codes and entries lie in memory. */
struct scheme_int_row {
    const struct mxfs_group *group;  /**< whose row it is */
    const struct scheme_int *layout; /**< of the group */
    const struct mxfs_codec *codec;  /**< kernels and tables */
    const uint8_t *codes;            /**< of column `base` on */
    uint64_t base;                   /**< a multiple of scheme_int_step() */
    enum mxfs_nibbles nibbles;       /**< where codes of 4 bits lie */
    const uint8_t *factors;          /**< bytes of the part `columns`, all of it */
    uint64_t entry;                  /**< the group with whose entries the next members begin */
    const uint8_t *scales;           /**< in the type of part layout->scales */
    const uint8_t *biases;           /**< in the same type; NULL: none */
    const uint8_t *zeros;            /**< bytes, or words where layout->zeros_packed; NULL: none */
    int less;     /**< subtracted from zeros of unsigned bytes; 0: they are signed */
    unsigned bit; /**< where packed zeros begin in their words */
};

/**
 * Makes the layout of the group: how codes are read, which parts there are, products in the type of
 * the scales, a tile of 1. NULL when memory is out, which ends the search.
 */
struct scheme_int *scheme_int_new(struct scheme_case *c, unsigned bits, enum mxfs_code8 meaning);

/** Columns after which codes begin at a whole byte that multiplication finds. */
uint64_t scheme_int_step(const struct scheme_int *layout);

/** Bytes of the codes before `column`, a multiple of the step. */
uint64_t scheme_int_bytes(const struct scheme_int *layout, uint64_t column);

/** Decodes columns [column, column + n) of a row. */
void scheme_int_columns(const struct scheme_int_row *row, uint64_t column, uint64_t n,
                        uint8_t *dst);

/** Makes the output float16 if the user asked for no type and the config says float16. */
void scheme_int_choose_out(struct scheme_case *c);

/**
 * Sets rows, cols and row_bytes, and spreads `groups` entries over each row; refuses a
 * remainder. The shape is set.
 */
int scheme_int_spread(struct scheme_case *c, struct scheme_int *layout, uint64_t groups);

/**
 * The last step of a fit: refuses zeros that are neither packed nor like the scales, and factors
 * that are not one for each column; then scheme_int_read_groups(), with even groups.
 */
int scheme_int_finish(struct scheme_case *c, const struct scheme_int *layout);

/**
 * Reads the part g_idx, the group of each column. Unless the groups lie in their natural order
 * (block_cols columns each), group->layout gets room for it, filled, and block_cols becomes 0.
 * `even`: every group has as many columns, and -1 anywhere means that it is not used. Does nothing
 * without the part.
 */
int scheme_int_read_groups(struct scheme_case *c, bool even);

/**
 * Streaming operations: codes are part 0, scales are [.., rows, groups]. Parts that the layout does
 * not name are not read.
 */
void scheme_int_spans(const struct mxfs_group *group, uint64_t first, uint64_t count,
                      struct mxfs_span spans[MXFS_PARTS_MAX]);
void scheme_int_decode(const struct mxfs_run *run);

/** Reasons that several schemes give. */
extern const char scheme_int_bad_g_idx[];
extern const char scheme_int_uncertain[];
extern const char scheme_int_uneven[];

#endif
