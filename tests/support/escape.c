/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * To be preloaded into mxfs: tries, where serving begins, what a hijacked daemon would try, and
 * writes "escape: WHAT ERRNO" lines to stderr, the last one "escape: attempts COUNT"; then serves
 * as usual. ESCAPE_SOCKET is the path of a socket that only root may connect to, ESCAPE_VICTIM a
 * process of the same user.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* One system call, with arguments as the kernel takes them. */
struct attempt {
    const char *what;
    long call;
    long arguments[6];
};

#define PATH "/etc/passwd"
#define NEW "/tmp/mxfs-escaped"
#define AT(text) ((long)(text))
#define EXACTLY(attempts) (sizeof(attempts) / sizeof((attempts)[0]))

static unsigned attempts;

static void try_all(const struct attempt *a, size_t count)
{
    for (size_t i = 0; i < count; i++, attempts++) {
        const long *of = a[i].arguments;
        long rc = syscall(a[i].call, of[0], of[1], of[2], of[3], of[4], of[5]);
        fprintf(stderr, "escape: %s %d\n", a[i].what, rc >= 0 ? 0 : errno);
    }
}

static void try_files(void)
{
    struct open_how how = {.flags = O_RDWR | O_CLOEXEC};
    char *none[] = {NULL};
    const struct attempt files[] = {
        {"open", SYS_openat, {AT_FDCWD, AT(PATH), O_RDONLY}},
        {"open-look", SYS_openat, {AT_FDCWD, AT(PATH), O_RDONLY | O_CLOEXEC}},
        {"open-write", SYS_openat, {AT_FDCWD, AT("/dev/full"), O_RDWR | O_CLOEXEC}},
        {"open-truncate", SYS_openat, {AT_FDCWD, AT(NEW), O_RDWR | O_CLOEXEC | O_TRUNC}},
        {"open-unnamed", SYS_openat, {AT_FDCWD, AT("/tmp"), O_RDWR | O_CLOEXEC | O_TMPFILE, 0600}},
        {"openat2", SYS_openat2, {AT_FDCWD, AT(PATH), AT(&how), sizeof(how)}},
        {"create", SYS_openat, {AT_FDCWD, AT(NEW), O_RDWR | O_CREAT | O_CLOEXEC, 0600}},
        {"handle", SYS_open_by_handle_at, {AT_FDCWD, 0, O_RDWR}},
        {"truncate", SYS_truncate, {AT(NEW), 0}},
        {"list", SYS_getdents64, {3, AT(&how), sizeof(how)}},
        {"mkdir", SYS_mkdirat, {AT_FDCWD, AT(NEW), 0700}},
        {"unlink", SYS_unlinkat, {AT_FDCWD, AT(NEW), 0}},
        {"rename", SYS_renameat2, {AT_FDCWD, AT(NEW), AT_FDCWD, AT(NEW "2"), 0}},
        {"link", SYS_linkat, {AT_FDCWD, AT(PATH), AT_FDCWD, AT(NEW), 0}},
        {"symlink", SYS_symlinkat, {AT(PATH), AT_FDCWD, AT(NEW)}},
        {"chmod", SYS_fchmodat, {AT_FDCWD, AT("/tmp"), 01777}},
        {"chown", SYS_fchownat, {AT_FDCWD, AT("/tmp"), 0, 0, 0}},
        {"xattr", SYS_setxattr, {AT("/tmp"), AT("user.mxfs"), AT("x"), 1, 0}},
        {"chroot", SYS_chroot, {AT("/tmp")}},
        {"chdir", SYS_chdir, {AT("/tmp")}},
        {"watch", SYS_fanotify_init, {0, O_RDONLY}},
        {"mount", SYS_mount, {AT("none"), AT("/tmp"), AT("tmpfs"), 0, 0}},
        {"mount-new", SYS_fsopen, {AT("tmpfs"), 0}},
        {"mount-copy", SYS_open_tree, {AT_FDCWD, AT("/"), 1}},
        {"umount", SYS_umount2, {AT("/tmp"), MNT_DETACH}},
        {"exec", SYS_execve, {AT("/bin/true"), AT(none), AT(none)}},
        {"exec-at", SYS_execveat, {AT_FDCWD, AT("/bin/true"), AT(none), AT(none), 0}},
        {"memfd", SYS_memfd_create, {AT("escaped"), MFD_CLOEXEC}},
    };

    try_all(files, EXACTLY(files));
}

