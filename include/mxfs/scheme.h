/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Schemes: which stored tensors form a quantized group, which tensor they become, and how to decode
 * it.
 *
 * A scheme describes its format in tables (src/scheme/match.h): the names and types of the parts,
 * the name of the output, the quantization methods that write it. The engine finds groups from
 * these tables; the scheme itself only decides whether shapes fit. After that it answers two
 * questions: which source byte ranges does a piece of the output need, and how do those bytes
 * become that piece. There are two kinds:
 *
 *  - streaming: a run of output elements comes from one run of bytes in each part. The run is
 *    aligned to `tile` elements of the flat output.
 *  - by unit: the output order differs from the stored order (transposed tensors), so a run of
 *    output needs bytes from all over a part. A unit is the smallest piece of the output whose
 *    source can be read in reasonable strips; the cache keeps it packed, reordered for decoding.
 *
 * Decoding does not allocate, lock, log or do I/O. Thread safety: groups and schemes are
 * immutable after start; a struct mxfs_match belongs to one thread.
 */
#ifndef MXFS_SCHEME_H
#define MXFS_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mxfs/kernel.h"
#include "mxfs/tensors.h"

/** Most parts of one group. */
#define MXFS_PARTS_MAX 6
/** Most dimensions of a dequantized tensor; known models have at most 4. */
#define MXFS_RANK_MAX 8

/** The width of integer codes, and how many of them share a scale. */
struct mxfs_quant_width {
    uint32_t bits;  /**< `num_bits`, `bits` or `w_bit` */
    uint32_t group; /**< `group_size` or `q_group_size` next to it; 0: absent or not positive */
};

/** Distinct widths that are kept; with more, none of them is certain. */
#define MXFS_WIDTHS_MAX 8

/** The part of config.json that matching needs. Without one, dtype is -1 and all else is 0. */
struct mxfs_quant_config {
    bool present;        /**< a config.json was read */
    bool quantized;      /**< it holds a quantization_config */
    bool transforms;     /**< weights are rotated by a transform_config */
    bool asymmetric;     /**< all groups of integers in `config_groups` have zero points */
    char model_type[64]; /**< root `model_type`, or empty */
    char method[64];     /**< `quant_method`, or empty */
    /** Every string member of quantization_config as "KEY\0VALUE\0...", ended by an empty key; or
     * NULL. Read it with mxfs_scheme_config_string(). */
    const char *strings;
    char *text; /**< owns `strings`, or NULL; freed with free() */
    struct mxfs_quant_width widths[MXFS_WIDTHS_MAX]; /**< every one in the config */
    uint32_t width_count; /**< used elements; MXFS_WIDTHS_MAX + 1: there are more */
    uint64_t block[2];    /**< `weight_block_size`, `block_structure` or 1, `group_size`; or 0, 0 */
    unsigned int_bits;    /**< bit n: `config_groups` has integer weights of n bits; 0: unknown */
    int dtype;            /**< `dtype` or `torch_dtype` as enum mxfs_dtype, or -1 */
};

/** The string member `key` of quantization_config, or "". */
const char *mxfs_scheme_config_string(const struct mxfs_quant_config *config, const char *key);

/** The kernel variant in use and its constant data. */
struct mxfs_codec {
    const struct mxfs_kernel *kernel; /**< functions */
    const struct mxfs_tables *tables; /**< values of codes and scales */
};

struct mxfs_scheme;

/**
 * A quantized group: stored tensors and the one output tensor that they become. `layout` holds what
 * only the scheme needs, in a struct of its own.
 */
struct mxfs_group {
    const struct mxfs_scheme *scheme;               /**< decodes it */
    const char *name;                               /**< of the output; not terminated */
    const struct mxfs_tensor *part[MXFS_PARTS_MAX]; /**< main part first, without gaps */
    uint64_t shape[MXFS_RANK_MAX];                  /**< of the output */
    uint64_t elements;                              /**< product of shape */
    void *layout;                                   /**< the scheme's; freed with free(), or NULL */
    uint32_t name_len;                              /**< bytes of `name` */
    uint32_t tile;          /**< elements; streaming schemes decode runs aligned to it */
    enum mxfs_out out : 8;  /**< type of the output */
    unsigned rank : 8;      /**< of the output */
    unsigned parts : 8;     /**< used entries of `part` */
    bool name_is_owned : 1; /**< `name` is on the heap; else it begins the name of part[0] */
};

/** Frees what a group owns. */
void mxfs_scheme_release(struct mxfs_group *group);

/** Whether `tensor` is a part of the group. */
static inline bool mxfs_scheme_has_part(const struct mxfs_group *group,
                                        const struct mxfs_tensor *tensor)
{
    for (unsigned i = 0; i < group->parts; i++) {
        if (group->part[i] == tensor)
            return true;
    }
    return false;
}

