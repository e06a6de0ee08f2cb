/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A stage: a hidden folder, closed to other users, that holds an export until it is complete.
 *
 *     .NAME.mxfs-PID-N/           mode 0700
 *         mxfs-lock               locked (flock) while its export runs
 *         mxfs-unfinished         what is exported: a file, or a folder
 *
 * It may lie in a folder of another user, who can rename it and put something else in its place.
 * So it is looked up once, proven to be ours, and used through its descriptor from then on. An
 * unlocked stage was left by an export that was killed. Thread safety: per call.
 */
#ifndef MXFS_CMD_STAGE_H
#define MXFS_CMD_STAGE_H

#include <stdbool.h>

/** What is exported, in the stage. */
#define CMD_STAGE_CONTENT "mxfs-unfinished"

/** Room for the name of a stage. */
enum { CMD_STAGE_NAME = 256 };

/** A stage. Set to CMD_STAGE_NONE before use. */
struct cmd_stage {
    int folder;                /**< -1: there is none */
    int lock;                  /**< mxfs-lock */
    char name[CMD_STAGE_NAME]; /**< in the folder where it was made */
};

#define CMD_STAGE_NONE ((struct cmd_stage){.folder = -1, .lock = -1})

/**
 * Makes one in the folder `base`, with the first 200 bytes of `kept` in its name. Returns 0 or
 * -errno: -ESTALE when another user replaced it while it was made.
 */
int cmd_stage_make(struct cmd_stage *stage, int base, const char *kept);

/** Removes it from `base` with all that is in it. Needs no memory; accepts CMD_STAGE_NONE. */
void cmd_stage_remove(struct cmd_stage *stage, int base);

/**
 * Removes the stages in `base` that killed exports of this user left, of those made with the same
 * `kept`. On a filesystem without locks all stages stay. Returns how many were removed.
 */
unsigned cmd_stage_sweep(int base, const char *kept);

/** Whether a folder is empty; false also when it cannot be read. */
bool cmd_stage_is_empty_folder(int folder);

#endif
