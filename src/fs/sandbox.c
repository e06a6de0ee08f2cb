/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Capabilities and Landlock; filter.c has the system calls.
 *
 * Sanitizers and gcov open files and attach to the process when it exits, so instrumented builds
 * give up their capabilities, but put nothing else into force.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Gives up all capabilities but those of `mask`. Returns 0 or -errno. */
static int keep_capabilities(uint64_t mask)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    if (!get_capabilities(data))
        return -errno;
    /* Fails without CAP_SETPCAP; no_new_privs keeps exec from gaining any all the same. */
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
    return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
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

/*
 * Landlock's ruleset as of its ABI 6. Ours, because headers may be older than the kernel, and
 * because a kernel accepts a longer structure than its own if the rest is zero.
 *
 * Source: Documentation/userspace-api/landlock.rst of Linux.
 */
struct ruleset {
    uint64_t files;  /* rights to files that need a rule */
    uint64_t ports;  /* the same for TCP ports: bind, connect */
    uint64_t scoped; /* never outside: abstract Unix sockets, signals */
};

enum { FILES_IOCTL = 1 << 15, PORTS_ALL = 3, SCOPED_ALL = 3 };

/* The ABI versions that brought TCP ports and scopes. */
enum { ABI_PORTS = 4, ABI_SCOPES = 6 };

/* Everything that this version can restrict. */
static struct ruleset everything(long abi)
{
    /* The number of rights to files in versions 1 to 5; none was added since. */
    static const unsigned rights[] = {13, 14, 15, 15, 16};
    const long last = (long)(sizeof(rights) / sizeof(*rights));

    return (struct ruleset){
        .files = ((uint64_t)1 << rights[(abi < last ? abi : last) - 1]) - 1,
        .ports = abi >= ABI_PORTS ? PORTS_ALL : 0,
        .scoped = abi >= ABI_SCOPES ? SCOPED_ALL : 0,
    };
}

/* Only /dev/fuse can be opened: libfuse opens it once more for each of its threads. */
static int allow_fuse(int rules, uint64_t files)
{
    struct landlock_path_beneath_attr fuse = {
        .allowed_access =
            files & (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FILES_IOCTL),
        .parent_fd = open("/dev/fuse", O_PATH | O_CLOEXEC),
    };
    int rc = 0;

    if (fuse.parent_fd < 0) /* without the device, mounting fails and says why */
        return errno == ENOENT ? 0 : -errno;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &fuse, 0) != 0)
        rc = -errno;
    close(fuse.parent_fd);
    return rc;
}

/* Makes sandbox->rules; *trust is what they cover. Returns 0 or -errno. */
static int make_rules(struct fs_sandbox *sandbox, struct fs_filter_trust *trust)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (abi < 1)
        return abi < 0 ? -errno : -EOPNOTSUPP;
    const struct ruleset all = everything(abi);
    sandbox->rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
    if (sandbox->rules < 0)
        return -errno;
    *trust = (struct fs_filter_trust){.opens = true, .signals = all.scoped != 0};
    return allow_fuse(sandbox->rules, all.files);
}

static int refuse(struct mxfs_error *err, const char *what, int rc)
{
    return mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                     "cannot enter the sandbox: %s: %s (--no-sandbox mounts without it)", what,
                     strerror(-rc));
}

/* Only what the kernel does not have is done without. */
static int settle(const char *what, int rc, struct mxfs_error *err)
{
    if (rc == 0)
        return 0;
    if (rc != -ENOSYS && rc != -EOPNOTSUPP)
        return refuse(err, what, rc);
    mxfs_log(MXFS_LOG_NOTICE, "continuing without %s, which this kernel does not have", what);
    return 0;
}

int fs_sandbox_prepare(struct fs_sandbox *sandbox, bool wanted, struct mxfs_error *err)
{
    struct fs_filter_trust trust = {0};

    *sandbox = (struct fs_sandbox){.wanted = wanted, .may_open = true, .rules = -1};
    if (!wanted)
        return 0;
    int rc = settle("Landlock", make_rules(sandbox, &trust), err);
    sandbox->may_open = trust.opens;
    if (rc == 0)
        rc = settle("seccomp", fs_filter_new(&sandbox->filter, trust), err);
    if (rc != 0)
        fs_sandbox_free(sandbox);
    return rc;
}

void fs_sandbox_free(struct fs_sandbox *sandbox)
{
    if (sandbox->rules >= 0)
        close(sandbox->rules);
    sandbox->rules = -1;
    fs_filter_free(&sandbox->filter);
}

int fs_sandbox_enter(struct fs_sandbox *sandbox, struct mxfs_error *err)
{
    if (!sandbox->wanted)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse(err, "no_new_privs", -errno);
    int rc = keep_capabilities(0);
    if (rc != 0)
        return refuse(err, "capabilities", rc);
    if (instrumented)
        return 0;
    if (sandbox->rules >= 0 && syscall(SYS_landlock_restrict_self, sandbox->rules, 0) != 0)
        return refuse(err, "Landlock", -errno);
    rc = fs_filter_load(&sandbox->filter);
    return rc == 0 ? 0 : refuse(err, "seccomp", rc);
}
