/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Paths as text: joined and split, but never looked up.
 */
#include "mxfs/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *mxfs_path_join(const char *dir, const char *name)
{
    char *out;
    const char *slash = dir[0] && dir[strlen(dir) - 1] == '/' ? "" : "/";
    return asprintf(&out, "%s%s%s", dir, slash, name) < 0 ? NULL : out;
}

char *mxfs_path_absolute(const char *path)
{
    char *out;
    if (path[0] == '/') {
        out = strdup(path);
    } else {
        char *cwd = getcwd(NULL, 0);
        out = cwd ? mxfs_path_join(cwd, path) : NULL;
        free(cwd);
    }
    for (size_t n = out ? strlen(out) : 0; n > 1 && out[n - 1] == '/'; n--)
        out[n - 1] = '\0';
    return out;
}

int mxfs_path_resolve(char **out, const char *path, enum mxfs_exit code, struct mxfs_error *err)
{
    *out = mxfs_path_absolute(path);
    if (*out)
        return 0;
    if (errno == ENOMEM)
        return mxfs_fail_memory(err, NULL);
    return mxfs_fail(err, code, errno, "%s: the current folder no longer exists: %s", path,
                     strerror(errno));
}

const char *mxfs_path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *mxfs_path_dirname(const char *path)
{
    size_t n = (size_t)(mxfs_path_basename(path) - path);
    return n <= 1 ? strdup("/") : strndup(path, n - 1);
}

bool mxfs_path_is_plain_name(const char *name)
{
    return name[0] && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/');
}
