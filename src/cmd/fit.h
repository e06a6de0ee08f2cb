/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Fitting a mount into the memory limit of its control group, beyond which the kernel kills it.
 * Private to cmd/.
 */
#ifndef MXFS_CMD_FIT_H
#define MXFS_CMD_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/error.h"

/**
 * Makes *cache_size smaller, and logs it, when the default does not fit into `limit` bytes. Fails
 * with MXFS_EXIT_FAILED, naming what fits, when another size does not, or when none does.
 */
int cmd_fit_cache(uint64_t *cache_size, uint64_t limit, struct mxfs_error *err);

/** Fails as above when a source of that many tensors does not fit as well. */
int cmd_fit_tensors(uint64_t cache_size, size_t tensors, uint64_t limit, struct mxfs_error *err);

#endif
