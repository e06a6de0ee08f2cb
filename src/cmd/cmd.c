/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Runs the function of each command.
 */
#include "mxfs/cmd.h"

#include <stdio.h>

#include "commands.h"
#include "mxfs/log.h"
#include "mxfs/version.h"

static int print_help(const struct mxfs_options *options, struct mxfs_error *err)
{
    (void)err;
    mxfs_options_help(stdout, options->topic);
    return 0;
}

static int print_version(const struct mxfs_options *options, struct mxfs_error *err)
{
    (void)options, (void)err;
    printf("mxfs %s\n", MXFS_VERSION);
    return 0;
}

static int print_generated(const struct mxfs_options *options, struct mxfs_error *err)
{
    (void)err;
    mxfs_options_generate(stdout, options->generate);
    return 0;
}

static enum mxfs_log_level log_level(const struct mxfs_options *options)
{
    if (options->debug || options->verbose)
        return MXFS_LOG_DEBUG;
    return options->quiet ? MXFS_LOG_ERROR : MXFS_LOG_NOTICE;
}

int mxfs_cmd_run(const struct mxfs_options *options, struct mxfs_error *err)
{
    static int (*const commands[])(const struct mxfs_options *, struct mxfs_error *) = {
        [MXFS_COMMAND_MOUNT] = cmd_mount,       [MXFS_COMMAND_LIST] = cmd_list,
        [MXFS_COMMAND_CAT] = cmd_cat,           [MXFS_COMMAND_EXPORT] = cmd_export,
        [MXFS_COMMAND_VERIFY] = cmd_verify,     [MXFS_COMMAND_STATS] = cmd_stats,
        [MXFS_COMMAND_UNMOUNT] = cmd_unmount,   [MXFS_COMMAND_HELP] = print_help,
        [MXFS_COMMAND_VERSION] = print_version, [MXFS_COMMAND_GENERATE] = print_generated,
    };

    mxfs_log_open(mxfs_log_stderr, NULL, log_level(options));
    return commands[options->command](options, err);
}
