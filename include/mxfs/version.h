/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The version of mxfs. `mxfs --version` prints it, and the Makefile reads it from here.
 */
#ifndef MXFS_VERSION_H
#define MXFS_VERSION_H

/** MAJOR.MINOR.PATCH */
#define MXFS_VERSION "0.1.0"

#endif
