/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Identities from statx(2); the table from proc_pid_mountinfo(5).
 */
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U /* Linux 6.8 */
#endif

/* The paths that a line may hold (root, mountpoint, source), escaped, and a page of options. */
enum { LINE_MAX_BYTES = 3 * 4 * PATH_MAX + 4096 };

int fs_table_identify(int root, struct fs_mount_id *id)
{
    /* Without a mask FUSE answers from memory, also when the daemon is dead or another user's. */
    const int how = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    struct statx st, unique;

    if (statx(root, "", how, 0, &st) != 0)
        return -errno;
    if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return -EINVAL;
    *id = (struct fs_mount_id){
        .id = st.stx_mnt_id,
        .device = makedev(st.stx_dev_major, st.stx_dev_minor),
    };
    if (statx(root, "", how, STATX_MNT_ID_UNIQUE, &unique) == 0 &&
        (unique.stx_mask & STATX_MNT_ID_UNIQUE))
        id->unique = unique.stx_mnt_id;
    return 0;
}

bool fs_table_is(int root, const struct fs_mount_id *id)
{
    struct fs_mount_id now;

    return fs_table_identify(root, &now) == 0 && now.id == id->id && now.device == id->device &&
           now.unique == id->unique;
}

/* Replaces the table's octal escapes, as in "a\040b", in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from; to++) {
        unsigned code;
        if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1) {
            *to = (char)code;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* Fills *row when the line is that of the mount. */
static bool matches(char *line, const struct fs_mount_id *id, struct fs_table_row *row)
{
    uint64_t found;
    unsigned major, minor;
    int path = 0, end = 0;

    if (sscanf(line, "%" SCNu64 " %*u %u:%u %*s %n%*s%n", &found, &major, &minor, &path, &end) <
            3 ||
        found != id->id || makedev(major, minor) != id->device || end == 0)
        return false;
    const char *type = strstr(line + end, " - ");
    if (!type)
        return false;
    line[end] = '\0';
    unescape(line + path);
    snprintf(row->path, sizeof(row->path), "%s", line + path);
    return sscanf(type + 3, "%63s", row->type) == 1;
}

/*
 * Searches the lines of `fd`. Reads by itself, not through stdio, because the helper that unmounts
 * should not depend on the heap.
 */
static int search(int fd, const struct fs_mount_id *id, struct fs_table_row *row)
{
    static char text[LINE_MAX_BYTES + 1]; /* one search at a time, see mountpoint.h */
    size_t used = 0;
    ssize_t n;

    while ((n = read(fd, text + used, LINE_MAX_BYTES - used)) > 0) {
        char *line = text, *newline;
        used += (size_t)n;
        text[used] = '\0';
        while ((newline = strchr(line, '\n'))) {
            *newline = '\0';
            if (matches(line, id, row))
                return 0;
            line = newline + 1;
        }
        used -= (size_t)(line - text);
        memmove(text, line, used);
    }
    return n == 0 ? -ESRCH : -errno;
}

int fs_table_find(const struct fs_mount_id *id, struct fs_table_row *row)
{
    int fd = open(FS_TABLE, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    int rc = search(fd, id, row);
    close(fd);
    return rc;
}
