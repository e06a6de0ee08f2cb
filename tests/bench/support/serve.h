/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Shared by the filesystems that mxfs is compared with, and equal to mxfs: mount options,
 * capabilities, threads.
 */
#ifndef MXFS_BENCH_SERVE_H
#define MXFS_BENCH_SERVE_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <stdbool.h>

/** Seconds for which the kernel may remember names and attributes. */
extern const double bench_forever;

/** Negotiates what mxfs does, and `more` capabilities (FUSE_CAP_*) where the kernel has them. */
void bench_init(struct fuse_conn_info *conn, unsigned more);

/** Attributes of a regular file (st_size and times are the caller's) or of a directory. */
void bench_attributes(struct stat *st, fuse_ino_t ino, bool is_file);

/** Opens as mxfs does. */
void bench_reply_open(fuse_req_t req, struct fuse_file_info *fi);

/** Mounts as `name` and serves until it is unmounted. Returns an exit status. */
int bench_serve(const char *name, const struct fuse_lowlevel_ops *ops, size_t ops_size,
                unsigned threads, const char *mountpoint);

#endif
