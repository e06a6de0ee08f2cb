/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * config.json: what it says of quantization. Private to model/.
 */
#ifndef MXFS_MODEL_CONFIG_H
#define MXFS_MODEL_CONFIG_H

#include "mxfs/scheme.h"

/** Reads the config.json at `path` into *config; an absent file leaves config->present false. */
int mxfs_config_load(const char *path, struct mxfs_quant_config *config, struct mxfs_error *err);

#endif
