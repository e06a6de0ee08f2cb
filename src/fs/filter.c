/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * The seccomp filters. A filter sees the number and the arguments of a call, but no memory that
 * they point to: so calls that take an address, a path or flags by pointer are denied where they
 * could reach another process.
 */
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "mxfs/compiler.h"

/*
 * Built with -DMXFS_SANDBOX_KILLS, a denied call ends the process: a way to find the calls that
 * serving needs and the lists below lack.
 */
#ifdef MXFS_SANDBOX_KILLS
#define DENY SCMP_ACT_KILL_PROCESS
#else
#define DENY SCMP_ACT_ERRNO(EPERM)
#endif

/* System calls that are allowed with any arguments. */
static const int plain_calls[] = {
    /* Descriptors that are open. */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fadvise64_64),
    SCMP_SYS(arm_fadvise64_64),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    /* fstat() is one of these in some C libraries. They can look at any path, but not open it. */
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* Memory. */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    /* Threads, locks, signals. */
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigtimedwait_time64),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* Time. */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* The sockets that are connected, and the helper that unmounts. */
    SCMP_SYS(send),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recv),
    SCMP_SYS(wait4),
    SCMP_SYS(waitpid),
    /* Questions of the C library about the system. */
    SCMP_SYS(getrandom),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(ugetrlimit),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
};

/* A system call that is allowed when (argument & mask) == value. */
struct checked_call {
    int call;          /* its number */
    unsigned argument; /* which one, from 0 */
    uint64_t mask;     /* the bits that matter */
    uint64_t value;    /* what they must be */
};

/* The bits of an int argument, and of a pointer. */
static const uint64_t LOW = UINT32_MAX, ALL = UINT64_MAX;
/* All but O_LARGEFILE, which musl adds, and O_NOFOLLOW; the two bits differ by processor. */
static const uint64_t OPEN_FLAGS = UINT32_MAX & ~(uint64_t)(0100000 | 0400000);

/* Each new thread has the first flags and none of the second. */
static const uint64_t THREAD = CLONE_VM | CLONE_THREAD;
static const uint64_t NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

/*
 * malloc() reads the number of processors in /sys for its first arena, and the overcommit mode in
 * /proc when it first returns memory; both are denied, and it copes.
 */
static const uint64_t LOOK = O_RDONLY | O_CLOEXEC;

static int add(scmp_filter_ctx filter, uint32_t action, const struct checked_call *c)
{
    struct scmp_arg_cmp when = SCMP_CMP64(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value);
    return seccomp_rule_add(filter, action, c->call, 1, when);
}

static int allow_all(scmp_filter_ctx filter, const struct checked_call *calls, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add(filter, SCMP_ACT_ALLOW, &calls[i]);
    return rc;
}