/** Elements of one matrix of the output: its last two dimensions. */
static inline uint64_t mxfs_scheme_matrix(const struct mxfs_group *group)
{
    uint64_t elements = 1;

    for (unsigned i = group->rank > 2 ? group->rank - 2 : 0; i < group->rank; i++)
        elements *= group->shape[i];
    return elements;
}

/** A run of bytes in a part. */
struct mxfs_span {
    uint64_t offset; /**< from the part's first byte */
    uint64_t size;   /**< bytes; 0: the part is not read */
};

/** A piece of a group's output to decode, and the bytes that it needs (streaming schemes). */
struct mxfs_run {
    const struct mxfs_group *group;     /**< of a streaming scheme */
    const struct mxfs_codec *codec;     /**< decodes it */
    uint64_t first;                     /**< element of the flat output */
    uint64_t count;                     /**< elements: [first, first + count) */
    const uint8_t *src[MXFS_PARTS_MAX]; /**< the bytes that spans() asks for, of each part */
    uint8_t *dst;                       /**< room for count elements */
};

/** A unit of a group (schemes by unit). */
struct mxfs_unit {
    const struct mxfs_group *group; /**< of a scheme by unit */
    uint64_t index;                 /**< within the group */
    uint64_t first;                 /**< first element of the flat output */
    uint64_t count;                 /**< elements: [first, first + count) */
    size_t bytes;                   /**< memory that the packed unit takes */
};

/** The bytes of one part that a unit needs: `rows` strips of `width` bytes, `stride` apart. */
struct mxfs_strips {
    uint64_t offset; /**< of the first strip, from the part's first byte */
    uint64_t width;  /**< bytes of a strip */
    uint64_t stride; /**< bytes from one strip to the next */
    uint64_t rows;   /**< strips; 0: the part is not read */
};

/** Strips may be packed in pieces: a multiple of this many bytes after the begin of any unit's
 * strip, a column begins in every scheme by unit. */
#define MXFS_STRIP_PIECE 4096u

/** Bytes [at, at + width) of strips [first, first + count) of what a unit needs of one part, in
 * memory. */
struct mxfs_rows {
    unsigned part;      /**< index of the part */
    uint64_t first;     /**< the first strip */
    uint64_t count;     /**< strips */
    uint64_t at;        /**< first byte of each strip; a column begins there */
    uint64_t width;     /**< bytes of each strip */
    const uint8_t *src; /**< byte `at` of strip `first` */
    uint64_t stride;    /**< bytes from one strip to the next in src */
};

struct scheme_form;
struct scheme_case;

/** A quantized format, or a family of formats that are refused. */
struct mxfs_scheme {
    const char *name;                /**< as shown by `mxfs list` */
    const char *writers;             /**< programs and models that write it, for people */
    const char *methods;             /**< its quant_methods, separated by commas; or NULL */
    const struct scheme_form *forms; /**< names and types of the parts, see scheme/match.h */
    bool refuses_transforms;         /**< a transform_config may have rotated the weights */
    uint8_t block;       /**< formats of blocks (scheme/blocks.h): elements that share a scale */
    uint8_t block_bytes; /**< formats of blocks: bytes of the codes of one */

    /** Whether the parts found belong to this scheme, not to a later one; NULL: always. */
    bool (*recognises)(const struct scheme_case *c);
    /** Decides whether shapes fit, and fills shape, tile and layout of c->group. Returns 0,
     * -ENOTSUP by scheme_refuse(), or -errno. NULL: the scheme only refuses. */
    int (*fit)(struct scheme_case *c);

    /** Streaming: the bytes of each part that elements [first, first + count) are decoded from, a
     * whole number of tiles. */
    void (*spans)(const struct mxfs_group *group, uint64_t first, uint64_t count,
                  struct mxfs_span spans[MXFS_PARTS_MAX]);
    /** Streaming: decodes a run, a whole number of tiles. */
    void (*decode)(const struct mxfs_run *run);

    /** By unit: the unit that holds an element. NULL for streaming schemes. */
    void (*unit_at)(const struct mxfs_group *group, uint64_t element, struct mxfs_unit *unit);
    /** By unit: the bytes to read of part `part`. */
    void (*strips)(const struct mxfs_unit *unit, unsigned part, struct mxfs_strips *strips);
    /** By unit: puts strips of a part, or pieces of them, into the packed unit. */
    void (*pack)(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                 const struct mxfs_rows *rows, uint8_t *packed);
    /** By unit: decodes elements [first, first + count) of the flat output, all inside the unit. */
    void (*unpack)(const struct mxfs_unit *unit, const struct mxfs_codec *codec,
                   const uint8_t *packed, uint64_t first, uint64_t count, uint8_t *dst);
};

/** All schemes in matching order; the first that recognises a tensor decides. Ends with NULL. */
extern const struct mxfs_scheme *const mxfs_schemes[];

