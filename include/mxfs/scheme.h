/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Schemes: which stored tensors form a quantized group, what they become, how it is decoded.
 *
 * A scheme answers two questions: which source byte ranges does a piece of the output need, and
 * how do those bytes become that piece. There are two kinds:
 *
 *  - streaming: a run of output elements comes from one run of bytes in each part. The run is
 *    aligned to `tile` elements of the flat output.
 *  - by unit: the output order differs from the stored order (transposed tensors), so that a run
 *    of output needs bytes from all over a part. A unit is the smallest piece of the output whose
 *    source can be read in reasonable strips; it is kept packed, reordered for decoding.
 *
 * Decoding neither allocates, locks, logs nor does I/O. Thread safety: immutable after start.
 */
#ifndef MXFS_SCHEME_H
#define MXFS_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/kernel.h"
#include "mxfs/tensors.h"

/** Parts of one group, main part first. */
#define MXFS_PARTS_MAX 8
/** Dimensions of a dequantized tensor; none in the wild has more than 4. */
#define MXFS_RANK_MAX 8

/** Bits of integer codes and how many of them share a scale. */
struct mxfs_quant_width {
    uint32_t bits;  /**< `num_bits`, `bits` or `w_bit` */
    uint32_t group; /**< `group_size` or `q_group_size` beside it; 0 when absent or not positive */
};

/** Distinct widths that are remembered; more make all of them uncertain. */
#define MXFS_WIDTHS_MAX 8

/** What config.json says, as far as matching asks. Strings are empty when absent. */
struct mxfs_quant_config {
    bool present;        /**< a config.json was read */
    bool quantized;      /**< it holds a quantization_config */
    bool transforms;     /**< weights are rotated by a transform_config */
    bool asymmetric;     /**< all groups of integers in `config_groups` have zero points */
    char model_type[64]; /**< root `model_type` */
    char method[64];     /**< `quant_method` */
    char data_type[64];  /**< AutoRound's `data_type` */
    char packing[64];    /**< `checkpoint_format` (GPTQ), `packing_format` (AutoRound), `format` */
    char version[32];    /**< AWQ's `version` */
    struct mxfs_quant_width widths[MXFS_WIDTHS_MAX]; /**< all that are mentioned anywhere */
    uint32_t width_count; /**< of them; MXFS_WIDTHS_MAX + 1 when there are more */
    uint64_t block[2];    /**< `weight_block_size`, `block_structure` or 1, `group_size`; or 0, 0 */
    unsigned int_bits;    /**< bit n: `config_groups` has integer weights of n bits; 0: not said */
    int dtype;            /**< `dtype` or `torch_dtype` as enum mxfs_dtype, or -1 */
};

/** The kernel variant in use and its constant data. */
struct mxfs_codec {
    const struct mxfs_kernel *kernel;
    const struct mxfs_tables *tables;
};

struct mxfs_scheme;

/** A quantized group: one output tensor and the stored tensors that it is made of. */
struct mxfs_group {
    const struct mxfs_scheme *scheme;
    const char *name;                               /**< of the output; borrowed, not terminated */
    const struct mxfs_tensor *part[MXFS_PARTS_MAX]; /**< main part first */
    uint64_t shape[MXFS_RANK_MAX];                  /**< of the output */
    uint64_t elements;                              /**< product of shape */
    uint32_t name_len;
    uint8_t rank;
    uint8_t parts;       /**< used entries of `part` */
    uint8_t out;         /**< enum mxfs_out */
    uint8_t format;      /**< enum mxfs_fp8 of the main part; other schemes have their own values */
    uint8_t via;         /**< enum mxfs_out that products are rounded to first; F32 for none */
    uint32_t tile;       /**< elements; streaming schemes decode runs aligned to it */
    uint64_t rows;       /**< of one matrix of the main part: N */
    uint64_t cols;       /**< elements of one row: K */
    uint64_t block_rows; /**< rows that share a scale, for two-dimensional blocks */
    uint64_t block_cols; /**< columns that share a scale */
    uint64_t strip;      /**< blocks of K in a unit, for schemes by unit; else 0 */
    void *
        constants; /**< what the scheme read of its parts when matching; owned, freed with free() */
};

/** A run of bytes in a part. */
struct mxfs_span {
    uint64_t offset; /**< from the part's first byte */
    uint64_t size;
};

/** A unit of a group (schemes by unit). */
struct mxfs_unit {
    const struct mxfs_group *group;
    uint64_t index; /**< within the group */
    uint64_t first; /**< first element of the flat output */
    uint64_t count; /**< elements: [first, first + count) */
    size_t bytes;   /**< memory that the packed unit takes */
};

