/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The memory that the system lets this process have.
 */
#ifndef MXFS_LIMITS_H
#define MXFS_LIMITS_H

#include <stdint.h>

/** The files that tell a process its control groups, and where their files are. */
#define MXFS_LIMITS_GROUPS "/proc/self/cgroup"
#define MXFS_LIMITS_MOUNTS "/proc/self/mountinfo" /**< see MXFS_LIMITS_GROUPS */

/**
 * The smallest memory limit, in bytes, of the control group of this process and of all groups above
 * it that can be seen: memory.max of version 2, memory.limit_in_bytes of version 1. UINT64_MAX when
 * there is none, or when it cannot be read. `groups` and `mounts` have the formats of cgroups(7)
 * and proc_pid_mountinfo(5). Thread safety: per call.
 */
uint64_t mxfs_limits_memory(const char *groups, const char *mounts);

#endif
