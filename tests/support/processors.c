/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Preloaded: the processors that a process may use become more after it has asked for the first
 * time, as taskset(1) or a change of its cgroup's cpuset makes them.
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