/** The bytes of one part that a unit needs: `rows` strips of `width` bytes, `stride` apart. */
struct mxfs_strips {
    uint64_t offset; /**< of the first strip, from the part's first byte */
    uint64_t width;
    uint64_t stride;
    uint64_t rows;
};

/** Strips [first, first + count) of what a unit needs of one part, in memory. */
struct mxfs_rows {
    unsigned part;
    uint64_t first, count;
    const uint8_t *src; /**< strip `first` */
    uint64_t stride;    /**< bytes from one strip to the next in src */
};

/** The answer of a matcher. */
enum mxfs_verdict {
    MXFS_NO_MATCH, /**< not this scheme's main part */
    MXFS_MATCH,    /**< *group is filled */
    MXFS_REFUSE,   /**< it is this scheme, but cannot be dequantized exactly; see reason */
};

/** What a matcher may look at, and where it says why it refuses. */
struct mxfs_match {
    const struct mxfs_tensors *tensors;
    const struct mxfs_tensors *absent; /**< those of missing shards: only their names are known */
    const struct mxfs_quant_config *config;
    uint64_t unit_max; /**< bytes that a packed unit should not exceed */
    bool auto_out;     /**< the output type was not asked for: a scheme may set group->out itself */
    enum mxfs_out out; /**< the output type in use; preset in group->out */
    /**
     * Reads bytes of a part while matching (shapes, tables, global scales: small parts only).
     * Returns 0 or -errno.
     */
    int (*read)(void *reader, const struct mxfs_tensor *part, void *buf, size_t len,
                uint64_t offset);
    void *reader;       /**< first argument of read() */
    uint32_t looks;     /**< for int-packed: how often it has read what it need not */
    bool comfy;         /**< `__metadata__` holds `_quantization_metadata` */
    const char *scheme; /**< on MXFS_REFUSE: what was recognised, if not the scheme's own name */
    bool half;          /**< on MXFS_REFUSE: because a part is nowhere to be found */
    const char *reason; /**< on MXFS_REFUSE: a constant phrase, the same for the same cause */
};

/** A quantized format. */
struct mxfs_scheme {
    const char *name;    /**< as shown by `mxfs list` */
    const char *summary; /**< one line for people */

    /** Whether tensor `index` of match->tensors is the main part of a group. On MXFS_MATCH fills
     * *group but for scheme; on MXFS_REFUSE may fill group->part with what belongs
     * together. */
    enum mxfs_verdict (*match)(struct mxfs_match *match, size_t index, struct mxfs_group *group);

    /** Streaming: the bytes of each part behind elements [first, first + count), a whole number of
     * tiles. */
    void (*spans)(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span spans[MXFS_PARTS_MAX]);
    /** Streaming: decodes them; src[i] are the bytes of spans[i]. dst: count elements. */
    void (*decode)(const struct mxfs_group *group, const struct mxfs_codec *codec, uint64_t first,
                   uint64_t count, const uint8_t *const src[MXFS_PARTS_MAX], uint8_t *dst);

    /** By unit: the unit that holds an element. NULL for streaming schemes. */
    void (*unit_at)(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit);
    /** By unit: what to read of part `part`. */
    void (*strips)(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips);
    /** By unit: puts strips of a part into the packed unit. */
    void (*pack)(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                 const struct mxfs_rows *rows, uint8_t *packed);
    /** By unit: decodes elements [first, first + count) of the flat output, all inside the unit. */
    void (*unpack)(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                   const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst);
};

/**
 * Whether a group that a scheme has matched stands without companions that are no part of it, here
 * and in missing shards: MXFS_MATCH, or MXFS_REFUSE with a reason.
 */
enum mxfs_verdict mxfs_scheme_check_company(struct mxfs_match *match, size_t index,
                                            const struct mxfs_group *group);

/**
 * The same for a tensor that no scheme matches: MXFS_REFUSE when a missing shard holds what would
 * say what its codes mean, else MXFS_NO_MATCH.
 */
enum mxfs_verdict mxfs_scheme_check_lonely(struct mxfs_match *match, size_t index);

/** All schemes, first hit wins; ends with NULL. */
extern const struct mxfs_scheme *const mxfs_schemes[];

/** Whether a scheme dequantizes; the others only refuse. */
bool mxfs_scheme_decodes(const struct mxfs_scheme *scheme);

/** Whether a scheme dequantizes and is among `names`, like "fp8,nvfp4". */
bool mxfs_scheme_is_listed(const struct mxfs_scheme *scheme, const char *names);

/** Whether all of `names` are names of schemes that dequantize. */
bool mxfs_scheme_are_known(const char *names);

/** Room for the names of all schemes. */
#define MXFS_SCHEME_NAMES 512

/** Writes "mxfp4-gptoss, ...": the names of all that dequantize. Returns `out`. */
const char *mxfs_scheme_names(char out[MXFS_SCHEME_NAMES]);

#endif
