/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Places. Walks a path one name at a time and opens each relative to the last.
 *
 * openat2() could replace the second half of this file, but not the first, and old kernels and many
 * containers do not have it.
 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    LINKS_MAX = 40, /* the kernel's own limit */
    FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC,
};

static int fail_errno(int fd)
{
    return fd < 0 ? -errno : fd;
}

/* Closes the descriptor in *slot and puts `fd` there. */
static void replace(int *slot, int fd)
{
    if (*slot >= 0)
        close(*slot);
    *slot = fd;
}

static int look(struct cmd_place *p)
{
    return p->self < 0 || fstat(p->self, &p->st) != 0 ? -errno : 0;
}

/* Moves on to `name` in the folder reached so far. */
static int step(struct cmd_place *p, const char *name)
{
    replace(&p->folder, p->self);
    p->self = openat(p->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return look(p);
}

static void note_owner(struct cmd_place *p)
{
    uid_t owner = p->st.st_uid;

    if (owner == 0 || owner == geteuid())
        return;
    p->leader = p->led && p->leader != owner ? (uid_t)-1 : owner;
    p->led = true;
}

/* Follows a link in /proc through the kernel: its text is only a hint. */
static bool follow_magic(struct cmd_place *p)
{
    struct statfs fs;

    if (fstatfs(p->self, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC)
        return false;
    int fd = openat(p->folder, p->name, FOLDER);
    if (fd < 0)
        return false;
    replace(&p->self, fd);
    return look(p) == 0;
}

/* Prepends the text of the link to *rest, the part of the path not walked yet. */
static int follow(struct cmd_place *p, char **rest)
{
    char text[PATH_MAX], *longer;

    if (++p->links > LINKS_MAX)
        return -ELOOP;
    note_owner(p);
    if (follow_magic(p))
        return 0;
    ssize_t n = readlinkat(p->self, "", text, sizeof(text));
    if (n < 0)
        return -errno;
    if (n == sizeof(text))
        return -ENAMETOOLONG;
    if (asprintf(&longer, "%.*s/%s", (int)n, text, *rest) < 0)
        return -ENOMEM;
    free(*rest);
    *rest = longer;
    if (text[0] == '/') {
        replace(&p->self, open("/", FOLDER));
        return look(p);
    }
    replace(&p->self, p->folder);
    p->folder = -1;
    return 0;
}

/* Removes the first name from `rest` and returns it; NULL if out of memory. */
static char *take_name(char *rest)
{
    char *name = rest + strspn(rest, "/"), *end = name + strcspn(name, "/");
    char *taken = strndup(name, (size_t)(end - name));

    memmove(rest, end, strlen(end) + 1);
    return taken;
}

static bool is_end(const char *rest)
{
    return rest[strspn(rest, "/")] == '\0';
}

/* Walks to the end of *rest. The last name need not exist. */
static int walk(struct cmd_place *p, char **rest)
{
    while (!is_end(*rest)) {
        free(p->name);
        p->name = take_name(*rest);
        if (!p->name)
            return -ENOMEM;
        int rc = step(p, p->name);
        if (rc == -ENOENT && is_end(*rest))
            return 0;
        if (rc == 0 && S_ISLNK(p->st.st_mode))
            rc = follow(p, rest);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int cmd_place_enter(struct cmd_place *place, const char *path)
{
    char *rest = strdup(path);
    int rc = rest ? walk(place, &rest) : -ENOMEM;

    free(rest);
    return rc;
}

int cmd_place_find(struct cmd_place *place, const char *path)
{
    *place = CMD_PLACE_NONE;
    place->self = open(path[0] == '/' ? "/" : ".", FOLDER);
    int rc = look(place);
    return rc == 0 ? cmd_place_enter(place, path) : rc;
}

int cmd_place_check_links(const struct cmd_place *place, int folder)
{
    struct stat st;

    if (!place->led)
        return 0;
    if (fstat(folder, &st) != 0)
        return -errno;
    return st.st_uid == place->leader ? 0 : -EPERM;
}

void cmd_place_close(struct cmd_place *place)
{
    replace(&place->folder, -1);
    replace(&place->self, -1);
    free(place->name);
    *place = CMD_PLACE_NONE;
}

int cmd_place_open_parent(int base, const char *path, const char **leaf)
{
    int folder = fail_errno(openat(base, ".", FOLDER));

    *leaf = path;
    for (const char *slash; folder >= 0 && (slash = strchr(*leaf, '/')); *leaf = slash + 1) {
        char *name = strndup(*leaf, (size_t)(slash - *leaf));
        int next = name ? fail_errno(openat(folder, name, FOLDER | O_NOFOLLOW)) : -ENOMEM;
        free(name);
        close(folder);
        folder = next;
    }
    return folder;
}
