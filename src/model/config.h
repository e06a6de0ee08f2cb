/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * config.json: its description of the quantization. Private to model/.
 */
#ifndef MXFS_MODEL_CONFIG_H
#define MXFS_MODEL_CONFIG_H

#include "mxfs/reach.h"
#include "mxfs/scheme.h"

/** Reads the config.json at `path` into *config. If there is none within reach, config->present
 * stays false. Fails with err filled: MXFS_EXIT_SOURCE or MXFS_EXIT_MALFORMED; *config then owns
 * nothing. */
int model_config_load(const char *path, const struct mxfs_reach *reach,
                      struct mxfs_quant_config *config, struct mxfs_error *err);

/** Frees what a config owns. */
void model_config_fini(struct mxfs_quant_config *config);

#endif
