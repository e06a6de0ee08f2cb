/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Statistics: collected by the daemon, requested by `mxfs stats`.
 */
#include "stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "mountpoint.h"
#include "mxfs/log.h"
#include "mxfs/version.h"

_Static_assert(sizeof(union fs_stats_answer) == 1024, "the number of the ioctl must not change");
_Static_assert(offsetof(union fs_stats_answer, stats.version) == 16, "any version can be told");

static struct mxfs_stats stats_now(struct fs_context *fs)
{
    struct fs_counters *c = &fs->counters;
    struct mxfs_cache_stats cache;
    struct mxfs_stats s = {
        .version = MXFS_VERSION,
        .uptime_ns = (uint64_t)(fs_now() - fs->started) * 1000000,
        .open_files = atomic_load(&c->open),
        .reads = atomic_load(&c->reads),
        .bytes_served = atomic_load(&c->bytes),
        .bytes_read = atomic_load(&c->bytes_read),
        .errors = atomic_load(&c->errors),
        .units = atomic_load(&c->units),
        .load_ns = atomic_load(&c->load_ns),
        .decode_ns = atomic_load(&c->decode_ns),
    };

    mxfs_tree_cache_stats(fs->tree, &cache);
    s.cache_hits = cache.hits;
    s.cache_misses = cache.misses;
    s.cache_bytes = cache.bytes;
    s.cache_limit = cache.limit;
    return s;
}

void fs_stats_log(struct fs_context *fs)
{
    const struct mxfs_stats stats = stats_now(fs);
    char line[1024] = "";
    FILE *out = fmemopen(line, sizeof(line), "w");

    if (!out)
        return;
    mxfs_stats_write(out, &stats, MXFS_STATS_LINE);
    fclose(out);
    mxfs_log(MXFS_LOG_NOTICE, "%s", line);
}

void fs_stats_answer(struct fs_context *fs, union fs_stats_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    memcpy(answer->magic, FS_STATS_MAGIC, sizeof(answer->magic));
    answer->layout = FS_STATS_LAYOUT;
    answer->size = sizeof(answer->stats);
    answer->stats = stats_now(fs);
}

static int open_failed(const char *path, int errnum, struct mxfs_error *err)
{
    if (errnum == ENOTCONN)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errnum,
                         "%s: the mxfs that served this mount has exited; unmount it with: mxfs -u "
                         "%s",
                         path, path);
    if (errnum == EACCES)
        return mxfs_fail(err, MXFS_EXIT_FAILED, errnum,
                         "%s: only the user who mounted it has access; others need --allow-other",
                         path);
    return mxfs_fail(err, MXFS_EXIT_FAILED, errnum, "%s: %s", path, strerror(errnum));
}

/* The text comes from another process and goes to a terminal, so the characters are limited. */
static bool is_version(const char text[MXFS_STATS_VERSION])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.+-~";
    size_t n = strnlen(text, MXFS_STATS_VERSION);

    return n < MXFS_STATS_VERSION && strspn(text, letters) == n;
}

/* The daemon may be another version of mxfs, or another program: any mount can claim the type. */
static int check_answer(const char *path, const union fs_stats_answer *a, struct mxfs_error *err)
{
    if (memcmp(a->magic, FS_STATS_MAGIC, sizeof(a->magic)) != 0 || !is_version(a->stats.version))
        return mxfs_fail(err, MXFS_EXIT_FAILED, EPROTO, "%s: no mxfs answers here", path);
    if (a->layout != FS_STATS_LAYOUT || a->size != sizeof(a->stats))
        return mxfs_fail(err, MXFS_EXIT_FAILED, EPROTO,
                         "%s: served by mxfs %s, whose statistics mxfs " MXFS_VERSION
                         " cannot read; use that version",
                         path, a->stats.version);
    return 0;
}

static int ask(const char *path, union fs_stats_answer *answer, struct mxfs_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return open_failed(path, errno, err);
    int rc = ioctl(fd, FS_STATS_IOCTL, answer) == 0 ? 0 : -errno;
    close(fd);
    if (rc == -ENOTTY || rc == -ENOSYS)
        return mxfs_fail(err, MXFS_EXIT_FAILED, -rc,
                         "%s: served by an older mxfs, which has no statistics", path);
    return rc == 0 ? check_answer(path, answer, err) : open_failed(path, -rc, err);
}

int mxfs_fs_stats(const char *path, struct mxfs_stats *out, struct mxfs_error *err)
{
    union fs_stats_answer answer = {0};
    struct fs_mount_id id;
    struct fs_table_row row;

    int rc = fs_mountpoint_find(path, &id, &row, err);
    if (rc == 0)
        rc = ask(row.path, &answer, err);
    *out = answer.stats;
    return rc;
}
