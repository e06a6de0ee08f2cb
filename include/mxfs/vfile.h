/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Virtual files: read [offset, offset + length) of what a plan shows. The one place where plan,
 * source, cache, scheme and kernels meet.
 *
 * Thread safety: immutable after start; each thread reads with its own scratch memory.
 */
#ifndef MXFS_VFILE_H
#define MXFS_VFILE_H

#include <sys/types.h>

#include "mxfs/cache.h"
#include "mxfs/plan.h"

/** What reads need besides a plan. */
struct mxfs_vfile_env {
    struct mxfs_codec codec;
    struct mxfs_cache *cache;   /**< owned */
    struct mxfs_tables *tables; /**< owned; what codec.tables points to */
    uint64_t cache_size;        /**< bytes */
};

/**
 * Chooses the kernel (`kernel` by name, or NULL for the best one) and makes tables and cache. Fails
 * with err filled, MXFS_EXIT_USAGE for a kernel that is unknown or cannot run.
 */
int mxfs_vfile_env_init(struct mxfs_vfile_env *env, const char *kernel, uint64_t cache_size,
                        struct mxfs_error *err);

/** Frees; accepts a zero-initialised object. */
void mxfs_vfile_env_fini(struct mxfs_vfile_env *env);

/** Fails (MXFS_EXIT_USAGE) when the smallest unit of a group is larger than the whole cache. */
int mxfs_vfile_check_cache(const struct mxfs_vfile_env *env, const struct mxfs_grouping *grouping,
                           struct mxfs_error *err);

/** What a read found that readers will want next; group is NULL for nothing. */
struct mxfs_ahead {
    struct mxfs_model *model;
    const struct mxfs_group *group;
    uint64_t element; /**< first element of the unit behind the one that was read */
};

/** What a thread did since somebody zeroed this. */
struct mxfs_tally {
    uint64_t bytes_read; /**< from sources */
    uint64_t units;      /**< packed units loaded */
    uint64_t load_ns;    /**< time that took */
    uint64_t decode_ns;  /**< time in kernels that decode */
};

/** Reusable memory of one thread. Zero-initialised is valid and empty. */
struct mxfs_scratch {
    uint8_t *data;
    size_t size;
    struct mxfs_tally tally;
    struct mxfs_ahead ahead; /**< set by reads, taken by mxfs_vfile_look_ahead() */
};

/** Frees; accepts an empty object. */
void mxfs_scratch_fini(struct mxfs_scratch *scratch);

/**
 * Reads up to `len` bytes of the whole virtual file into buf. Returns the number of bytes (fewer
 * than `len` only at the end of the file), or -errno: -EIO when a source fails (one rate-limited
 * log line names the tensor). On failure buf holds garbage.
 */
ssize_t mxfs_vfile_read(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                        const struct mxfs_plan *plan, void *buf, size_t len, uint64_t offset);

/** The same for the raw bytes of one output. */
ssize_t mxfs_vfile_read_output(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                               const struct mxfs_plan *plan, const struct mxfs_output *output,
                               void *buf, size_t len, uint64_t offset);

/**
 * The same for an output as a NumPy file (numpy.lib.format 1.0 or 2.0, as numpy.save writes it).
 * BF16, FP8 and E8M0 are widened to float32.
 */
ssize_t mxfs_vfile_read_npy(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                            const struct mxfs_plan *plan, const struct mxfs_output *output,
                            void *buf, size_t len, uint64_t offset);

/** The same for a file that is passed through as it is. */
ssize_t mxfs_vfile_read_raw(struct mxfs_scratch *scratch, struct mxfs_source *source, void *buf,
                            size_t len, uint64_t offset);

/** Whether a read left something for mxfs_vfile_look_ahead() to do. */
static inline bool mxfs_vfile_has_ahead(const struct mxfs_scratch *scratch)
{
    return scratch->ahead.group != NULL;
}

/**
 * Loads what the last read with this scratch found to be wanted next, if there is room for it.
 * Optional, and for when the result of that read has been delivered: it may take as long as reading
 * a matrix from storage. Failures are left for the read that will meet them.
 */
void mxfs_vfile_look_ahead(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch);

/** Size of an output's NumPy file, or 0 when NumPy has no such type (F4, F6). */
uint64_t mxfs_vfile_npy_size(const struct mxfs_output *output);

#endif
