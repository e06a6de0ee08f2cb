/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Stages.
 *
 * A sweep may find a stage before its maker has locked it. So both try the lock without waiting,
 * and the maker checks that the lock file is still there; if it is not, it tries another name.
 */
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TRIES = 100,
    NAME_KEPT = 200,
    DEPTH_MAX = 64, /* twice as deep as a source may be */
    READ_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

static const char lock_name[] = "mxfs-lock";

/* Reads the names in a folder without allocating, so that a stage can be removed without memory. */
struct names {
    int folder;
    ssize_t len, at;
    _Alignas(struct dirent64) char buf[4096];
};

/* The next name except "." and ".."; NULL at the end, or if the folder cannot be read. */
static const char *next_name(struct names *n)
{
    for (;;) {
        if (n->at >= n->len) {
            n->at = 0;
            n->len = getdents64(n->folder, n->buf, sizeof(n->buf));
            if (n->len <= 0)
                return NULL;
        }
        const struct dirent64 *entry = (const void *)(n->buf + n->at);
        n->at += entry->d_reclen;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return entry->d_name;
    }
}

bool cmd_stage_is_empty_folder(int folder)
{
    struct names names = {.folder = openat(folder, ".", READ_FOLDER)};

    if (names.folder < 0)
        return false;
    bool empty = !next_name(&names) && names.len == 0;
    close(names.folder);
    return empty;
}

static void remove_all(int parent, const char *name, unsigned depth);

/* Tries to remove every entry of a folder; returns how many there were. */
static unsigned remove_entries(int folder, unsigned depth)
{
    struct names names = {.folder = folder};
    unsigned count = 0;

    for (const char *name; (name = next_name(&names)); count++)
        remove_all(folder, name, depth);
    return count;
}

/* Removes a file, or a folder and everything in it; follows no links. */
static void remove_all(int parent, const char *name, unsigned depth)
{
    if (unlinkat(parent, name, 0) == 0 || (errno != EISDIR && errno != EPERM) || depth == DEPTH_MAX)
        return;
    int folder = openat(parent, name, READ_FOLDER);
    if (folder < 0)
        return;
    /* Repeat if entries remain: removing some may have made the listing skip others. */
    for (unsigned i = 0; i < TRIES && unlinkat(parent, name, AT_REMOVEDIR) != 0; i++) {
        if (errno != ENOTEMPTY || lseek(folder, 0, SEEK_SET) != 0 ||
            remove_entries(folder, depth + 1) == 0)
            break;
    }
    close(folder);
}

static bool is_private(mode_t mode)
{
    return (mode & 077) == 0;
}

/*
 * Between mkdirat() and openat() the owner of `base` may have replaced the stage by another folder.
 * The lock file was created and opened in one step, so it is certainly ours, and it shows which
 * owner and mode this filesystem gives to our files; some take them from mount options.
 */
static bool is_ours(const struct cmd_stage *s)
{
    struct stat folder, lock;

    return fstat(s->folder, &folder) == 0 && fstat(s->lock, &lock) == 0 &&
           folder.st_uid == lock.st_uid &&
           (is_private(folder.st_mode) || !is_private(lock.st_mode));
}

static void close_stage(struct cmd_stage *s)
{
    if (s->lock >= 0)
        close(s->lock);
    if (s->folder >= 0)
        close(s->folder);
    s->folder = s->lock = -1;
}

/* Removes a stage that is empty except for its lock. */
static int discard(struct cmd_stage *s, int base)
{
    if (s->lock >= 0)
        unlinkat(s->folder, lock_name, 0);
    close_stage(s);
    return unlinkat(base, s->name, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

/* Opens and locks a new stage; -EEXIST if it was swept away before it was locked. */
static int open_new(struct cmd_stage *s, int base)
{
    struct stat st;

    s->folder = openat(base, s->name, READ_FOLDER);
    if (s->folder < 0)
        return errno == ENOENT ? -EEXIST : errno == ENOTDIR || errno == ELOOP ? -ESTALE : -errno;
    s->lock = openat(s->folder, lock_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return errno == ENOENT ? -EEXIST : errno == EEXIST ? -ESTALE : -errno;
    if (!is_ours(s))
        return -ESTALE;
    bool taken = flock(s->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    bool gone = fstatat(s->folder, lock_name, &st, AT_SYMLINK_NOFOLLOW) != 0;
    return taken || gone ? -EEXIST : 0;
}

int cmd_stage_make(struct cmd_stage *stage, int base, const char *kept)
{
    int rc = -EEXIST;

    for (int i = 0; i < TRIES && rc == -EEXIST; i++) {
        snprintf(stage->name, sizeof(stage->name), ".%.*s.mxfs-%ld-%d", NAME_KEPT, kept,
                 (long)getpid(), i);
        rc = mkdirat(base, stage->name, 0700) == 0 ? 0 : -errno;
        if (rc != 0)
            continue;
        rc = open_new(stage, base);
        if (rc != 0)
            discard(stage, base);
    }
    return rc;
}

void cmd_stage_remove(struct cmd_stage *stage, int base)
{
    if (stage->folder < 0)
        return;
    remove_all(stage->folder, CMD_STAGE_CONTENT, 0);
    discard(stage, base);
}

/*
 * Opens and locks a folder that has the name of a stage; false unless it is an abandoned stage of
 * ours. The owner of `base` can give such a name to any folder of ours, but cannot put a lock file
 * and contents into one that others may not write to. A stage without a lock file is empty.
 */
static bool take_over(struct cmd_stage *s, int base)
{
    struct stat st;

    s->folder = openat(base, s->name, READ_FOLDER);
    if (s->folder < 0 || fstat(s->folder, &st) != 0 || st.st_uid != geteuid() ||
        (st.st_mode & 022) != 0)
        return false;
    s->lock = openat(s->folder, lock_name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (s->lock < 0)
        return errno == ENOENT && cmd_stage_is_empty_folder(s->folder);
    return flock(s->lock, LOCK_EX | LOCK_NB) == 0;
}

static bool sweep_one(int base, const char *name)
{
    struct cmd_stage s = CMD_STAGE_NONE;

    if (strlen(name) >= sizeof(s.name))
        return false;
    memcpy(s.name, name, strlen(name) + 1);
    if (!take_over(&s, base)) {
        close_stage(&s);
        return false;
    }
    remove_all(s.folder, CMD_STAGE_CONTENT, 0);
    return discard(&s, base) == 0;
}

unsigned cmd_stage_sweep(int base, const char *kept)
{
    struct names names = {.folder = openat(base, ".", READ_FOLDER)};
    char prefix[CMD_STAGE_NAME];
    unsigned count = 0;

    if (names.folder < 0)
        return 0;
    snprintf(prefix, sizeof(prefix), ".%.*s.mxfs-", NAME_KEPT, kept);
    for (const char *name; (name = next_name(&names));)
        count += strncmp(name, prefix, strlen(prefix)) == 0 && sweep_one(base, name);
    close(names.folder);
    return count;
}
