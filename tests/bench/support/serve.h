/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Shared by the filesystems that the benchmarks compare mxfs with. Mount options, capabilities and
 * threads are those of mxfs.
 */
#ifndef MXFS_BENCH_SERVE_H
#define MXFS_BENCH_SERVE_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <stdbool.h>

/** Seconds for which the kernel may cache names and attributes. */
extern const double bench_forever;

/** Negotiates the capabilities that mxfs uses, and `more` (FUSE_CAP_*) if the kernel has them. */
void bench_init(struct fuse_conn_info *conn, unsigned more);

/** Fills in the attributes of a regular file (except st_size and times) or of a directory. */
void bench_attributes(struct stat *st, fuse_ino_t ino, bool is_file);

/** Opens a file the way mxfs does. */
void bench_reply_open(fuse_req_t req, struct fuse_file_info *fi);

/** Mounts as `name` and serves until unmounted. Returns an exit status. */
int bench_serve(const char *name, const struct fuse_lowlevel_ops *ops, size_t ops_size,
                unsigned threads, const char *mountpoint);

#endif
