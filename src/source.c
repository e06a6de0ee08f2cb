/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the mxfs authors */

/*
 * Source files: read with pread, never mapped, so that a truncated file is an error and not a
 * signal.
 */
#include "mxfs/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mxfs/bytes.h"
#include "mxfs/log.h"
#include "mxfs/rights.h"

/*
 * Bytes per call of posix_fadvise(): the kernel cuts each call to the readahead window of the
 * device, 128 KiB by default.
 */
enum { WILL_NEED = 128 << 10 };

static int fail_to_open(const char *path, int rc, struct mxfs_error *err)
{
    const char *why = strerror(-rc);

    if (rc == -EXDEV)
        why = "this link leads out of the source (see --follow-symlinks)";
    else if (rc == -EMFILE)
        why = "too many open files: every file of the source needs a descriptor (see ulimit -n)";
    return mxfs_fail(err, MXFS_EXIT_SOURCE, -rc, "%s: %s", path, why);
}

int mxfs_source_open(struct mxfs_source *src, const char *path, const struct mxfs_reach *reach,
                     struct mxfs_error *err)
{
    memset(src, 0, sizeof(*src));
    /* O_NONBLOCK: opening a FIFO must not block; it is refused below. */
    int fd = mxfs_reach_open(reach, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    src->fd = fd < 0 ? -1 : fd;
    if (fd < 0)
        return fail_to_open(path, fd, err);
    src->path = strdup(path);
    int rc = src->path ? mxfs_rights_fstat(src->fd, &src->st) : -ENOMEM;
    if (rc != 0) {
        int e = -rc;
        mxfs_source_close(src);
        return mxfs_fail(err, MXFS_EXIT_SOURCE, e, "%s: %s", path, strerror(e));
    }
    if (!S_ISREG(src->st.st_mode)) {
        const char *what = S_ISDIR(src->st.st_mode) ? "is a directory" : "is not a regular file";
        mxfs_source_close(src);
        return mxfs_fail(err, MXFS_EXIT_SOURCE, EINVAL, "%s: %s", path, what);
    }
    return 0;
}

void mxfs_source_close(struct mxfs_source *src)
{
    if (src->fd >= 0 && src->path)
        close(src->fd);
    free(src->path);
    memset(src, 0, sizeof(*src));
    src->fd = -1;
}

/* Only size and mtime are compared: chmod, link and rename also change ctime, but no byte. */
static bool same_content(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int mark_changed(struct mxfs_source *src, const char *how)
{
    if (!atomic_exchange(&src->changed, true))
        mxfs_log(MXFS_LOG_ERROR, "%s: %s after it was opened; all further reads will fail",
                 src->path, how);
    return -EIO;
}

int mxfs_source_fetch(struct mxfs_source *src, void *buf, size_t len, uint64_t offset)
{
    char *p = buf;

    if (atomic_load_explicit(&src->changed, memory_order_relaxed))
        return -EIO;
    while (len > 0) {
        ssize_t n = pread(src->fd, p, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return mark_changed(src, "was truncated");
        p += n;
        offset += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int mxfs_source_check(struct mxfs_source *src)
{
    struct stat now;

    if (fstat(src->fd, &now) != 0)
        return -errno;
    if (!same_content(&now, &src->st))
        return mark_changed(src, "was changed");
    return 0;
}

int mxfs_source_read(struct mxfs_source *src, void *buf, size_t len, uint64_t offset)
{
    int rc = mxfs_source_fetch(src, buf, len, offset);
    /* Check after the read: a write between an earlier check and the read would go unnoticed. */
    return rc == 0 ? mxfs_source_check(src) : rc;
}

void mxfs_source_will_need(const struct mxfs_source *src, uint64_t offset, uint64_t len)
{
    for (uint64_t at = 0; at < len; at += WILL_NEED)
        posix_fadvise(src->fd, (off_t)(offset + at), (off_t)mxfs_min_u64(len - at, WILL_NEED),
                      POSIX_FADV_WILLNEED);
}

int mxfs_source_slurp(const char *path, const struct mxfs_reach *reach, size_t max, char **out,
                      size_t *len, struct mxfs_error *err)
{
    struct mxfs_source src;
    int rc = mxfs_source_open(&src, path, reach, err);
    if (rc != 0)
        return rc;
    size_t size = (size_t)src.st.st_size;
    char *buf = NULL;
    if (src.st.st_size > (off_t)max)
        rc = mxfs_fail(err, MXFS_EXIT_MALFORMED, EFBIG, "%s: larger than %zu bytes", path, max);
    else if (!(buf = malloc(size + 1)))
        rc = mxfs_fail_memory(err, path);
    else if ((rc = mxfs_source_read(&src, buf, size, 0)) != 0)
        mxfs_fail(err, MXFS_EXIT_SOURCE, -rc, "%s: %s", path, strerror(-rc));
    mxfs_source_close(&src);
    if (rc != 0) {
        free(buf);
        return rc;
    }
    buf[size] = '\0';
    *out = buf;
    *len = size;
    return 0;
}
