/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Single values of tensors, for people. Pure functions.
 */
#ifndef MXFS_CMD_VALUE_H
#define MXFS_CMD_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "mxfs/dtype.h"

/** A value of any type; long double holds all of them exactly. `im` is 0 but for C64. */
struct cmd_value {
    long double re;
    long double im;
};

/** The bits of element `index` of packed elements. */
uint64_t cmd_value_bits(enum mxfs_dtype dtype, const uint8_t *data, uint64_t index);

/** What these bits mean. */
struct cmd_value cmd_value_of(enum mxfs_dtype dtype, uint64_t bits);

/** Whether it is not a number, in either half. */
int cmd_value_is_nan(struct cmd_value value);

/** How far apart two numbers are; of complex ones, in the half where they are further. */
long double cmd_value_distance(struct cmd_value a, struct cmd_value b);

/** Room for a value as text. */
#define CMD_VALUE_TEXT 96

/** Writes "0.5 (0x3f00)"; returns `out`. */
const char *cmd_value_format(char out[CMD_VALUE_TEXT], enum mxfs_dtype dtype, uint64_t bits);

#endif
