/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The entry point of the program mxfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "mxfs/cmd.h"
#include "mxfs/log.h"

/*
 * Undoes what a careless launcher may have passed on. The first file opened would get the number of
 * a closed standard descriptor, and output would go there. So /dev/null takes that number, opened
 * in the wrong direction, so that using it still fails. While SIGCHLD is ignored, children leave no
 * exit status to wait for.
 */
static void sanitize_process(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
    signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv)
{
    struct mxfs_options options;
    struct mxfs_error err = {0};

    sanitize_process();
    int rc = mxfs_options_parse(&options, argc, argv, &err);
    if (rc == 0)
        rc = mxfs_cmd_run(&options, &err);
    mxfs_options_fini(&options);
    errno = EIO; /* in case an earlier write failed: its errno is lost */
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        rc = mxfs_fail(&err, MXFS_EXIT_FAILED, errno, "writing to stdout: %s", strerror(errno));
    if (err.text[0])
        mxfs_log_stderr(NULL, MXFS_LOG_ERROR, err.text);
    if (rc == 0)
        return MXFS_EXIT_OK;
    return err.code != MXFS_EXIT_OK ? (int)err.code : MXFS_EXIT_FAILED;
}