/** Whether a scheme dequantizes; others only refuse. */
bool mxfs_scheme_decodes(const struct mxfs_scheme *scheme);

/** Whether a scheme dequantizes and is among `names`, like "fp8,nvfp4". */
bool mxfs_scheme_is_listed(const struct mxfs_scheme *scheme, const char *names);

/** Whether every one of `names`, separated by commas, is a scheme that dequantizes. */
bool mxfs_scheme_are_known(const char *names);

/** Whether some scheme lists that quant_method; "" is known too. */
bool mxfs_scheme_knows_method(const char *method);

/** Room for the names of all schemes. */
#define MXFS_SCHEME_NAMES 512

/** Writes the names of all schemes that dequantize, as "mxfp4-gptoss, ...". Returns `out`. */
const char *mxfs_scheme_names(char out[MXFS_SCHEME_NAMES]);

/** One format of the table that `mxfs list --schemes` prints. */
struct mxfs_scheme_row {
    const struct mxfs_scheme *scheme; /**< whose format it is */
    const char *name;                 /**< as shown by `mxfs list` and in refusals */
    const char *reason;               /**< why it is refused, or NULL: it is dequantized */
    char parts[400];                  /**< "X.weight_packed + X.weight_scale [+ X.weight_g_idx]" */
    char output[16];                  /**< "X.weight" or "P" */
};

/** Row `index` of that table, in matching order; false after the last. */
bool mxfs_scheme_row(size_t index, struct mxfs_scheme_row *row);

/* Matching. */

/** The caller's choices. */
struct mxfs_match_options {
    enum mxfs_out out; /**< output type of dequantized tensors */
    bool auto_out;     /**< the user asked for no type: a scheme may choose another */
    /**
     * Reads bytes of a part while matching: small parts only, such as shapes and tables. Returns 0
     * or -errno.
     */
    int (*read)(void *reader, const struct mxfs_tensor *part, void *buf, size_t len,
                uint64_t offset);
    void *reader;      /**< first argument of read() */
    uint64_t unit_max; /**< bytes that a packed unit should not exceed */
    /** Tensors of missing shards, known by name only; or NULL. */
    const struct mxfs_tensors *absent;
    bool comfy; /**< `__metadata__` holds `_quantization_metadata` */
    /** The only schemes to use, whatever the config says, separated by commas. NULL: all. */
    const char *forced;
};

/** A search for groups. All pointers are borrowed until mxfs_scheme_end(). */
struct mxfs_match {
    const struct mxfs_tensors *tensors;       /**< of the model */
    const struct mxfs_quant_config *config;   /**< of the model */
    const struct mxfs_match_options *options; /**< of the caller */
    struct scheme_index *index;               /**< which suffixes occur; private to scheme/ */
    uint32_t spared; /**< parts that int_packed.c read though it knew them */

    /* The last refusal. */
    const char *scheme; /**< short name of what was recognised */
    const char *reason; /**< a constant phrase, the same for the same cause */
    bool half;          /**< parts are missing */

    /* The first failure. Every later call returns it. */
    int error;                        /**< 0, or -errno of a read or an allocation */
    const struct mxfs_tensor *failed; /**< what could not be read, or was being matched */
};

/** Prepares a search; 0 or -ENOMEM. */
int mxfs_scheme_begin(struct mxfs_match *match, const struct mxfs_tensors *tensors,
                      const struct mxfs_quant_config *config,
                      const struct mxfs_match_options *options);

/** Frees a search; accepts a zero-initialised object. */
void mxfs_scheme_end(struct mxfs_match *match);

/**
 * Asks the schemes about tensor `index`. Returns 0 when it is the main part of *group, which can be
 * dequantized; -ENOENT when no scheme knows it; -ENOTSUP when it is refused: scheme, reason and
 * half then say why, and group->part lists the tensors concerned. Else -errno of a failure. The
 * caller frees *group with mxfs_scheme_release(), whatever the result.
 */
int mxfs_scheme_ask(struct mxfs_match *match, size_t index, struct mxfs_group *group);

/**
 * Asks about a tensor that is in no group: -ENOTSUP when a missing shard holds its scales or the
 * like, so that its meaning is unknown; else -ENOENT.
 */
int mxfs_scheme_ask_alone(struct mxfs_match *match, size_t index);

/** Most main parts that the module of a scale may have; some are listed more than once. */
#define MXFS_MAINS_MAX 96

/**
 * Whether tensor `index` scales activations or a KV cache and so never enters a weight. If it does,
 * mains[0, *count) are the indices of the tensors that may hold the weight of its module.
 */
bool mxfs_scheme_scales_activations(const struct mxfs_match *match, size_t index,
                                    size_t mains[MXFS_MAINS_MAX], size_t *count);

/** Whether tensor `index`, an X.weight, has scales of a name that some scheme knows. */
bool mxfs_scheme_has_scales(const struct mxfs_match *match, size_t index);

#endif
