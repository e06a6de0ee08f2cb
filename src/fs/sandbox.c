/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Capabilities, Landlock and seccomp.
 *
 * Sanitizers and gcov open files and attach to the process when it exits, so instrumented builds
 * give up their capabilities but have no filters.
 */
#include "sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fuse.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "mxfs/compiler.h"
#include "mxfs/log.h"

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||       \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    defined(MXFS_INSTRUMENTED)
static const bool instrumented = true;
#else
static const bool instrumented = false;
#endif

static bool get_capabilities(struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capget, &header, now) == 0;
}

/* Gives up all capabilities but those of `mask`. Giving up cannot fail. */
static void keep_capabilities(uint64_t mask)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (!get_capabilities(data))
        return;
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
        if (!(mask >> cap & 1))
            prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted &= (uint32_t)(mask >> 32 * i);
        data[i].effective &= (uint32_t)(mask >> 32 * i);
        data[i].inheritable = 0;
    }
    syscall(SYS_capset, &header, data);
}

bool fs_sandbox_may_mount(void)
{
    struct __user_cap_data_struct now[_LINUX_CAPABILITY_U32S_3];

    return get_capabilities(now) && (now[0].effective & CAP_TO_MASK(CAP_SYS_ADMIN));
}

void fs_sandbox_keep_mounting(void)
{
    if (!fs_sandbox_may_mount())
        return;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    keep_capabilities(CAP_TO_MASK(CAP_SYS_ADMIN) | CAP_TO_MASK(CAP_DAC_READ_SEARCH));
}

/* Only /dev/fuse can be opened from now on: libfuse opens it once more for each of its threads. */
static int restrict_files(void)
{
    /* The access kinds of Landlock's first version; later ones add more. */
    struct landlock_ruleset_attr attr = {
        .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
    };
    struct landlock_path_beneath_attr fuse = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
        .parent_fd = open("/dev/fuse", O_PATH | O_CLOEXEC),
    };
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0), rc = 0;

    if (rules < 0 || fuse.parent_fd < 0 ||
        syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &fuse, 0) != 0 ||
        syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        rc = -errno;
    if (rules >= 0)
        close(rules);
    if (fuse.parent_fd >= 0)
        close(fuse.parent_fd);
    return rc;
}

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
    SCMP_SYS(readahead),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(pipe),
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
    SCMP_SYS(sigaltstack),
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
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_settime64),
    SCMP_SYS(eventfd2),
    /* syslog, sd_notify, and the helper that unmounts. */
    SCMP_SYS(connect),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
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
    uint64_t mask, value;
};

static int allow(scmp_filter_ctx filter, const struct checked_call *c)
{
    struct scmp_arg_cmp when = SCMP_CMP64(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value);
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, c->call, 1, when);
}

static int add_rules(scmp_filter_ctx filter)
{
    const uint64_t all = ~(uint64_t)0, low = UINT32_MAX, thread = CLONE_VM | CLONE_THREAD;
    const struct checked_call checked[] = {
        {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
        {SCMP_SYS(mmap2), 2, PROT_EXEC, 0},
        {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
        {SCMP_SYS(clone), 0, thread, thread},
        {SCMP_SYS(tgkill), 0, low, (uint64_t)getpid()},
        {SCMP_SYS(prctl), 0, low, PR_SET_NAME},
        {SCMP_SYS(socket), 0, low, AF_UNIX},
        {SCMP_SYS(ioctl), 1, low, FUSE_DEV_IOC_CLONE},
        /*
         * libfuse opens /dev/fuse with these flags. malloc() reads the number of processors from
         * /sys for its first arena, and the overcommit mode from /proc when it first returns
         * memory; both are denied, and it copes.
         */
        {SCMP_SYS(openat), 2, low, O_RDWR | O_CLOEXEC},
        {SCMP_SYS(prlimit64), 2, all, 0}, /* reads a limit, sets none */
    };
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone3), 0); /* see hide_clone3() */

    for (size_t i = 0; i < MXFS_COUNT(plain_calls) && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain_calls[i], 0);
    for (size_t i = 0; i < MXFS_COUNT(checked) && rc == 0; i++)
        rc = allow(filter, &checked[i]);
    return rc;
}

/*
 * The flags of clone3() lie in memory, which a filter cannot read; told that the call does not
 * exist, the C library falls back to clone(). It tries clone3() for every thread, and that should
 * not fill the audit log, hence a second filter that does not log. The stricter of two filters
 * wins.
 */
static int hide_clone3(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int rc = filter ? 0 : -ENOMEM;

    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc;
}

/* Loaded last: this filter forbids loading another. */
static int restrict_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = filter ? 0 : -ENOMEM;

    /* Denied calls appear in the kernel's audit log, where there is one. */
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = add_rules(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc;
}

/* Lets the C library do now what it would do on first use, when the filter forbids it. */
static void prepare_library(void)
{
    tzset(); /* for syslog */
    /* For pthread_cancel(), which libfuse ends its threads with. */
    if (!dlopen("libgcc_s.so.1", RTLD_NOW))
        mxfs_log(MXFS_LOG_DEBUG, "no libgcc_s: %s", dlerror());
}

static void report(const char *what, int rc)
{
    if (rc != 0)
        mxfs_log(MXFS_LOG_NOTICE, "continuing without %s: %s", what, strerror(-rc));
}

void fs_sandbox_enter(void)
{
    prepare_library();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    keep_capabilities(0);
    if (instrumented)
        return;
    report("Landlock", restrict_files());
    int rc = hide_clone3();
    report("a seccomp filter", rc == 0 ? restrict_calls() : rc);
}
