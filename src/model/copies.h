/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Which copy of a tensor is meant. Private to model/.
 */
#ifndef MXFS_MODEL_COPIES_H
#define MXFS_MODEL_COPIES_H

#include "index.h"
#include "mxfs/model.h"

/**
 * Collects the tensors of all open shards into m->tensors, one of each name: the copy that the
 * index means. A name that the index leaves out belongs to the model too. Fails when the index
 * names a tensor in an open shard that does not hold it. `absent` (zero-initialised) gets the
 * tensors of missing shards: their names, which last as long as the index; caller frees
 * absent->sorted.
 */
int mxfs_copies_choose(struct mxfs_model *m, const struct model_index *index,
                       struct mxfs_tensors *absent, struct mxfs_error *err);

#endif
