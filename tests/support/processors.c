/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * For LD_PRELOAD: after its first query, a process may use more processors, as if by taskset(1) or
 * a change of its cgroup's cpuset.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    static int calls;
    int processors = calls++ == 0 ? 1 : 8;

    (void)pid;
    memset(set, 0, size);
    for (int i = 0; i < processors; i++)
        CPU_SET_S(i, size, set);
    return 0;
}
