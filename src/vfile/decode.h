/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Decoding a range of one group's output. Private to vfile/.
 */
#ifndef MXFS_VFILE_DECODE_H
#define MXFS_VFILE_DECODE_H

#include "mxfs/vfile.h"

/** Makes scratch->data hold at least `size` bytes; contents are lost. Returns 0 or -ENOMEM. */
int mxfs_scratch_reserve(struct mxfs_scratch *scratch, size_t size);

/** Nanoseconds of a clock that never goes back. */
uint64_t mxfs_clock_ns(void);

/** Reads bytes of a part. Unchecked: see mxfs_check_parts(). */
int mxfs_fetch_part(struct mxfs_scratch *scratch, struct mxfs_model *model,
                    const struct mxfs_tensor *part, void *buf, size_t len, uint64_t offset,
                    const struct mxfs_tensor **failed);

/** Fails when a source of the group has changed; once for all that was fetched before. */
int mxfs_check_parts(struct mxfs_model *model, const struct mxfs_group *group,
                     const struct mxfs_tensor **failed);

/**
 * Writes bytes [offset, offset + len) of a group's output, all inside it, to buf.
 * Returns 0 or -errno; *failed is then the tensor whose bytes could not be had.
 */
int mxfs_decode_range(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                      struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                      size_t len, uint64_t offset, const struct mxfs_tensor **failed);

/** The same for groups by unit. */
int mxfs_unit_range(const struct mxfs_vfile_env *env, struct mxfs_scratch *scratch,
                    struct mxfs_model *model, const struct mxfs_group *group, uint8_t *buf,
                    size_t len, uint64_t offset, const struct mxfs_tensor **failed);

#endif
