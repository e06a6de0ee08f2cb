/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Scaffolding of the filesystems that the benchmarks compare with.
 */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const double bench_forever = 3600.0;

void bench_init(struct fuse_conn_info *conn, unsigned more)
{
    conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
    conn->want |= conn->capable &
                  (FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_EXPORT_SUPPORT | more);
    conn->max_background = 64;
    conn->congestion_threshold = 48;
}

void bench_attributes(struct stat *st, fuse_ino_t ino, bool is_file)
{
    st->st_ino = ino;
    st->st_mode = is_file ? S_IFREG | 0444 : S_IFDIR | 0555;
    st->st_nlink = is_file ? 1 : 2;
    st->st_uid = getuid();
    st->st_gid = getgid();
    st->st_blksize = 1 << 20;
    if (is_file)
        st->st_blocks = (st->st_size + 511) / 512;
}

void bench_reply_open(fuse_req_t req, struct fuse_file_info *fi)
{
    fi->keep_cache = 1;
    fi->noflush = 1;
    fuse_reply_open(req, fi);
}

int bench_serve(const char *name, const struct fuse_lowlevel_ops *ops, size_t ops_size,
                unsigned threads, const char *mountpoint)
{
    char options[128], program[] = "bench";
    char *argv[] = {program, (char[]){"-o"}, options, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);

    snprintf(options, sizeof(options), "default_permissions,ro,nosuid,nodev,subtype=%s", name);
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    struct fuse_session *se = fuse_session_new(&args, ops, ops_size, NULL);
    fuse_opt_free_args(&args);
    if (!config || !se || fuse_session_mount(se, mountpoint) != 0)
        return EXIT_FAILURE;
    fuse_set_signal_handlers(se);
    fuse_loop_cfg_set_clone_fd(config, 1);
    fuse_loop_cfg_set_max_threads(config, threads);
    fuse_loop_cfg_set_idle_threads(config, threads);
    int rc = fuse_session_loop_mt(se, config);
    fuse_session_unmount(se);
    fuse_remove_signal_handlers(se);
    fuse_session_destroy(se);
    fuse_loop_cfg_destroy(config);
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
