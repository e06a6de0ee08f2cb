/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * A stage: a hidden folder, closed to other users, that holds an export until it is complete.
 *
 *     .NAME.mxfs-PID-N/           mode 0700
 *         mxfs-lock               locked (flock) while its export runs
 *         mxfs-unfinished         the file or folder that is exported
 *
 * The folder around it may belong to another user, who can rename the stage and put something else
 * in its place. So it is looked up once, checked to be ours, and from then on used through its
 * descriptor. An unlocked stage is the leftover of a killed export. Thread safety: per call.
 */
#ifndef MXFS_CMD_STAGE_H
#define MXFS_CMD_STAGE_H

#include <stdbool.h>

/** The name, in the stage, of the file or folder that is exported. */
#define CMD_STAGE_CONTENT "mxfs-unfinished"

/** Bytes for the name of a stage and NUL. */
enum { CMD_STAGE_NAME = 256 };

/** A stage. Set to CMD_STAGE_NONE before use. */
struct cmd_stage {
    int folder;                /**< descriptor; -1: there is no stage */
    int lock;                  /**< descriptor of mxfs-lock */
    char name[CMD_STAGE_NAME]; /**< in the folder where it was made */
};

/** No stage. */
#define CMD_STAGE_NONE ((struct cmd_stage){.folder = -1, .lock = -1})

/**
 * Makes a stage in the folder `base`, with the first 200 bytes of `kept` in its name. Returns 0 or
 * -errno, with -ESTALE if another user replaced it while it was made.
 */
int cmd_stage_make(struct cmd_stage *stage, int base, const char *kept);

/** Removes a stage and its contents from `base`. Needs no memory; accepts CMD_STAGE_NONE. */
void cmd_stage_remove(struct cmd_stage *stage, int base);

/**
 * Removes the stages that this user's killed exports left in `base` and that were made with the
 * same `kept`. Removes none if the filesystem has no locks. Returns how many were removed.
 */
unsigned cmd_stage_sweep(int base, const char *kept);

/** Whether a folder is empty; false also if it cannot be read. */
bool cmd_stage_is_empty_folder(int folder);

#endif
