/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Virtual files: reads bytes [offset, offset + len) of what a plan shows. Plan, source, cache,
 * scheme and kernels meet here and nowhere else.
 *
 * Thread safety: the environment is immutable after start apart from what locks itself; every
 * thread has a reader of its own.
 */
#ifndef MXFS_VFILE_H
#define MXFS_VFILE_H

#include <sys/types.h>

#include "mxfs/cache.h"
#include "mxfs/plan.h"

struct mxfs_vfile_ahead;

/** The state that all reads share. Zero-initialised is a valid closed one. */
struct mxfs_vfile_env {
    struct mxfs_codec codec;        /**< the kernel that decodes, and its tables */
    struct mxfs_cache *cache;       /**< packed units; owned */
    struct mxfs_tables *tables;     /**< the tables of the codec; owned */
    struct mxfs_vfile_ahead *ahead; /**< knowledge about the sources; owned */
    uint64_t cache_size;            /**< bound of the cache in bytes */
};

/**
 * Chooses the kernel (`kernel` by name, or NULL for the best one) and makes tables and cache. Fails
 * with err filled: MXFS_EXIT_USAGE for a kernel that is unknown or that this processor cannot run.
 */
int mxfs_vfile_env_init(struct mxfs_vfile_env *env, const char *kernel, uint64_t cache_size,
                        struct mxfs_error *err);

/** Frees; accepts a closed environment. */
void mxfs_vfile_env_fini(struct mxfs_vfile_env *env);

/**
 * Checks that all groups of a model can be read in bounded memory. Fails with MXFS_EXIT_USAGE when
 * the smallest unit of one is larger than the whole cache, and with MXFS_EXIT_MALFORMED when the
 * smallest piece of one needs more than 512 KiB of codes and scales.
 */
int mxfs_vfile_check_memory(const struct mxfs_vfile_env *env, const struct mxfs_model *model,
                            struct mxfs_error *err);

/** The most bytes that a packed unit should take of a cache of `cache_size` bytes. */
uint64_t mxfs_vfile_unit_max(uint64_t cache_size);

/** The place that will probably be read next; left by a read for mxfs_vfile_look_ahead(). */
struct mxfs_vfile_hint {
    struct mxfs_model *model;       /**< the model of the group */
    const struct mxfs_group *group; /**< NULL: there is no hint */
    uint64_t element;               /**< first element of the first unit to load */
};

/** A reader's work since these counters were last set to zero. */
struct mxfs_vfile_tally {
    uint64_t bytes_read; /**< bytes read from sources */
    uint64_t units;      /**< packed units loaded */
    uint64_t load_ns;    /**< nanoseconds spent loading units */
    uint64_t decode_ns;  /**< nanoseconds spent in kernels that decode */
};

/**
 * A thread's means of reading: `{.env = env}` is ready for use. Thread safety: one call at a time.
 */
struct mxfs_vfile_reader {
    const struct mxfs_vfile_env *env; /**< borrowed */
    uint8_t *memory;                  /**< scratch memory for source bytes, reused; owned */
    size_t memory_size;               /**< bytes of `memory` */
    struct mxfs_vfile_tally tally;    /**< only ever added to; the owner may reset it */
    struct mxfs_vfile_hint hint;      /**< set by reads */
};

/** Frees the memory and forgets the environment; accepts a zero-initialised reader. */
void mxfs_vfile_reader_fini(struct mxfs_vfile_reader *reader);

/**
 * Reads up to `len` bytes of the whole virtual file into buf. Returns the number of bytes (fewer
 * than `len` only at the end of the file), or -EIO when a source fails or memory runs out: one
 * rate-limited log line names the tensor. On failure the contents of buf are undefined.
 */
ssize_t mxfs_vfile_read(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan, void *buf,
                        size_t len, uint64_t offset);

/** As mxfs_vfile_read(), for the raw bytes of one output of the plan. */
ssize_t mxfs_vfile_read_output(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan,
                               const struct mxfs_output *output, void *buf, size_t len,
                               uint64_t offset);

/**
 * As mxfs_vfile_read(), for one output as a NumPy file (numpy.lib.format 1.0, as numpy.save
 * writes it). BF16, FP8 and E8M0 are widened to float32. May also fail with -ENOMEM.
 */
ssize_t mxfs_vfile_read_npy(struct mxfs_vfile_reader *reader, const struct mxfs_plan *plan,
                            const struct mxfs_output *output, void *buf, size_t len,
                            uint64_t offset);

/** Size of an output's NumPy file, or 0 when NumPy has no such type (F4, F6) or no array with that
 * many dimensions (over 64). */
uint64_t mxfs_vfile_npy_size(const struct mxfs_output *output);

/** As mxfs_vfile_read(), for a file that is passed through unchanged. */
ssize_t mxfs_vfile_read_raw(struct mxfs_vfile_reader *reader, struct mxfs_source *source, void *buf,
                            size_t len, uint64_t offset);

/** Whether the last read left a hint for mxfs_vfile_look_ahead(). */
static inline bool mxfs_vfile_has_hint(const struct mxfs_vfile_reader *reader)
{
    return reader->hint.group != NULL;
}

/** Drops the hint, because the reader's next read will be for somewhere else. */
static inline void mxfs_vfile_drop_hint(struct mxfs_vfile_reader *reader)
{
    reader->hint.group = NULL;
}

/**
 * Follows the hint, if there is one: loads the next units if the cache has room for them. Call it
 * after the result of the read has been delivered, since it may take as long as reading a matrix
 * from storage. Optional. Failures are ignored: the read that needs the bytes will meet them.
 */
void mxfs_vfile_look_ahead(struct mxfs_vfile_reader *reader);

/** How many of `threads` threads may look ahead at the same time; may be none. */
unsigned mxfs_vfile_ahead_threads(unsigned threads);

#endif