static int allow_checked(scmp_filter_ctx filter)
{
    const uint64_t pid = (uint64_t)getpid();
    const struct checked_call checked[] = {
        {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
        {SCMP_SYS(mmap2), 2, PROT_EXEC, 0},
        {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
        {SCMP_SYS(clone), 0, THREAD | NAMESPACES, THREAD},
        {SCMP_SYS(kill), 0, LOW, pid},
        {SCMP_SYS(tgkill), 0, LOW, pid},
        {SCMP_SYS(prctl), 0, LOW, PR_SET_NAME},
        {SCMP_SYS(ioctl), 1, LOW, FUSE_DEV_IOC_CLONE},
        /* Not F_SETOWN, F_SETSIG, nor O_ASYNC of F_SETFL: they let the kernel send signals. */
        {SCMP_SYS(fcntl), 1, LOW, F_GETFD},
        {SCMP_SYS(fcntl), 1, LOW, F_SETFD},
        {SCMP_SYS(fcntl), 1, LOW, F_GETFL},
        {SCMP_SYS(fcntl64), 1, LOW, F_GETFD},
        {SCMP_SYS(fcntl64), 1, LOW, F_SETFD},
        {SCMP_SYS(fcntl64), 1, LOW, F_GETFL},
        {SCMP_SYS(sendto), 4, ALL, 0},    /* to the peer of the socket */
        {SCMP_SYS(prlimit64), 2, ALL, 0}, /* reads a limit, sets none */
        /* Left to the quiet filter. */
        {SCMP_SYS(openat), 2, OPEN_FLAGS, LOOK},
        {SCMP_SYS(open), 1, OPEN_FLAGS, LOOK},
    };

    return allow_all(filter, checked, MXFS_COUNT(checked));
}

static int allow_trusted(scmp_filter_ctx filter, struct fs_filter_trust trust)
{
    static const struct checked_call opens[] = {
        {SCMP_SYS(openat), 2, OPEN_FLAGS, O_RDWR | O_CLOEXEC},
        {SCMP_SYS(open), 1, OPEN_FLAGS, O_RDWR | O_CLOEXEC},
    };
    int rc = trust.opens ? allow_all(filter, opens, MXFS_COUNT(opens)) : 0;

#ifndef __GLIBC__
    /* How musl signals a thread. The process it belongs to is not in the arguments. */
    if (rc == 0 && trust.signals)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tkill), 0);
#endif
    return rc;
}

static int fill_strict(scmp_filter_ctx filter, struct fs_filter_trust trust)
{
    /* clone3() is left to the quiet filter. */
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone3), 0);

    for (size_t i = 0; i < MXFS_COUNT(plain_calls) && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain_calls[i], 0);
    if (rc == 0)
        rc = allow_checked(filter);
    if (rc == 0)
        rc = allow_trusted(filter, trust);
    /* Denied calls appear in the kernel's audit log, where there is one (Linux 4.14). */
    if (rc == 0)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    return rc;
}

/*
 * The flags of clone3() lie in memory, which a filter cannot read; told that the call does not
 * exist, the C library falls back to clone(). It tries clone3() for every thread, and that should
 * not fill the audit log. The stricter of two filters wins.
 */
static int fill_quiet(scmp_filter_ctx filter)
{
    static const struct checked_call looks[] = {
        {SCMP_SYS(openat), 2, OPEN_FLAGS, LOOK},
        {SCMP_SYS(open), 1, OPEN_FLAGS, LOOK},
    };
    int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; i < MXFS_COUNT(looks) && rc == 0; i++)
        rc = add(filter, SCMP_ACT_ERRNO(EACCES), &looks[i]);
    return rc;
}

static scmp_filter_ctx new_filter(uint32_t otherwise)
{
    scmp_filter_ctx filter = seccomp_init(otherwise);

    /* Errors of the kernel are passed on as they are; threads that a library made are included. */
    if (filter && (seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1) != 0 ||
                   seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0)) {
        seccomp_release(filter);
        filter = NULL;
    }
    return filter;
}

int fs_filter_new(struct fs_filter *filter, struct fs_filter_trust trust)
{
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
        return errno == EINVAL ? -EOPNOTSUPP : -errno;
    filter->quiet = new_filter(SCMP_ACT_ALLOW);
    filter->strict = new_filter(DENY);
    int rc = filter->quiet && filter->strict ? 0 : -ENOMEM;
    if (rc == 0)
        rc = fill_quiet(filter->quiet);
    if (rc == 0)
        rc = fill_strict(filter->strict, trust);
    return rc;
}

/* The strict filter comes last, because it forbids loading another. */
int fs_filter_load(const struct fs_filter *filter)
{
    if (!filter->strict)
        return 0;
    int rc = seccomp_load(filter->quiet);
    if (rc == 0)
        rc = seccomp_load(filter->strict);
    return rc > 0 ? -ESRCH : rc; /* a thread that could not follow */
}

void fs_filter_free(struct fs_filter *filter)
{
    seccomp_release(filter->quiet);
    seccomp_release(filter->strict);
    *filter = (struct fs_filter){0};
}