/* `end` is the read end of a pipe. */
static void try_processes(int end, long victim)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    struct f_owner_ex owner = {F_OWNER_PID, (pid_t)victim};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGKILL};
    siginfo_t info = {.si_signo = SIGKILL, .si_code = SI_QUEUE};
    timer_t timer;
    int pid = (int)victim;
    const struct attempt processes[] = {
        {"fork", SYS_clone, {SIGCHLD}},
        {"namespace", SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_NEWNET}},
        {"unshare", SYS_unshare, {CLONE_NEWUSER}},
        {"setns", SYS_setns, {3, 0}},
        {"kill", SYS_kill, {victim, SIGKILL}},
        {"kill-all", SYS_kill, {-1, SIGCONT}},
        {"kill-group", SYS_kill, {0, SIGCONT}},
        {"tgkill", SYS_tgkill, {victim, victim, SIGKILL}},
        {"tkill", SYS_tkill, {victim, SIGKILL}},
        {"sigqueue", SYS_rt_sigqueueinfo, {victim, SIGKILL, AT(&info)}},
        {"tgsigqueue", SYS_rt_tgsigqueueinfo, {victim, victim, SIGKILL, AT(&info)}},
        {"pidfd", SYS_pidfd_open, {victim, 0}},
        {"pidfd-kill", SYS_pidfd_send_signal, {3, SIGKILL, 0, 0}},
        {"pidfd-take", SYS_pidfd_getfd, {3, 0, 0}},
        {"owner", SYS_fcntl, {end, F_SETOWN, victim}},
        {"owner-ex", SYS_fcntl, {end, F_SETOWN_EX, AT(&owner)}},
        {"owner-ioctl", SYS_ioctl, {end, FIOSETOWN, AT(&pid)}},
        {"owner-group", SYS_ioctl, {end, SIOCSPGRP, AT(&pid)}},
        {"signal", SYS_fcntl, {end, F_SETSIG, SIGKILL}},
        {"async", SYS_fcntl, {end, F_SETFL, O_ASYNC | O_NONBLOCK}},
        {"async-ioctl", SYS_ioctl, {end, FIOASYNC, AT(&pid)}},
        {"lease", SYS_fcntl, {end, F_SETLEASE, F_RDLCK}},
        {"notify", SYS_fcntl, {end, F_NOTIFY, 1}},
        {"timer", SYS_timer_create, {CLOCK_MONOTONIC, AT(&event), AT(&timer)}},
        {"ptrace", SYS_ptrace, {PTRACE_ATTACH, victim, 0, 0}},
        {"ptrace-seize", SYS_ptrace, {PTRACE_SEIZE, victim, 0, 0}},
        {"vm-read", SYS_process_vm_readv, {victim, AT(&here), 1, AT(&there), 1, 0}},
        {"vm-write", SYS_process_vm_writev, {victim, AT(&here), 1, AT(&there), 1, 0}},
        {"vm-advise", SYS_process_madvise, {3, AT(&here), 1, MADV_COLD, 0}},
        {"compare", SYS_kcmp, {victim, getpid(), 0, 0, 0}},
        {"priority", SYS_setpriority, {PRIO_PROCESS, victim, 10}},
        {"affinity", SYS_sched_setaffinity, {victim, 1, AT(&byte)}},
        {"dumpable", SYS_prctl, {PR_SET_DUMPABLE, 1, 0, 0, 0}},
        {"tracer", SYS_prctl, {PR_SET_PTRACER, victim, 0, 0, 0}},
        {"limit", SYS_prlimit64, {victim, RLIMIT_CORE, AT(&info), 0}},
    };

    try_all(processes, EXACTLY(processes));
}

