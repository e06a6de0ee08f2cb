/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Memory limits of control groups.
 */
#include "mxfs/limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mxfs/bytes.h"
#include "mxfs/compiler.h"

/* From here on a number means that there is no limit: version 1 has no word for it. */
#define UNLIMITED ((uint64_t)1 << 62)

/* A version of control groups. */
struct version {
    const char *type;       /* of its filesystem */
    const char *controller; /* in the mount's options, and in the list of groups; "": version 2 */
    const char *file;       /* of a group: its limit */
};

static const struct version versions[] = {
    {"cgroup2", "", "memory.max"},
    {"cgroup", "memory", "memory.limit_in_bytes"},
};

/* Whether a list like "cpu,memory" has the item. */
static bool has_item(const char *list, const char *item)
{
    size_t n = strlen(item);

    for (; *list; list += strcspn(list, ","), list += *list == ',') {
        if (strncmp(list, item, n) == 0 && strcspn(list, ",") == n)
            return true;
    }
    return n == 0;
}

/* The path of our group, from a line like "4:memory:/a/b" or "0::/a/b"; the caller frees. */
static char *group_path(const char *groups, const struct version *v)
{
    FILE *f = fopen(groups, "re");
    char *line = NULL, *found = NULL;
    size_t size = 0;

    while (f && !found && getline(&line, &size, f) > 0) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        bool ours = v->controller[0] ? has_item(list + 1, v->controller) : list[1] == '\0';
        if (ours)
            found = strdup(path);
    }
    free(line);
    if (f)
        fclose(f);
    return found;
}

/* The limit in one file; UINT64_MAX for "max", and for a file that is not there. */
static uint64_t read_limit(const char *folder, const char *name)
{
    char *path = NULL, text[32] = "", *end = text;
    uint64_t limit = UINT64_MAX;
    FILE *f = asprintf(&path, "%s/%s", folder, name) >= 0 ? fopen(path, "re") : NULL;

    if (f && fgets(text, sizeof(text), f))
        limit = strtoull(text, &end, 10);
    if (f)
        fclose(f);
    free(path);
    return end == text ? UINT64_MAX : limit;
}

/* The smallest limit from the folder `path` up to the one that its first `top` bytes name. */
static uint64_t smallest(char *path, size_t top, const char *file)
{
    uint64_t limit = read_limit(path, file);

    for (char *slash; strlen(path) > top && (slash = strrchr(path, '/'));) {
        *slash = '\0';
        limit = mxfs_min_u64(limit, read_limit(path, file));
    }
    return limit;
}

/* The limit of our group in the hierarchy whose group `root` is mounted at `point`. */
static uint64_t hierarchy_limit(const char *root, const char *point, const char *group,
                                const char *file)
{
    size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
    bool below = strncmp(group, root, n) == 0 && (group[n] == '/' || group[n] == '\0');
    const char *rest = below && strcmp(group + n, "/") != 0 ? group + n : "";
    char *path;

    if (asprintf(&path, "%s%s", point, rest) < 0)
        return UINT64_MAX;
    uint64_t limit = smallest(path, strlen(point), file);
    free(path);
    return limit;
}

/* The limit that a line of the mount table leads to; UINT64_MAX for all other lines. */
static uint64_t line_limit(char *line, const char *groups)
{
    char *root = NULL, *point = NULL, *type = NULL, *options = NULL;
    char *end = strstr(line, " - ");
    uint64_t limit = UINT64_MAX;

    if (end && sscanf(line, "%*s %*s %*s %ms %ms", &root, &point) == 2 &&
        sscanf(end + 3, "%ms %*s %ms", &type, &options) == 2) {
        for (size_t i = 0; i < MXFS_COUNT(versions); i++) {
            const struct version *v = &versions[i];
            if (strcmp(type, v->type) != 0 || !has_item(options, v->controller))
                continue;
            char *group = group_path(groups, v);
            if (group)
                limit = hierarchy_limit(root, point, group, v->file);
            free(group);
        }
    }
    free(root);
    free(point);
    free(type);
    free(options);
    return limit;
}

uint64_t mxfs_limits_memory(const char *groups, const char *mounts)
{
    FILE *f = fopen(mounts, "re");
    uint64_t limit = UINT64_MAX;
    char *line = NULL;
    size_t size = 0;

    while (f && getline(&line, &size, f) > 0)
        limit = mxfs_min_u64(limit, line_limit(line, groups));
    free(line);
    if (f)
        fclose(f);
    return limit >= UNLIMITED ? UINT64_MAX : limit;
}
