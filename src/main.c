/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * mxfs: shows a quantized safetensors file dequantized.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mxfs/cmd.h"
#include "mxfs/log.h"

int main(int argc, char **argv)
{
    struct mxfs_options options;
    struct mxfs_error err = {0};

    int rc = mxfs_options_parse(&options, argc, argv, &err);
    if (rc == 0)
        rc = mxfs_cmd_run(&options, &err);
    mxfs_options_fini(&options);
    if (err.text[0])
        mxfs_log_line(err.text);
    errno = EIO; /* of a write that failed earlier nobody knows why */
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        fprintf(stderr, "mxfs: writing to stdout: %s\n", strerror(errno));
        return MXFS_EXIT_FAILED;
    }
    if (rc == 0)
        return MXFS_EXIT_OK;
    return err.code != MXFS_EXIT_OK ? (int)err.code : MXFS_EXIT_FAILED;
}