/* `end` is any descriptor: filters do not look at what it is. */
static void try_sockets(int end, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct iovec byte = {"x", 1};
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &byte, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};
    int ends[2];

    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    const struct attempt sockets[] = {
        {"unix", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
        {"inet", SYS_socket, {AF_INET, SOCK_STREAM, 0}},
        {"inet6", SYS_socket, {AF_INET6, SOCK_DGRAM, 0}},
        {"netlink", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}},
        {"vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
        {"packet", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
        {"algorithm", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}},
        {"pair", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, AT(ends)}},
        {"connect", SYS_connect, {end, AT(&address), sizeof(address)}},
        {"bind", SYS_bind, {end, AT(&address), sizeof(address)}},
        {"listen", SYS_listen, {end, 1}},
        {"accept", SYS_accept4, {end, 0, 0, 0}},
        {"sendto", SYS_sendto, {end, AT("x"), 1, 0, AT(&address), sizeof(address)}},
        {"sendmsg", SYS_sendmsg, {end, AT(&message), 0}},
        {"sendmmsg", SYS_sendmmsg, {end, AT(&messages), 1, 0}},
        {"recvmsg", SYS_recvmsg, {end, AT(&message), 0}},
    };
    try_all(sockets, EXACTLY(sockets));
}

static void try_kernel(void)
{
    struct io_uring_params ring = {0};
    static long page[1024] __attribute__((aligned(4096)));
    const struct attempt kernel[] = {
        {"setuid", SYS_setuid, {0}},
        {"setgroups", SYS_setgroups, {0, 0}},
        {"capset", SYS_capset, {0, 0}},
        {"code", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
        {"code-later", SYS_mprotect, {AT(page), 4096, PROT_READ | PROT_EXEC}},
        {"code-key", SYS_pkey_mprotect, {AT(page), 4096, PROT_READ | PROT_EXEC, -1}},
        {"personality", SYS_personality, {0x0400000}},
        {"uring", SYS_io_uring_setup, {1, AT(&ring)}},
        {"aio", SYS_io_setup, {1, AT(page)}},
        {"bpf", SYS_bpf, {0, 0, 0}},
        {"perf", SYS_perf_event_open, {0, 0, -1, -1, 0}},
        {"faults", SYS_userfaultfd, {0}},
        {"keys", SYS_keyctl, {0, -3, 1}},
        {"shared", SYS_shmget, {0, 4096, 0600}},
        {"queue", SYS_mq_open, {AT("mxfs"), O_RDWR | O_CREAT, 0600, 0}},
        {"module", SYS_finit_module, {3, AT(""), 0}},
        {"hostname", SYS_sethostname, {AT("x"), 1}},
        {"clock", SYS_clock_settime, {CLOCK_REALTIME, AT(page)}},
        {"terminal", SYS_ioctl, {2, TIOCSTI, AT("x")}},
        {"filter", SYS_seccomp, {1, 0, 0}},
        {"landlock", SYS_landlock_create_ruleset, {0, 0, 1}},
    };

    try_all(kernel, EXACTLY(kernel));
}

/* Replaces the serving function of libfuse, and calls it in the end. */
int fuse_session_loop_mt(void *session, void *config)
{
    int (*serve)(void *, void *) = dlsym(RTLD_NEXT, "fuse_session_loop_mt");
    const char *socket = getenv("ESCAPE_SOCKET"), *victim = getenv("ESCAPE_VICTIM");
    int ends[2];

    if (!socket || !victim || pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    try_files();
    try_processes(ends[0], strtol(victim, NULL, 10));
    try_sockets(ends[0], socket);
    try_kernel();
    fprintf(stderr, "escape: attempts %u\n", attempts);
    close(ends[0]);
    close(ends[1]);
    return serve(session, config);
}
