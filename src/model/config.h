/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * config.json: what it says of quantization. Private to model/.
 */
#ifndef MXFS_MODEL_CONFIG_H
#define MXFS_MODEL_CONFIG_H

#include "mxfs/reach.h"
#include "mxfs/scheme.h"

/** Reads the config.json at `path` into *config; one that is absent, or out of reach, leaves
 * config->present false. On failure *config owns nothing. */
int model_config_load(const char *path, const struct mxfs_reach *reach,
                      struct mxfs_quant_config *config, struct mxfs_error *err);

/** Frees what a config owns. */
void model_config_fini(struct mxfs_quant_config *config);

#endif
