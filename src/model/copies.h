/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Choosing among copies of a tensor. Private to model/.
 */
#ifndef MXFS_MODEL_COPIES_H
#define MXFS_MODEL_COPIES_H

#include "index.h"
#include "mxfs/model.h"

/**
 * Collects the tensors of all open shards into m->tensors, one of each name: the copy in the shard
 * that the index names. Tensors that the index leaves out belong to the model too. Fails when the
 * index names a tensor in an open shard that does not hold it. `absent` (zero-initialised) gets the
 * tensors of missing shards, names only, borrowed from the index; the caller frees absent->sorted.
 */
int model_choose_copies(struct mxfs_model *m, const struct model_index *index,
                        struct mxfs_tensors *absent, struct mxfs_error *err);

#endif
