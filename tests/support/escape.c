/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * For LD_PRELOAD: when mxfs begins to serve, tries what a hijacked daemon might try, and writes
 * "escape: WHAT ERRNO" lines to stderr; then serves as usual.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(what, attempt)                                                    \
    do {                                                                      \
        errno = 0;                                                            \
        fprintf(stderr, "escape: %s %d\n", what, (attempt) >= 0 ? 0 : errno); \
    } while (0)

static int try_exec(void)
{
    char *argv[] = {"true", NULL}, *none[] = {NULL};
    return execve("/bin/true", argv, none);
}

/* Replaces the serving function of libfuse, and calls it in the end. */
int fuse_session_loop_mt(void *session, void *config)
{
    int (*serve)(void *, void *) = dlsym(RTLD_NEXT, "fuse_session_loop_mt");

    TRY("open", open("/etc/passwd", O_RDONLY));
    TRY("open-write", open("/dev/full", O_RDWR | O_CLOEXEC));
    TRY("create", open("/tmp/mxfs-escaped", O_RDWR | O_CREAT, 0600));
    TRY("mkdir", mkdir("/tmp/mxfs-escaped", 0700));
    TRY("unlink", unlink("/tmp/mxfs-escaped"));
    TRY("chmod", chmod("/tmp", 01777));
    TRY("exec", try_exec());
    TRY("fork", fork());
    TRY("kill", kill(getppid(), 0));
    TRY("inet", socket(AF_INET, SOCK_STREAM, 0));
    TRY("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    TRY("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    TRY("umount", umount2("/tmp", MNT_DETACH));
    TRY("setuid", syscall(SYS_setuid, 0));
    TRY("code",
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
            ? -1
            : 0);
    TRY("bpf", syscall(SYS_bpf, 0, NULL, 0));
    return serve(session, config);
}
